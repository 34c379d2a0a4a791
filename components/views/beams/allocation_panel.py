"""The view of how each round shared its width out by scores."""

from __future__ import annotations

import streamlit as st

from components.views.beams.allocation import (
    allocation_figure,
    allocation_table,
    allocations,
    course_figure,
)
from components.views.choosing_panel import DIGITS, clickable, node_table, slide
from components.views.registry import view
from components.views.view_data import ViewData, plural


@view("Allocation", order=30, serves=("allocation",))
def draw_allocation(data: ViewData) -> None:
    heat = data.params.get("temperature")
    found = allocations(
        data.rows,
        data.events,
        float(heat) if isinstance(heat, int | float) else None,
        data.until,
    )
    if not found:
        st.text("No round has shared out its width yet.")
        return
    known = f", T = {heat:g}" if isinstance(heat, int | float) else ""
    st.caption(
        f"Each round shares a width of children out by the softmax of the scores{known}. "
        "Area: children that a prefix got."
    )
    clickable(
        course_figure(found),
        "Scores of the prefixes of each round and the children they got",
        "view.course",
    )
    one = found[slide("Round", len(found), "share", "the round whose shares are shown below") - 1]
    among = plural(len(one.granted), "prefix", "es")
    st.caption(
        f"Round {one.number} shared {plural(one.width, 'child', 'ren')} among {among}, "
        "rounding up, the best first."
    )
    clickable(
        allocation_figure(one),
        "Children given to each prefix of the round and its exact share",
        "view.allocation",
    )
    node_table(
        allocation_table(one, data),
        [each.node for each in one.granted],
        "view.allocation_table",
        dict.fromkeys(("score", "softmax weight", "exact share"), DIGITS),
    )
