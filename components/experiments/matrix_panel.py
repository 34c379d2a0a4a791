"""The Matrix page: problems against arms, the flips between two arms, and the way to a run."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from backend.client import Client, public_token, public_url
from backend.core.statistics.intervals import PAIRED_METHOD
from backend.messages.experiments import ExperimentDetail, Matrix
from components.experiments.analyses_panel import CONFIG, numbers
from components.experiments.matrix import ORDERS, flips, matrix_figure, matrix_info
from components.experiments.picker_form import choice
from components.frame.address import page, put_in_address
from components.frame.pictures_panel import pictures
from components.frame.prose import plain_markdown, visible
from components.frame.service import refusals, require
from components.frame.tables import table_csv


def matrix_panel(service: Client, info: ExperimentDetail) -> Matrix:
    """The matrix at a budget, in an order."""
    left, right = st.columns(2)
    with left:
        budgets = [f"{budget:g}" for budget in info.budgets]
        at = choice("Budget", "at", budgets, budgets[-1], help=f"in {info.axis.replace('_', ' ')}")
    with right:
        order = choice("Order of problems", "order", ORDERS, ORDERS[0])
    matrix = require(lambda: service.experiments.matrix(info.hash, budget=float(at)), "The matrix")
    if not matrix.problems:
        st.info("Nothing is finished at this budget yet.")
        st.stop()
    found = matrix_info(matrix.problems, matrix.arms, matrix.rows, order)
    st.caption(
        "Credit is 1 for a right answer and 0 for a wrong one; rules over a pool have the "
        "chance to be right, over all samples of that size."
    )
    st.plotly_chart(
        matrix_figure(found),
        key="matrix.figure",
        config=CONFIG,
        alt="Credit of each arm on each problem",
    )
    table = pd.DataFrame(found.rows, columns=list(found.arms))
    table.insert(0, "problem", found.problems)
    table.insert(1, "solved by", found.solved)
    with st.expander("The numbers"):
        st.dataframe(table, hide_index=True, column_config=numbers(table))
        st.download_button(
            "Download as CSV",
            table_csv(table),
            f"matrix-{info.hash}.csv",
            "text/csv",
            on_click="ignore",
        )
    with st.popover("Save as a picture", icon=":material/download:"):
        pictures(
            f"experiment-{info.hash}",
            key="matrix.pictures",
            base=public_url(),
            token=public_token(),
        )
    return matrix


def flips_panel(service: Client, info: ExperimentDetail, matrix: Matrix) -> None:
    """Two arms: mean difference with its test, and the problems where they differ."""
    if len(matrix.arms) < 2:
        return
    st.subheader("Two arms")
    left, right = st.columns(2)
    with left:
        one = choice("One arm", "one", matrix.arms, matrix.arms[0])
    with right:
        other = choice("against", "other", matrix.arms, matrix.arms[1])
    if one == other:
        st.text("Choose two different arms.")
        return
    pair = require(
        lambda: service.experiments.compare(info.hash, one, other, matrix.budget), "The comparison"
    )
    band = pair.difference
    if band.value is not None:
        interval = (
            "" if band.low is None or band.high is None else f" [{band.low:+.3f}, {band.high:+.3f}]"
        )
        st.text(
            f"{one} less {other}: {band.value:+.3f}{interval} over "
            f"{pair.better + pair.worse + pair.same} problems; better on {pair.better}, "
            f"worse on {pair.worse}, the same on {pair.same}. A difference at least as large comes "
            f"by chance with p = {pair.p:.4f} "
            f"(paired sign-flip test). In brackets: {PAIRED_METHOD}."
        )
    found = flips(matrix_info(matrix.problems, matrix.arms, matrix.rows), one, other)
    for title, rows, column in zip(
        (f"{one} is better", f"{other} is better"),
        (found.gained, found.lost),
        st.columns(2),
        strict=True,
    ):
        with column:
            st.caption(plain_markdown(f"{title}: {len(rows)} problems"))
            _flips(pd.DataFrame(rows, columns=["problem", one, other]), f"flips.{title}")


def _flips(table: pd.DataFrame, key: str) -> None:
    """Problems on which two arms part; the line that is chosen chooses the problem below."""

    def chosen() -> None:
        rows = st.session_state[key]["selection"]["rows"]
        if rows:
            put_in_address(problem=str(table["problem"][rows[0]]))

    st.dataframe(
        table,
        hide_index=True,
        key=key,
        on_select=chosen,
        selection_mode="single-row",
        column_config=numbers(table),
    )


def runs_panel(service: Client, info: ExperimentDetail, matrix: Matrix) -> None:
    """One problem, and the run of any arm on it."""
    st.subheader("One problem")
    problem = choice(
        "Problem",
        "problem",
        matrix.problems,
        matrix.problems[0],
        help="A line of the tables above chooses it too",
    )
    arm = choice("The run of", "run_of", matrix.arms, matrix.arms[0])
    credit = matrix.rows[matrix.problems.index(problem)][matrix.arms.index(arm)]
    st.text(
        f"{visible(arm)} on {problem} at {matrix.budget:g}: "
        + ("nothing is finished." if credit is None else f"credit {credit:.3f}.")
    )
    if st.button(
        "Open this run on the Trace page",
        disabled=credit is None,
        help="Carried out again with its seeds, which gives the same run",
    ):
        with refusals():
            found = service.experiments.results(info.hash, arm, matrix.budget, limit=10_000).results
            run_id = service.experiments.open(
                info.hash, next(each.key for each in found if each.problem == problem)
            )
            st.switch_page(page("trace"), query_params={"run": str(run_id)})


__all__ = ["flips_panel", "matrix_panel", "runs_panel"]
