"""The view of the swaps that chains at different temperatures proposed."""

from __future__ import annotations

import streamlit as st

from components.frame.theme import NOTHING
from components.views.choosing_panel import clickable
from components.views.populations.passes import (
    temperatures,
)
from components.views.populations.swaps import swap_figure, swap_info, swap_table, swaps
from components.views.registry import view
from components.views.view_data import ViewData


@view("Swaps", order=120, needs=("swapped",), serves=("swaps",))
def draw_swaps(data: ViewData) -> None:
    found = swaps(data.events, data.until)
    info = swap_info(found, temperatures(data.events))
    if not info.chains:
        st.text("No chain has begun yet.")
        return
    none = "" if found else "No swap was proposed yet. "
    st.caption(
        f"{none}{info.accepted} of {len(found)} proposals accepted. Chains at different "
        "temperatures offer each other their references: hot ones "
        "roam, cold ones keep what is good. A proposal is accepted if a number drawn from [0, 1) "
        "lies below its probability p."
    )
    clickable(swap_figure(info), "Swaps between chains, with their probabilities", "view.swaps")
    if not found:
        return
    numbers = {
        name: st.column_config.NumberColumn(format="%.3f")
        for name in ("first log potential", "second log potential", "number drawn")
    }
    chance = st.column_config.ProgressColumn(min_value=0.0, max_value=1.0, format="%.3f")
    st.dataframe(
        swap_table(found),
        key="view.swap_table",
        hide_index=True,
        placeholder=NOTHING,
        column_config={**numbers, "probability": chance},
    )
