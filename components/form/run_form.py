"""Everything a run needs, in one column: problem, strategy, models, budget, sampling. The result is
a `RunSpec`, or what is missing for one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st

from backend.messages.runs import Catalog, RunSpec, StrategyInfo
from components.form.judge_entry_panel import draw_judge_entries
from components.form.limits_form import limits_form
from components.form.models_form import models_form, select
from components.form.problem_form import ProblemChoice, problem_picker
from components.form.schema_form import schema_form
from components.form.start_form import FormStart
from components.form.strategy_entry_panel import strategy_entry
from components.frame.address import number_in_address
from components.frame.prose import plain_markdown


@dataclass(frozen=True)
class Wish:
    """What the form says. `spec` is None while something is missing; then `missing` says what to
    do."""

    chosen: ProblemChoice
    spec: RunSpec | None
    missing: str


def run_form(catalog: Catalog, start: FormStart) -> Wish:
    """Draw the form; what it begins with is in `start`."""
    note = st.empty()
    chosen = problem_picker(catalog.problem_sets, start)
    strategy, params = _strategy(catalog.strategies, start)
    with st.expander("Models and verifier", icon=":material/memory:"):
        models = models_form(catalog, strategy, start)
    draw_judge_entries(catalog, strategy, models.fields)
    with st.expander("Budget, seed, sampling and steps", icon=":material/tune:"):
        rest = limits_form(catalog, start)
    if start.like is not None and start.like != number_in_address(
        "run"
    ):  # the form that started the run on screen says nothing new
        note.caption(_start_words(start))
    reasons = [
        models.missing,
        "" if strategy.available else strategy.reason,
        "" if chosen.problem or chosen.question else "Write a question first.",
    ]
    missing = next((reason for reason in reasons if reason), "")
    if missing:
        return Wish(chosen, None, missing)
    spec = RunSpec(
        strategy=strategy.name,
        params=params,
        problem=chosen.problem,
        question=chosen.question,
        answer=chosen.answer,
        **models.fields,
        **rest,
    )
    return Wish(chosen, spec, "")


def _start_words(start: FormStart) -> str:
    lost = f" Not taken over: {plain_markdown(', '.join(start.lost))}." if start.lost else ""
    return f":material/replay: Filled from run {start.like}.{lost}"


def _strategy(
    strategies: Sequence[StrategyInfo], start: FormStart
) -> tuple[StrategyInfo, dict[str, Any]]:
    spec = start.spec
    entry = select("Strategy", strategies, spec.strategy, "form.strategy", _name, start)
    if not entry.available:
        st.caption(f":material/info: {plain_markdown(entry.reason)}")
    params = schema_form(
        entry.params_schema,
        key=f"form.{entry.name}",
        given=spec.params if entry.name == spec.strategy else {},
        start=start,
    )
    strategy_entry(entry)
    return entry, params


def _name(entry: StrategyInfo) -> str:
    return entry.title if entry.available else f"{entry.title} (not available)"
