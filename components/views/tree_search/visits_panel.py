"""The view of visits and values along a path."""

from __future__ import annotations

import streamlit as st

from components.views.choosing_panel import clickable
from components.views.registry import view
from components.views.tree_search.visits import visit_figure, visit_info
from components.views.view_data import ViewData, plural


@view("Visits", order=50, needs=("backed",), serves=("visits",))
def draw_visits(data: ViewData) -> None:
    info = visit_info(data.rows)
    if not info.children:
        st.text("No walk has come back yet.")
        return
    path = "path of the answer" if info.answered else "most visited path"
    worth = (
        "what the search took a child to be worth, by its own rule"
        if info.recorded
        else "the mean of the values that came back through a child"
    )
    hidden = (
        f"{plural(info.omitted, 'less visited child', 'ren')} not shown. " if info.omitted else ""
    )
    st.caption(f"{hidden}Children along the {path} after {info.simulations} walks. Q: {worth}.")
    clickable(visit_figure(info), "Visits and Q of the children along the path", "view.visits")
