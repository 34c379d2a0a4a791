"""The view of how whole texts raced to their ends."""

from __future__ import annotations

import streamlit as st

from components.views.choosing_panel import clickable
from components.views.pools.race import SHOWN, STOPPED, race_figure, race_info
from components.views.registry import view
from components.views.view_data import ViewData, plural


@view("Race", order=140, serves=("race",))
def draw_race(data: ViewData) -> None:
    info = race_info(data.rows, data.events, data.until)
    if not info.racers:
        st.text("No text has come to its end yet.")
        return
    stopped = sum(racer.fate == STOPPED for racer in info.racers)
    more = f" The first {SHOWN} are drawn." if len(info.racers) > SHOWN else ""
    st.caption(
        f"{plural(len(info.racers), 'text')} in the order of their ends; {stopped} stopped on the "
        f"way, whose {info.discarded:,} of {info.spent:,} "
        f"tokens were written in vain.{more}"
    )
    clickable(
        race_figure(info), "Tokens of each text in the order in which the texts ended", "view.race"
    )
