"""The Budget curves page: choices, figures, tables and what lies behind a point."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import pandas as pd
import streamlit as st

from backend.api.schemas_experiments import Analysis, Curves, ExperimentDetail
from backend.client import Client
from backend.experiments.curves import AXES
from components.analysis import PLANS, analysis_figure, lines
from components.budget_curve import curve_figure, curve_info
from components.controls.experiment_picker import choice
from components.links import page, put_in_address
from components.prose import plain_markdown, visible
from components.service import refusals, required

SAVED = {"format": "svg", "filename": "arboretum-budget"}
CONFIG = {"displaylogo": False, "modeBarButtonsToRemove": ["select2d", "lasso2d"], "toImageButtonOptions": SAVED}
SCALES = ("logarithmic", "linear")
MULTIPLES = "every slice side by side"


def curves_panel(service: Client, info: ExperimentDetail) -> tuple[str, str]:
    """Choices and the main figure; returns axis and slice."""
    left, middle, right = st.columns(3)
    with left:
        axis = choice("Axis", "axis", list(AXES), "generated_tokens", help="What a budget is counted in")
    with middle:
        scale = choice("Scale", "scale", SCALES, SCALES[0])
    slices = ["all", *info.cells] if len(info.cells) > 1 else ["all"]
    with right:
        part = choice("Problems", "slice", [*slices, MULTIPLES] if len(slices) > 2 else slices, "all", help="All problems, or those of one kind")
    prices = _prices() if axis == "money" else {}
    arms = st.multiselect("Arms", info.arms, default=info.arms, key=f"arms.{info.hash}")
    gap = _gap(info)
    parts = slices[1:] if part == MULTIPLES else [part]
    for row in range(0, len(parts), 2):
        places = st.columns(2) if len(parts) > 1 else [st.container()]
        for place, name in zip(places, parts[row : row + 2], strict=False):
            with place:
                told = required(partial(service.experiments.curves, info.hash, axis=axis, within=name, **prices), "The curves")
                _figure(told, arms, gap, logarithmic=scale == SCALES[0], height=420 if len(parts) == 1 else 320)
    return axis, "all" if part == MULTIPLES else part


def _prices() -> dict[str, float]:
    """Prices for a million tokens."""
    names = {"generated": "generated", "prompt": "read anew", "cached": "read from the cache", "verifier": "read by the verifier"}
    columns = st.columns(len(names))
    return {
        name: float(column.number_input(f"Price of a million tokens {title}", 0.0, value=1.0, key=f"price.{name}"))
        for column, (name, title) in zip(columns, names.items(), strict=True)
    }


def _gap(info: ExperimentDetail) -> tuple[str, str] | None:
    """Coverage against a chooser, where the experiment has both."""
    pooled = [arm for arm in info.experiment.arms if arm.pooled]
    covering = next((arm.name for arm in pooled if arm.selector == "coverage"), None)
    choosers = [arm.name for arm in pooled if arm.selector != "coverage"]
    if covering is None or not choosers:
        return None
    picked = st.selectbox(
        "Shade the gap between coverage and", ["nothing", *choosers], key=f"gap.{info.hash}",
        help="Where one of the samples is right, and the rule chooses another answer",
    )  # fmt: skip
    return None if picked == "nothing" else (covering, str(picked))


def _figure(told: Curves, arms: Sequence[str], gap: tuple[str, str] | None, *, logarithmic: bool, height: int) -> None:
    drawn = curve_info(told.curves, arms, gap)
    name = f"{told.hash}.{told.slice}.{told.axis}"
    st.caption(f"{plain_markdown(told.slice)} problems")
    if not drawn.arms:
        st.info("Nothing is finished here on this axis yet. Seconds and tokens are known once a task is over.")
        return

    def click() -> None:
        points = st.session_state[f"curve.{name}"]["selection"]["points"]
        if points and isinstance(points[0].get("customdata"), list):
            arm, budget = points[0]["customdata"][:2]
            put_in_address(arm=str(arm), budget=f"{budget:g}")

    st.plotly_chart(
        curve_figure(drawn, counts=told.counts, logarithmic=logarithmic, height=height), key=f"curve.{name}", config=CONFIG, on_select=click,
        selection_mode="points",
    )  # fmt: skip
    table = pd.DataFrame([
        {
            "arm": visible(arm), "budget": mark.budget, "cost": mark.cost, "accuracy": mark.accuracy, "low": mark.low, "high": mark.high,
            "without an answer": mark.unanswered, "problems": mark.problems, "runs or samples": mark.n,
        }
        for arm, marks in drawn.arms for mark in marks
    ])  # fmt: skip
    with st.expander("The numbers"):
        st.dataframe(table, hide_index=True, key=f"table.{name}")
        st.download_button("Download as CSV", table.to_csv(index=False), f"curves-{told.hash}-{told.axis}.csv", "text/csv", key=f"csv.{name}")


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
    found = required(lambda: service.experiments.results(info.hash, arm, budget), "The runs").results
    st.subheader(f"Behind {plain_markdown(arm)} at {budget:g}")
    if not found:
        st.info("No finished task at this budget.")
        return
    table = pd.DataFrame([
        {
            "problem": each.problem, "credit": each.credit, "answer": visible(each.answer or ""), "limit": each.limit,
            "tokens": each.generated_tokens, "verifier calls": each.verifier_calls,
        }
        for each in found
    ])  # fmt: skip
    state = st.dataframe(table, hide_index=True, on_select="rerun", selection_mode="single-row", key=f"behind.{arm}.{budget}")
    rows = state["selection"]["rows"]
    st.caption("Choose a line and open it: the task is carried out again with its seeds, which gives the same run, and its whole trace is stored.")
    if st.button("Open this run on the Trace page", disabled=not rows) and rows:
        with refusals():
            run_id = service.experiments.open(info.hash, found[rows[0]].key)
            st.switch_page(page("trace"), query_params={"run": str(run_id)})


def analyses_panel(service: Client, info: ExperimentDetail, axis: str, part: str) -> None:
    """Every analysis with its sentence, its limits, its figures and tables."""
    left, right = st.columns(2)
    costs = left.slider("A wrong accepted answer costs, against what a right one is worth", 0.0, 10.0, 1.0, 0.5, key="analysis.costs")
    threshold = right.slider("The verifier accepts from a score of", 0.0, 1.0, 0.5, 0.05, key="analysis.threshold")
    found = required(
        lambda: service.experiments.analyses(info.hash, axis=axis, within=part, threshold=threshold, wrong_costs=costs), "The analyses"
    )
    if not found:
        st.info("No analysis has enough to work on yet.")
        return
    names = {each.name: each for each in found}
    picked = choice("Analysis", "analysis", list(names), next(iter(names)))
    analysis_panel(names[picked], info.hash)


def analysis_panel(each: Analysis, name: str) -> None:
    """One analysis."""
    st.markdown(f"**{plain_markdown(each.title)}**")
    st.text(each.sentence)
    st.caption(plain_markdown(f"Limits: {each.limits} Source: {each.paper}."))
    for title, rows in each.tables.items():
        plan = PLANS.get((each.name, title))
        if plan is not None and (drawn := lines(rows, plan)):
            st.plotly_chart(analysis_figure(drawn, plan), key=f"analysis.{each.name}.{title}", config=CONFIG)
        table = pd.DataFrame(rows)
        st.dataframe(table, hide_index=True, key=f"rows.{each.name}.{title}", height=min(420, 38 + 35 * len(table)))
        st.download_button("CSV", table.to_csv(index=False), f"{each.name}-{title}-{name}.csv", "text/csv", key=f"rows.csv.{each.name}.{title}")


__all__ = ["CONFIG", "analyses_panel", "analysis_panel", "behind", "curves_panel"]
