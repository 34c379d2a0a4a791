"""The view of the trajectories that passes were held to and drew."""

from __future__ import annotations

import streamlit as st

from components.views.choosing_panel import node_table
from components.views.populations.passes import (
    passes,
    temperatures,
)
from components.views.populations.references import reference_table
from components.views.registry import view
from components.views.view_data import ViewData


@view("References", order=110, needs=("referenced",), serves=("references",))
def draw_references(data: ViewData) -> None:
    found = passes(data.rows, data.events, data.until)
    lines = [one for one in found if one.drawn is not None]
    if not lines:
        st.text("No pass has come to its end yet.")
        return
    st.caption(
        "At the end of a pass one trajectory is drawn by weight: the reference. A later pass holds "
        "one of its slots to a reference, "
        "so that what was found is not lost, and draws again. Choose a line to open the node in "
        "which the drawn trajectory ends."
    )

    node_table(
        reference_table(lines, temperatures(data.events)),
        [one.drawn.node for one in lines if one.drawn is not None],
        "view.references",
        {
            "weight": st.column_config.ProgressColumn(min_value=0.0, max_value=1.0, format="%.3f"),
            "least ESS": st.column_config.NumberColumn(format="%.2f"),
        },
    )
