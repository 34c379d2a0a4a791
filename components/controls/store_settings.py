"""The settings of the service: models in memory, runs at once, the store and its cleaning."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from backend.api.schemas import EngineChoice, ModelState, StoreInfo
from backend.client import Client
from backend.settings import Preferences
from components.run_words import size
from components.service import refusals


def model_table(models: Sequence[ModelState]) -> None:
    """Which models are in memory, or on their way."""
    if not models:
        st.text("No model is in memory. The first run loads what it needs, or load one here.")
        return
    lines = [
        (
            state.engine,
            state.model,
            state.kind,
            state.state,
            size(state.memory_bytes) if state.memory_bytes else "not known",
            f"{state.seconds_loading:.1f} s",
            state.reason,
        )
        for state in models
    ]
    st.dataframe(pd.DataFrame(lines, columns=["engine", "model", "kind", "state", "memory", "loading time", "reason"]), hide_index=True)


def model_actions(service: Client, engines: Sequence[EngineChoice]) -> None:
    """Load or unload a model by name."""
    titles = {entry.name: entry.title for entry in engines if entry.available}
    engine, kind, model, load, unload = st.columns([2, 2, 3, 1, 1], vertical_alignment="bottom")
    with engine:
        name = st.selectbox("Engine", list(titles), format_func=lambda value: titles[value], key="models.engine")
    with kind:
        sort = st.selectbox("Kind", ["policy", "reward"], key="models.kind", help="policy writes steps, reward scores them")
    entry = next((entry for entry in engines if entry.name == name), None)
    names = [] if entry is None else entry.models if sort == "policy" else entry.reward_models
    with model:
        of = st.selectbox("Model", ["default", *names], accept_new_options=True, key=f"models.model.{sort}")
    chosen = None if of == "default" else of
    with load:
        if st.button("Load", width="stretch", disabled=name is None):
            with refusals():
                service.load(str(name), chosen, sort)
                st.rerun()
    with unload:
        if st.button("Unload", width="stretch", disabled=name is None):
            with refusals():
                service.unload(str(name), chosen, sort)
                st.rerun()
    for entry in engines:
        if not entry.available:
            st.caption(f"{entry.title} is not available: {entry.reason}.")


def preference_form(service: Client, now: Preferences, engines: Sequence[EngineChoice]) -> None:
    """Runs at once, retention, and what the form on Solve proposes."""
    titles = {entry.name: entry.title for entry in engines}
    with st.form("preferences"):
        left, middle, right = st.columns(3)
        with left:
            at_once = st.number_input("Runs at once", 1, 64, now.runs_at_once, help="further runs wait in the queue")
        with middle:
            days = st.number_input(
                "Keep runs for days",
                0.0,
                36_500.0,
                now.retention_days,
                step=1.0,
                format="%.0f",
                help="older runs are deleted at start; 0 keeps them for ever",
            )
        with right:
            names = list(titles) or [now.default_engine]
            engine = st.selectbox(
                "Engine that Solve proposes",
                names,
                index=names.index(now.default_engine) if now.default_engine in names else 0,
                format_func=lambda name: titles.get(name, name),
            )
        if st.form_submit_button("Save", type="primary"):
            with refusals():
                service.save_settings(
                    Preferences.model_validate({**now.model_dump(), "runs_at_once": at_once, "retention_days": days, "default_engine": engine})
                )
                st.toast("Saved.", icon=":material/check:")


def store_panel(service: Client, store: StoreInfo) -> None:
    """How large the store is, and deletion by age, which asks first."""
    row = st.container(horizontal=True, vertical_alignment="center", gap="medium")
    row.text(f"{store.runs} runs, {size(store.bytes)}", width="content")
    with row, st.popover("Delete old runs", icon=":material/delete:"):
        days = st.number_input("Older than days", 0.5, 36_500.0, 30.0, step=1.0, key="prune.days")
        if st.button("Delete them", type="primary", key="prune.go"):
            with refusals():
                st.session_state["prune.said"] = f"{service.prune(days)} runs were deleted."
                st.rerun()
    if said := st.session_state.pop("prune.said", ""):
        st.success(said, icon=":material/check:")
