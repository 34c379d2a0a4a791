"""The view of where a search over the whole tree went on in each turn."""

from __future__ import annotations

import streamlit as st

from components.views.choosing_panel import DIGITS, clickable, node_table
from components.views.registry import view
from components.views.tree_search.turns import turn_figure, turn_table, turns
from components.views.view_data import ViewData, plural


@view("Turns", order=60, needs=("jumped",), serves=("turns",))
def draw_turns(data: ViewData) -> None:
    found = turns(data.events, data.until)
    if not found:
        st.text("No turn is over yet.")
        return
    jumped = sum(one.jump for one in found)
    st.caption(
        f"{plural(len(found), 'turn')}: {len(found) - jumped} went on to the best new child, "
        f"{jumped} jumped to the open node of the whole tree with "
        "the greatest F, which is the sum of the parts stacked here."
    )
    clickable(
        turn_figure(found),
        "Where the search went on in each turn, with the parts of F",
        "view.turns",
    )
    node_table(
        turn_table(found, data),
        [one.node for one in found],
        "view.turn_table",
        dict.fromkeys(("value", "backed up"), DIGITS),
        height=240,
    )
