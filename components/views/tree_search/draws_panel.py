"""The view of the Thompson draws that led to each answer."""

from __future__ import annotations

import streamlit as st

from components.frame.theme import NOTHING
from components.views.choosing_panel import DIGITS, clickable, slide
from components.views.registry import view
from components.views.tree_search.draws import descents, draw_table, lanes
from components.views.tree_search.draws_figure import draw_figure
from components.views.view_data import ViewData


@view("Draws", order=70, needs=("drawn",), serves=("draws",))
def draw_draws(data: ViewData) -> None:
    found = descents(data.events, data.until)
    if not found:
        st.text("No draw was made yet: the first answer needs none.")
        return
    st.caption(
        "At each node the arms for a new answer and for going on draw a value each from what they "
        "believe after the scores they have so far (the "
        "band). The greater wins; where going on does, the arms of the children draw too. An arm "
        "with few scores has a wide band: it is tried."
    )
    one = found[
        slide(
            "Answer",
            len(found),
            "descent",
            "answers that draws led to, in order; the first answer needs none",
        )
        - 1
    ]
    end = "" if one.answer is None else f" It led to node {one.answer}, scored {one.score:.3f}."
    st.markdown(f"**Descent {one.number} of {len(found)}.**{end}")
    clickable(draw_figure(one), "Draws of the arms on the way to an answer", "view.draws")
    if not any(arm.spread for _, arm in lanes(one)):
        st.caption("This run was stored before posteriors were recorded: there are only the draws.")
    table = draw_table(one)
    digits = dict.fromkeys(("draw", "their mean", "5 %", "median", "95 %"), DIGITS)
    st.dataframe(
        table, key="view.draw_table", hide_index=True, placeholder=NOTHING, column_config=digits
    )
