"""The Budget curves page: choices, figures, tables and what lies behind a point."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import pandas as pd
import streamlit as st

from backend.client import Client, public_token, public_url
from backend.experiments.costs import AXES
from backend.experiments.spec import Arm
from backend.messages.experiments import Curves, ExperimentDetail
from components.experiments.analyses_panel import CONFIG, numbers
from components.experiments.budget_curve import (
    METRICS,
    CurveInfo,
    curve_figure,
    curve_info,
    left_out,
)
from components.experiments.picker_form import choice, several
from components.frame.address import page, put_in_address
from components.frame.pictures_panel import pictures
from components.frame.prose import plain_markdown, visible
from components.frame.service import refusals, require
from components.frame.tables import table_csv

SCALES = ("logarithmic", "linear")
MULTIPLES = "every slice side by side"
FIRST_ARMS = 8
"""Arms that are drawn before a reader chooses."""
NOTHING = "nothing"


@dataclass(frozen=True)
class CurveChoices:
    """How the curves are looked at: arms, the gap (arm that covers, arm that chooses), scale and
    metric."""

    arms: Sequence[str]
    gap: tuple[str, str] | None
    logarithmic: bool
    metric: str


def curves_panel(service: Client, info: ExperimentDetail) -> tuple[str, str]:
    """Draw the choices and the figures; returns the chosen axis and slice of the problems."""
    axis, scale, metric, slice = _choose_axes(info)
    prices = _prices() if axis == "money" else {}
    arms, gap = _choose_arms(info)
    _figures(
        [
            require(
                partial(service.experiments.curves, info.hash, axis=axis, within=name, **prices),
                "The curves",
            )
            for name in (info.cells if slice == MULTIPLES else [slice])
        ],
        CurveChoices(arms, gap, scale == SCALES[0], metric),
    )
    with st.popover("Save as a picture", icon=":material/download:"):
        pictures(
            f"experiment-{info.hash}",
            key="budget.pictures",
            base=public_url(),
            token=public_token(),
        )
    return axis, "all" if slice == MULTIPLES else slice


def _choose_axes(info: ExperimentDetail) -> tuple[str, str, str, str]:
    """Ask for axis, scale, metric and slice of the problems."""
    columns = st.columns(4)
    with columns[0]:
        axis = choice(
            "Axis",
            "axis",
            list(AXES),
            "generated_tokens",
            "What a budget is counted in",
            lambda name: name.replace("_", " "),
        )
    with columns[1]:
        scale = choice("Scale", "scale", SCALES, SCALES[0])
    with columns[2]:
        help_ = "How often the answer is right, or how often there is one within the budget"
        metric = choice("Metric", "metric", METRICS, METRICS[0], help=help_)
    slices = ["all", *info.cells, MULTIPLES] if len(info.cells) > 1 else ["all"]
    with columns[3]:
        help_ = (
            "All problems, those of one kind, or a third by how often the model's own samples "
            "are right"
        )
        slice = choice("Problems", "slice", slices, "all", help=help_)
    return axis, scale, metric, slice


def _choose_arms(info: ExperimentDetail) -> tuple[Sequence[str], tuple[str, str] | None]:
    """Ask for the arms and for the gap that is shaded between two of them."""
    left, right = st.columns([3, 1])
    with left:
        hidden = (
            f"The first {FIRST_ARMS} of {len(info.arms)} are drawn until you choose"
            if len(info.arms) > FIRST_ARMS
            else None
        )
        arms = several("Arms", "arms", info.arms, info.arms[:FIRST_ARMS], help=hidden)
    with right:
        return arms, _gap(info, arms)


def _prices() -> dict[str, float]:
    """Prices for a million tokens."""
    names = {
        "generated": "generated",
        "prompt": "read anew",
        "cached": "read from the cache",
        "verifier": "read by the verifier",
    }
    columns = st.columns(len(names))
    return {
        name: float(
            column.number_input(
                f"Price of a million tokens {title}", 0.0, value=1.0, key=f"price.{name}"
            )
        )
        for column, (name, title) in zip(columns, names.items(), strict=True)
    }


def _gap(info: ExperimentDetail, shown: Sequence[str]) -> tuple[str, str] | None:
    """Coverage against a chooser, where the experiment has both: at first the vote, if it is
    drawn.
    """
    pooled = [arm for arm in info.experiment.arms if arm.pooled]
    covering = {_pool_of(arm): arm.name for arm in reversed(pooled) if arm.selector == "coverage"}
    choosers = {
        arm.name: covering[_pool_of(arm)]
        for arm in pooled
        if arm.selector != "coverage" and _pool_of(arm) in covering
    }
    if not choosers:
        return None
    voting = (
        arm.name
        for arm in pooled
        if arm.selector == "majority" and arm.name in shown and choosers.get(arm.name) in shown
    )
    picked = choice(
        "Shade the gap between coverage and",
        "gap",
        [NOTHING, *choosers],
        next(voting, NOTHING),
        help="Where one of the samples is right, and the rule chooses another answer",
    )
    return None if picked == NOTHING else (choosers[picked], picked)


def _pool_of(arm: Arm) -> str:
    """What decides about the samples that a pooled arm reads."""
    return arm.model_dump_json(
        exclude={"name", "selector", "selector_params", "pool", "aggregation"}
    )


def _figures(curves: Sequence[Curves], view: CurveChoices) -> None:
    """Draw one chart, or one a slice side by side over the same axis."""
    costs = [
        point.cost
        for one in curves
        for line in one.curves
        if line.arm in view.arms
        for point in line.points
        if point.cost is not None
    ]
    span = (min(costs), max(costs)) if costs else None
    for row in range(0, len(curves), 2):
        pair = curves[row : row + 2]
        for place, one in zip(
            st.columns(2) if len(curves) > 1 else [st.container()], pair, strict=False
        ):
            with place:
                _figure(one, view, span, height=440 if len(curves) == 1 else 360)


def _figure(
    curves: Curves, view: CurveChoices, span: tuple[float, float] | None, *, height: int
) -> None:
    """Draw the chart of one slice with its numbers below; a click on a point puts arm and budget
    into the address."""
    info = curve_info(curves.curves, view.arms, view.gap)
    name = f"{curves.hash}.{curves.slice}.{curves.axis}"
    st.caption(plain_markdown(f"Problems: {curves.slice}"))
    notes = [*curves.notes, *left_out(info, logarithmic=view.logarithmic)]
    if not info.arms:
        st.info(
            "Nothing is finished here on this axis yet. Seconds and tokens are known once "
            "a task is over."
        )
        st.caption(plain_markdown(" ".join(notes)))
        return

    def click() -> None:
        points = st.session_state[f"curve.{name}"]["selection"]["points"]
        if points and isinstance(points[0].get("customdata"), list):
            arm, budget = points[0]["customdata"][:2]
            put_in_address(arm=str(arm), budget=f"{budget:g}")

    figure = curve_figure(
        info,
        counts=curves.counts,
        logarithmic=view.logarithmic,
        metric=view.metric,
        span=span,
        height=height,
    )
    st.plotly_chart(
        figure,
        key=f"curve.{name}",
        config=CONFIG,
        on_select=click,
        selection_mode="points",
        alt=f"{view.metric} against {curves.axis}, {curves.slice}",
    )
    st.caption(plain_markdown(" ".join(notes)))
    file = f"curves-{curves.hash}-{curves.slice}-{curves.axis}.csv".replace("/", "-")
    _numbers(info, name, file)


def _numbers(info: CurveInfo, name: str, file: str) -> None:
    """Show the points of the curves as a table, which can be downloaded as `file`."""
    table = pd.DataFrame(
        [
            {
                "arm": visible(arm),
                "budget": mark.budget,
                "cost": mark.cost,
                "accuracy": mark.accuracy,
                "low": mark.low,
                "high": mark.high,
                "without an answer": mark.unanswered,
                "problems": mark.problems,
                "runs or samples": mark.n,
            }
            for arm, marks in info.arms
            for mark in marks
        ]
    )
    with st.expander("The numbers"):
        st.dataframe(table, hide_index=True, key=f"table.{name}", column_config=numbers(table))
        st.download_button(
            "Download as CSV",
            table_csv(table),
            file,
            "text/csv",
            key=f"csv.{name}",
            on_click="ignore",
        )


def behind(service: Client, info: ExperimentDetail) -> None:
    """The runs of the point that the address names."""
    arm, given = st.query_params.get("arm", ""), st.query_params.get("budget", "")
    try:
        budget = float(given)
    except ValueError:
        st.caption("Click a point of a curve to see the runs behind it.")
        return
    if arm not in info.arms:
        return
    found = require(lambda: service.experiments.results(info.hash, arm, budget), "The runs").results
    st.subheader(f"Behind {plain_markdown(arm)} at {budget:g}")
    if not found:
        st.info("No finished task at this budget.")
        return
    table = pd.DataFrame(
        [
            {
                "problem": each.problem,
                "credit": each.credit,
                "answer": visible(each.answer or ""),
                "limit": each.limit,
                "tokens": each.generated_tokens,
                "verifier calls": each.verifier_calls,
            }
            for each in found
        ]
    )
    key = f"behind.{arm}.{budget}"
    state = st.dataframe(
        table,
        hide_index=True,
        on_select="rerun",
        selection_mode="single-row",
        key=key,
        column_config=numbers(table),
    )
    rows = state["selection"]["rows"]
    pooled = any(each.name == arm and each.pooled for each in info.experiment.arms)
    whole = "Answer and tokens are those of the whole pool. " if pooled else ""
    st.caption(
        f"{whole}Choose a line and open it: the task is carried out again with its seeds, "
        "which gives the same run, and its trace is stored."
    )
    if st.button("Open this run on the Trace page", disabled=not rows) and rows:
        with refusals():
            run_id = service.experiments.open(info.hash, found[rows[0]].key)
            st.switch_page(page("trace"), query_params={"run": str(run_id)})


__all__ = ["behind", "curves_panel"]
