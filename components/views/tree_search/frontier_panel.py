"""The view of the frontier of a best-first search: what left it and what waits in it."""

from __future__ import annotations

import streamlit as st

from components.views.choosing_panel import DIGITS, clickable, node_table
from components.views.registry import view
from components.views.tree_search.frontier import falls, frontier_figure, frontier_info
from components.views.tree_search.waiting import SHOWN, waiting_figure, waiting_info, waiting_table
from components.views.view_data import ViewData, plural


@view("Frontier", order=80, needs=("popped",), serves=("frontier",))
def draw_frontier(data: ViewData) -> None:
    info = frontier_info(data.rows, data.events, data.until)
    now = waiting_info(data.rows, data.events, data.until)
    if not info.pops and not now.entries:
        st.text("No node has entered the frontier yet.")
        return
    fell = falls(info)
    more = f"; the first {SHOWN} are drawn" if len(now.entries) > SHOWN else ""
    st.caption(
        (
            f"{plural(len(info.pops), 'node')} taken, {len(now.entries)} still waiting{more}. "
            "The least f = g + h leaves first. f "
        )
        + ("never fell." if fell == 0 else f"fell {plural(fell, 'time')}.")
        + (f" {plural(now.repeated, 'repetition')} of a sibling merged." if now.repeated else "")
        + (f" {now.given_up} given up." if now.given_up else "")
    )
    left, right = st.columns(2)
    with left:
        st.caption("In which order nodes were taken, and at what cost")
        if info.pops:
            clickable(
                frontier_figure(info),
                "Costs f, g and h in the order in which nodes left the frontier",
                "view.frontier",
            )
    with right:
        st.caption("The frontier now, the next to leave first; a star marks a finished text")
        if now.entries:
            clickable(
                waiting_figure(now),
                "The nodes in the frontier sorted by f, with g and h",
                "view.waiting",
            )
    node_table(
        waiting_table(now, data),
        [entry.node for entry in now.entries],
        "view.waiting_table",
        dict.fromkeys("fgh", DIGITS),
        height=240,
    )
