"""The settings of the service: models in memory, runs at once, the store and its cleaning."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st
from pydantic import ValidationError

from backend.client import Client
from backend.core.settings import ADDRESS, Preferences
from backend.messages.runs import Catalog, EngineChoice, ModelState, StoreInfo, VerifierInfo
from components.form.models_form import DEFAULT, adopt
from components.frame.prose import plain_markdown
from components.frame.service import refusals
from components.frame.theme import NOTHING
from components.run.words import size

SAVED = "preferences.saved"


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
    columns = ["engine", "model", "kind", "state", "memory", "loading time", "reason"]
    st.dataframe(pd.DataFrame(lines, columns=columns), hide_index=True, placeholder=NOTHING)


def model_actions(service: Client, engines: Sequence[EngineChoice]) -> None:
    """Load or unload a model by name."""
    titles = {entry.name: entry.title for entry in engines if entry.available}
    engine, kind, model, load, unload = st.columns([2, 2, 3, 1, 1], vertical_alignment="bottom")
    with engine:
        name = st.selectbox(
            "Engine", list(titles), format_func=lambda value: titles[value], key="models.engine"
        )
    with kind:
        sort = st.selectbox(
            "Kind",
            ["policy", "reward"],
            key="models.kind",
            help="policy writes steps, reward scores them",
        )
    known = next((entry for entry in engines if entry.name == name), None)
    names = [] if known is None else known.models if sort == "policy" else known.reward_models
    with model:
        of = st.selectbox(
            "Model", [DEFAULT, *names], accept_new_options=True, key=f"models.model.{sort}"
        )
    chosen = None if of == DEFAULT else of
    for place, label, act in ((load, "Load", service.load), (unload, "Unload", service.unload)):
        if place.button(label, width="stretch", disabled=name is None):
            with refusals():
                act(str(name), chosen, sort)
                st.rerun()
    for entry in engines:
        if not entry.available:
            st.caption(
                f"{plain_markdown(entry.title)} is not available: {plain_markdown(entry.reason)}."
            )


def preference_form(service: Client, now: Preferences, catalog: Catalog) -> None:
    """Runs at once, retention, and what the form on Solve begins with."""
    with st.form("preferences"):
        values = {**_keeping(now), **_proposing(now, catalog), **_allowing(now)}
        if st.form_submit_button("Save", type="primary"):
            with refusals():
                try:
                    wanted = Preferences.model_validate({**now.model_dump(), **values})
                except ValidationError as error:
                    st.error(plain_markdown(_wrong(error)), icon=":material/error:")
                else:
                    adopt(service.save_settings(wanted))
                    st.session_state[SAVED] = True
                    st.rerun()  # the fields begin with what is saved now: else the next change is lost
    if st.session_state.pop(SAVED, False):
        st.toast("Saved.", icon=":material/check:")


def _keeping(now: Preferences) -> dict[str, float]:
    left, right = st.columns(2)
    with left:
        at_once = st.number_input(
            "Runs at once", 1, 64, now.runs_at_once, help="further runs wait in the queue"
        )
    with right:
        days = st.number_input(
            "Keep runs for days",
            0.0,
            36_500.0,
            now.retention_days,
            step=1.0,
            format="%g",
            help="older runs are deleted at start; 0 keeps them for ever",
        )
    return {"runs_at_once": at_once, "retention_days": days}


def _allowing(now: Preferences) -> dict[str, list[str]]:
    """The servers that may be asked where others reach the service, which is checked there."""
    lines = st.text_area(
        "Servers that others may ask, one address a line",
        "\n".join(now.allowed_servers),
        height=80,
        placeholder=ADDRESS,
        help="counts where the service can be reached from outside, and is changed on loopback only",
    )
    return {"allowed_servers": lines.split()}


def _proposing(now: Preferences, catalog: Catalog) -> dict[str, str | None]:
    """The first choices of the form on Solve. A model is proposed with the engine beside it
    only.
    """
    st.caption("Solve begins with")
    policies = [name for entry in catalog.engines for name in entry.models]
    rewards = [name for entry in catalog.engines for name in entry.reward_models]
    first, second, third, fourth = st.columns(4)
    with first:
        engine = _one_of("Engine", catalog.engines, now.default_engine)
    with second:
        model = _model("Model", policies, now.default_model)
    with third:
        verifier = _one_of("Verifier", catalog.verifiers, now.default_verifier)
    with fourth:
        reward = _model("Reward model", rewards, now.default_reward_model)
    return {
        "default_engine": engine,
        "default_model": model,
        "default_verifier": verifier,
        "default_reward_model": reward,
    }


def _one_of(label: str, entries: Sequence[EngineChoice] | Sequence[VerifierInfo], now: str) -> str:
    titles = {now: now, **{entry.name: entry.title for entry in entries}}
    names = list(titles)
    return str(
        st.selectbox(
            label,
            names,
            index=names.index(now),
            format_func=lambda name: titles[name],
            key=f"preferences.{label}",
        )
    )


def _model(label: str, names: Sequence[str], now: str | None) -> str | None:
    """A model by name or path, None for the engine's default."""
    options = list(dict.fromkeys([DEFAULT, *names, now or DEFAULT]))
    chosen = st.selectbox(
        label,
        options,
        index=options.index(now or DEFAULT),
        accept_new_options=True,
        key=f"preferences.{label}",
        help="type a name or a path for another one",
    )
    return None if chosen in (DEFAULT, None) else str(chosen)


def _wrong(error: ValidationError) -> str:
    """What is wrong, what was given and what is accepted."""
    found = error.errors()[0]
    return (
        f"{'.'.join(str(part) for part in found['loc'])}: got {str(found['input'])[:80]!r}. "
        f"Accepted: {found['msg']}."
    )


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
        st.success(plain_markdown(said), icon=":material/check:")
