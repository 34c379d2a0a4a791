"""Which charts a run gets: those that its strategy announces by name and those that its log holds
something for; no strategy is named here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import streamlit as st

from backend.core.records import EventRecord
from backend.core.tree import TreeRow
from backend.messages.runs import Run, StrategyInfo
from backend.problems import Problem
from backend.problems.extraction import reader_version
from components.frame.address import number_in_address
from components.views.choosing_panel import PICKED
from components.views.registry import View, views_for
from components.views.view_data import ViewData


def charts(
    run: Run,
    entry: StrategyInfo | None,
    rows: Sequence[TreeRow],
    events: Sequence[EventRecord],
    until: int | None,
) -> None:
    """Draw the charts of a run at a moment as tabs. `entry` is its strategy's place in the
    catalogue, None where it is not known here."""
    views = views_for(entry.views if entry else [], {event.kind for event in events})
    if not views:
        return
    rule = run.selector or (entry.selector if entry else "best")
    schema = entry.params_schema if entry else {}
    settings = parameters(run.params, schema)
    node = number_in_address("node")
    data = ViewData(
        rows,
        events,
        until,
        rule,
        threshold(run.params, schema),
        run.id,
        settings,
        problem_of(run),
        node,
        reader_version(run.spec),
    )
    st.fragment(_tabs)(views, data)


def _tabs(views: Sequence[View], data: ViewData) -> None:
    """The tabs, of which only the open one computes anything. A click in a chart concerns the whole
    page, which is then drawn anew."""
    if st.session_state.pop(PICKED, False):
        st.rerun()
    for tab, view in zip(
        st.tabs([view.title for view in views], key="chart", bind="query-params"),
        views,
        strict=True,
    ):
        if tab.open:
            with tab:
                view.draw(data)


def problem_of(run: Run) -> Problem:
    """The problem of a run as graders take it; one of the asker's own where it belongs to no
    set.
    """
    problem = run.problem
    if problem is None:
        return Problem("", "own", None, None, run.question, run.right_answer)
    return Problem(
        problem.id,
        problem.set,
        problem.level,
        problem.seed,
        problem.question,
        problem.answer,
        problem.meta,
    )


def parameters(params: Mapping[str, object], schema: Mapping[str, object]) -> dict[str, object]:
    """The parameters of a run, with the defaults of what it does not name."""
    properties = schema.get("properties")
    declared = properties if isinstance(properties, Mapping) else {}
    return {
        name: one["default"]
        for name, one in declared.items()
        if isinstance(one, Mapping) and "default" in one
    } | dict(params)


def threshold(params: Mapping[str, object], schema: Mapping[str, object]) -> float | None:
    """The fraction of particles below which a strategy resamples, from its parameters or their
    defaults; None if it has no such rule."""
    value = parameters(params, schema).get("ess_min")
    return float(value) if isinstance(value, int | float) else None
