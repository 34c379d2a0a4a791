"""The race: one problem, two to four strategies, one budget, one seed, one engine; all start at
once and are watched side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import streamlit as st

from backend.client import Client, Refused, Unreachable
from backend.core.settings import Preferences
from backend.messages.runs import Catalog, RunSpec, StrategyInfo
from components.compare.address import FEWEST, MOST, show_runs
from components.form.limits_form import limits_form
from components.form.models_form import ENGINE, VERIFIER, select
from components.form.problem_form import ProblemChoice, problem_picker
from components.form.run_again_form import FAVOURITES, first_choices
from components.form.schema_form import schema_form
from components.form.start_form import FormStart
from components.frame.prose import Markdown, plain_markdown
from components.frame.service import explain, refusals

BUDGET = {"generated_tokens": 2000.0}
"""What every strategy may spend at first: without a common limit a race says little."""


@dataclass(frozen=True)
class Race:
    """What the form says: a spec for each strategy, or what is missing."""

    specs: Sequence[RunSpec]
    missing: str


def race_form(service: Client, catalog: Catalog, preferences: Preferences) -> None:
    """Draw the form; a press on the button starts all runs and shows them."""
    start = FormStart(first_choices(catalog, preferences).model_copy(update={"budget": BUDGET}))
    left, right = st.columns([2, 3], gap="large")
    with left:
        chosen = problem_picker(catalog.problem_sets, start)
        models = _models(catalog, preferences, start)
        with st.expander(
            "Common budget, seed, sampling and steps", icon=":material/tune:", expanded=True
        ):
            rest = limits_form(catalog, start)
    with right:
        entries = _strategies(catalog.strategies)
        params = {entry.name: _params(entry, start) for entry in entries}
    race = plan_race(chosen, entries, params, {**models, **rest})
    _start(service, race, preferences)


def plan_race(
    chosen: ProblemChoice,
    entries: Sequence[StrategyInfo],
    params: Mapping[str, Mapping[str, Any]],
    common: Mapping[str, Any],
) -> Race:
    """The specs of a race: all the same but for strategy and parameters."""
    unavailable = next(
        (f"{entry.title}: {entry.reason}." for entry in entries if not entry.available), ""
    )
    reasons = [
        "" if len(entries) >= FEWEST else f"Choose {FEWEST} to {MOST} strategies.",
        unavailable,
        "" if chosen.problem or chosen.question else "Write a question first.",
        str(common.get("missing", "")),
    ]
    if missing := next((reason for reason in reasons if reason), ""):
        return Race([], missing)
    fields = {name: value for name, value in common.items() if name != "missing"}
    problem = {"problem": chosen.problem, "question": chosen.question, "answer": chosen.answer}
    return Race(
        [
            RunSpec(strategy=entry.name, params=dict(params[entry.name]), **problem, **fields)
            for entry in entries
        ],
        "",
    )


def _models(catalog: Catalog, preferences: Preferences, start: FormStart) -> dict[str, Any]:
    """Engine and verifier for all; models are the preferred ones where the engine is the preferred
    one, else its defaults."""
    left, right = st.columns(2)
    with left:
        engine = select("Engine", catalog.engines, start.spec.engine, ENGINE, _title, start)
    with right:
        verifier = select(
            "Verifier", catalog.verifiers, start.spec.verifier, VERIFIER, _title, start
        )
    own = engine.name == preferences.default_engine
    return {
        "engine": engine.name,
        "verifier": verifier.name,
        "model": preferences.default_model if own else None,
        "verifier_model": preferences.default_reward_model
        if own and "reward_model" in verifier.needs
        else None,
        "missing": next(
            (
                f"{entry.title}: {entry.reason}."
                for entry in (engine, verifier)
                if not entry.available
            ),
            "",
        ),
    }


def _title(entry: Any) -> str:
    return entry.title if entry.available else f"{entry.title} ({entry.reason or 'not available'})"


def _strategies(strategies: Sequence[StrategyInfo]) -> list[StrategyInfo]:
    by_name = {entry.name: entry for entry in strategies}
    names = st.multiselect(
        "Strategies",
        list(by_name),
        default=[name for name in FAVOURITES if name in by_name],
        format_func=lambda name: _title(by_name[name]),
        max_selections=MOST,
        key="race.strategies",
        persist_state="session",
        help=f"{FEWEST} to {MOST}; each begins with its published parameters",
    )
    return [by_name[name] for name in names]


def _params(entry: StrategyInfo, start: FormStart) -> dict[str, Any]:
    with st.expander(f"Parameters of {plain_markdown(entry.title)}", icon=":material/tune:"):
        return schema_form(entry.params_schema, key=f"form.{entry.name}", given={}, start=start)


def _start(service: Client, race: Race, preferences: Preferences) -> None:
    forecast = _forecast(service, race)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        pressed = st.button(
            "Start the race",
            type="primary",
            icon=":material/sprint:",
            disabled=not forecast.possible,
            key="race.start",
            help="One run for each strategy",
        )
        st.caption(forecast.sentence)
    if race.specs and len(race.specs) > preferences.runs_at_once:
        st.caption(
            f":material/info: Only {preferences.runs_at_once} runs search at once (see "
            "Settings): the others wait in the queue."
        )
    if pressed:
        begun: list[int] = []
        with refusals():
            for spec in race.specs:
                begun.append(service.submit(spec))
        if len(begun) == len(race.specs):
            show_runs(begun)
            st.rerun()


class Forecast(NamedTuple):
    """What each run of a race will cost, and whether all would be accepted."""

    sentence: Markdown
    possible: bool


def _forecast(service: Client, race: Race) -> Forecast:
    """What each run will cost, and whether all would be accepted."""
    if race.missing:
        return Forecast(Markdown(f":material/info: {plain_markdown(race.missing)}"), False)
    estimates = []
    for spec in race.specs:
        name = spec.strategy.replace("_", " ")
        try:
            estimates.append(plain_markdown(f"{name}: {service.estimate(spec).sentence}"))
        except (Refused, Unreachable) as error:
            said = f":material/error: {plain_markdown(name)}: {explain(error)}"
            return Forecast(Markdown(said), False)
    return Forecast(Markdown("  \n".join(estimates)), True)
