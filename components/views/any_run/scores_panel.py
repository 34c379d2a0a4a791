"""The view of the scores of every step."""

from __future__ import annotations

import streamlit as st

from components.views.any_run.scores import score_figure, score_info
from components.views.choosing_panel import clickable
from components.views.registry import view
from components.views.view_data import ViewData


@view("Scores by step", order=160, needs=("score",))
def draw_scores(data: ViewData) -> None:
    info = score_info(data.rows)
    if not info.points:
        st.text("No node is scored yet.")
        return
    st.caption(
        "The verifier's score of every node by its step; the thick line is the path of the answer."
    )
    clickable(
        score_figure(info),
        "Scores of each step on every path and on the path of the answer",
        "view.scores",
    )
