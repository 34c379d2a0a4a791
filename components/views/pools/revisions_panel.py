"""The view of how one trace was revised, part by part."""

from __future__ import annotations

import streamlit as st

from components.views.choosing_panel import clickable
from components.views.pools.revisions import revision_figure, revision_info
from components.views.registry import view
from components.views.view_data import ViewData, plural


@view("Revisions", order=130, needs=("replaced",), serves=("revisions",))
def draw_revisions(data: ViewData) -> None:
    info = revision_info(data.rows, data.events, data.until)
    if not info.revisions:
        st.text(
            "No part of the trace was tried anew yet."
            + (f" {info.banned} first steps were drawn and banned." if info.banned else "")
        )
        return
    stayed = sum(one.replaced for one in info.revisions)
    banned = (
        f" {plural(info.banned, 'first step')} drawn again because of a banned opening."
        if info.banned
        else ""
    )
    st.caption(
        f"{plural(len(info.revisions), 'attempt')} to go on differently after a step; {stayed} "
        f"replaced the rest of the trace.{banned} "
        "Hatched: given up."
    )
    clickable(
        revision_figure(info),
        "What stood in the trace and what was tried in its place",
        "view.revisions",
    )
