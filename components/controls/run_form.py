"""Everything a run needs, in one column: problem, strategy, models, budget, sampling. The result is a `RunSpec`, or what is missing for one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import streamlit as st

from backend.api.schemas import Catalog, EngineChoice, RunSpec, StrategyInfo
from backend.settings import Preferences
from components.controls.problem_picker import Chosen, problem_picker
from components.controls.schema_form import schema_form

FAVOURITES = ("particle_filter", "beam_search")
Named = TypeVar("Named", bound=Any)


@dataclass(frozen=True)
class Wish:
    """What the form says. `spec` is None while something is missing; then `missing` says what to do."""

    chosen: Chosen
    spec: RunSpec | None
    missing: str


@dataclass(frozen=True)
class Models:
    """Engine and verifier settings as fields of a `RunSpec`; `missing` says why they cannot be used, or nothing."""

    fields: Mapping[str, Any]
    missing: str


def run_form(catalog: Catalog, preferences: Preferences) -> Wish:
    """Draw the form. First choices make a run that grows a tree with one click."""
    chosen = problem_picker(catalog.problem_sets)
    strategy, params = _strategy(catalog.strategies)
    with st.expander("Models and verifier", icon=":material/memory:"):
        models = _models(catalog, preferences, strategy)
    with st.expander("Budget, seed and sampling", icon=":material/tune:"):
        rest = _limits(catalog)
    reasons = [models.missing, "" if strategy.available else strategy.reason, "" if chosen.problem or chosen.question else "Write a question first."]
    missing = next((reason for reason in reasons if reason), "")
    if missing:
        return Wish(chosen, None, missing)
    spec = RunSpec(
        strategy=strategy.name, params=params, problem=chosen.problem, question=chosen.question, answer=chosen.answer, **models.fields, **rest
    )
    return Wish(chosen, spec, "")


def _strategy(strategies: Sequence[StrategyInfo]) -> tuple[StrategyInfo, dict[str, Any]]:
    names = [entry.name for entry in strategies]
    favourite = next((name for name in FAVOURITES if name in names), names[0])
    entry = _select("Strategy", strategies, favourite, "form.strategy", lambda one: one.title if one.available else f"{one.title} (not available)")
    if not entry.available:
        st.caption(f":material/info: {entry.reason}")
    with st.popover("About this strategy", icon=":material/menu_book:", width="stretch"):
        about(entry)
    return entry, schema_form(entry.params_schema, key=f"form.{entry.name}")


def about(entry: StrategyInfo) -> None:
    """The catalogue entry: idea, source, departures from the paper, pseudo-code lines."""
    st.markdown(f"**{entry.title}**")
    st.text(entry.summary)
    if entry.paper:
        st.caption(f"Source: {entry.paper}" + (f", {entry.year}" if entry.year else ""))
    if entry.departures:
        st.markdown("**Departs from the paper**")
        for departure in entry.departures:
            st.text(f"\u2022 {departure}")
    if entry.phases:
        st.markdown("**A round**")
        st.code("\n".join(f"{name:<12} {line}" for name, line in entry.phases.items()), language=None, wrap_lines=True)


def _models(catalog: Catalog, preferences: Preferences, strategy: StrategyInfo) -> Models:
    engine = _select("Engine", catalog.engines, preferences.default_engine, "form.engine", _availability)
    left, right = st.columns(2)
    with left:
        model = _model("Model", engine.models, f"form.model.{engine.name}", "the language model that writes the steps")
    verifiers = catalog.verifiers
    verifier = _select("Verifier", verifiers, preferences.default_verifier, "form.verifier", _availability)
    with right:
        names = engine.reward_models if verifier.name == "prm" else []
        reward = _model("Reward model", names, f"form.reward.{engine.name}", "scores each step") if verifier.name == "prm" else None
    left, right = st.columns(2)
    with left:
        aggregation = st.selectbox(
            "Aggregation",
            ["last", "min", "prod", "mean"],
            key="form.aggregation",
            persist_state="session",
            help="how step scores become the score of a path",
        )
    with right:
        published = f"published ({strategy.selector})"
        selector = st.selectbox(
            "Selector",
            [published, *(entry.name for entry in catalog.selectors)],
            key=f"form.selector.{strategy.name}",
            persist_state="session",
            help="which finished solution gives the answer",
        )
    missing = next((f"{entry.title}: {entry.reason}." for entry in (engine, verifier) if not entry.available), "")
    fields = {
        "engine": engine.name,
        "model": model,
        "verifier": verifier.name,
        "verifier_model": reward,
        "aggregation": aggregation,
        "selector": None if selector == published else selector,
    }
    return Models(fields, missing)


def _availability(entry: EngineChoice) -> str:
    return entry.title if entry.available else f"{entry.title} ({entry.reason})"


def _model(label: str, names: Sequence[str], key: str, help_: str) -> str | None:
    """A model by name or path; None stands for the engine's default."""
    default = "default"
    name = st.selectbox(
        label, [default, *names], key=key, accept_new_options=True, persist_state="session", help=f"{help_}; type a name or a path for another one"
    )
    return None if name in (default, None) else str(name)


def _limits(catalog: Catalog) -> dict[str, Any]:
    left, right = st.columns([3, 2], vertical_alignment="bottom")
    titles = {axis.name: axis.title for axis in catalog.budget_axes}
    with left:
        axis = st.selectbox("Budget", ["", *titles], format_func=lambda name: titles.get(name, "No limit"), key="form.axis", persist_state="session")
    with right:
        limit = st.number_input(
            "Limit", min_value=1.0, value=2000.0, step=100.0, format="%.0f", key="form.limit", disabled=not axis, persist_state="session"
        )
    left, right = st.columns(2)
    with left:
        seed = st.number_input(
            "Run seed",
            min_value=0,
            max_value=2**53 - 1,
            value=0,
            step=1,
            key="form.seed",
            persist_state="session",
            help="the same seed repeats the run",
        )
        max_tokens = st.number_input(
            "Tokens a step", min_value=1, max_value=32768, value=1024, step=64, key="form.max_tokens", persist_state="session"
        )
    with right:
        temperature = st.number_input(
            "Temperature", min_value=0.0, max_value=5.0, value=0.8, step=0.1, key="form.temperature", persist_state="session"
        )
        alternatives = st.number_input(
            "Alternatives kept",
            min_value=0,
            max_value=20,
            value=0,
            step=1,
            key="form.alternatives",
            persist_state="session",
            help="store this many likeliest tokens at every position",
        )
    sampling = {"temperature": temperature, "max_tokens": max_tokens, "alternatives": alternatives}
    return {"seed": int(seed), "budget": {axis: float(limit)} if axis else {}, "sampling": sampling}


def _select(label: str, entries: Sequence[Named], preferred: str, key: str, title: Callable[[Any], str]) -> Named:
    """Choose one of the catalogue's entries by name, `preferred` first."""
    by_name = {entry.name: entry for entry in entries}
    names = list(by_name)
    name = st.selectbox(
        label,
        names,
        index=names.index(preferred) if preferred in names else 0,
        format_func=lambda value: title(by_name[value]),
        key=key,
        persist_state="session",
    )
    return by_name[name]
