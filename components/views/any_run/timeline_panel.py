"""The view of the calls of a run by its clock."""

from __future__ import annotations

import streamlit as st

from components.frame.theme import CONFIG
from components.views.any_run.timeline import SHOWN, describe_timeline, timeline, timeline_figure
from components.views.registry import view
from components.views.view_data import ViewData


@view("Timeline", order=170, needs=("call",))
def draw_timeline(data: ViewData) -> None:
    info = timeline(data.events, data.until)
    if not info.calls:
        st.text(describe_timeline(info))
        return
    more = f" The {SHOWN:,} longest are drawn." if len(info.calls) > SHOWN else ""
    st.caption(
        "One bar a call of a model or verifier, by the clock of the run. "
        f"{describe_timeline(info)}{more}"
    )
    st.plotly_chart(
        timeline_figure(info),
        config=ZOOMED,
        key="view.timeline",
        alt="Calls of models and verifiers over time",
    )


ZOOMED = {**CONFIG, "scrollZoom": True}
"""Many short calls are seen only from near."""
