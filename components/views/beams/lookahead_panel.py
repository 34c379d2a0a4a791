"""The view of what looking ahead changed in the order of steps."""

from __future__ import annotations

import streamlit as st

from components.views.beams.lookahead import count_overturned, outlook_figure, outlooks
from components.views.choosing_panel import clickable
from components.views.registry import view
from components.views.view_data import ViewData, plural


@view("Look-ahead", order=20, serves=("lookahead",))
def draw_lookahead(data: ViewData) -> None:
    found = outlooks(data.rows, data.events, data.until)
    if not found:
        st.text("No step was tried out yet.")
        return
    known = sum(one.before is not None for one in found)
    st.caption(
        f"{plural(len(found), 'step')} tried out by rollouts. Hollow: the verifier's score of the "
        "step itself; filled or cross: the score of where "
        "the rollout ended, by which the step was ranked. Looking ahead put another step first at "
        f"{plural(count_overturned(found), 'depth')}."
        + (
            ""
            if known
            else " The verifier scores no single steps, so there is nothing to compare with."
        )
    )
    clickable(
        outlook_figure(found), "Score of each step before and after looking ahead", "view.lookahead"
    )
