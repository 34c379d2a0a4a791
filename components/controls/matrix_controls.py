"""The Matrix page: problems against arms, and the flips between two arms."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from backend.api.schemas_experiments import ExperimentDetail, Matrix
from backend.client import Client
from components.controls.budget_controls import CONFIG
from components.controls.experiment_picker import choice
from components.matrix import ORDERS, flips, matrix_figure, matrix_info
from components.prose import plain_markdown
from components.service import required


def matrix_panel(service: Client, info: ExperimentDetail) -> Matrix:
    """The matrix at a budget, in an order."""
    left, right = st.columns(2)
    with left:
        budgets = [f"{budget:g}" for budget in info.budgets]
        at = choice("Budget", "at", budgets, budgets[-1], help=f"in {info.axis}")
    with right:
        order = choice("Order of problems", "order", ORDERS, ORDERS[0])
    told = required(lambda: service.experiments.matrix(info.hash, budget=float(at)), "The matrix")
    if not told.problems:
        st.info("Nothing is finished at this budget yet.")
        st.stop()
    found = matrix_info(told.problems, told.arms, told.rows, order)
    st.plotly_chart(matrix_figure(found), key="matrix.figure", config=CONFIG)
    table = pd.DataFrame(found.rows, columns=list(found.arms))
    table.insert(0, "problem", found.problems)
    table.insert(1, "solved by", found.solved)
    with st.expander("The numbers"):
        st.dataframe(table, hide_index=True)
        st.download_button("Download as CSV", table.to_csv(index=False), f"matrix-{info.hash}.csv", "text/csv")
    return told


def flips_panel(service: Client, info: ExperimentDetail, told: Matrix) -> None:
    """Two arms: mean difference with its test, and the problems where they differ."""
    if len(told.arms) < 2:
        return
    st.subheader("Two arms")
    left, right = st.columns(2)
    with left:
        one = choice("One arm", "one", told.arms, told.arms[0])
    with right:
        other = choice("against", "other", told.arms, told.arms[1])
    if one == other:
        st.text("Choose two different arms.")
        return
    pair = required(lambda: service.experiments.compare(info.hash, one, other, told.budget), "The comparison")
    band = pair.difference
    if band.value is not None:
        interval = "" if band.low is None or band.high is None else f" [{band.low:+.3f}, {band.high:+.3f}]"
        st.text(
            f"{one} less {other}: {band.value:+.3f}{interval} over {pair.better + pair.worse + pair.same} problems; better on {pair.better}, "
            f"worse on {pair.worse}, the same on {pair.same}. A difference at least as large comes by chance with p = {pair.p:.4f} "
            "(paired sign-flip test)."
        )
    found = flips(matrix_info(told.problems, told.arms, told.rows), one, other)
    for title, rows, column in ((f"{one} is better", found.gained, left), (f"{other} is better", found.lost, right)):
        with column:
            st.caption(plain_markdown(f"{title}: {len(rows)} problems"))
            st.dataframe(pd.DataFrame(rows, columns=["problem", one, other]), hide_index=True, key=f"flips.{title}")


__all__ = ["flips_panel", "matrix_panel"]
