"""The view of what each round of a beam kept and pruned."""

from __future__ import annotations

import streamlit as st

from backend.core.tree import PRUNED
from components.frame.address import put_in_address
from components.views.beams.beam import beam_figure, beam_info
from components.views.choosing_panel import clickable
from components.views.registry import view
from components.views.view_data import ViewData, plural

ALL = "all subtrees"
TOGETHER = 16
"""Subtrees up to which all are shown at once."""


@view("Beam", order=10, needs=("kept",), serves=("beam",))
def draw_beam(data: ViewData) -> None:
    info = beam_info(data.rows, data.events, data.until)
    if not info.contenders:
        st.text("No round has chosen yet.")
        return
    tracks = info.tracks
    st.caption(
        (
            "The candidates of each step, best first; the dashed line is the cut: the score "
            "that a candidate needed to survive. "
        )
        + (
            f"{plural(len(tracks), 'subtree')} side by side, each with its own cut. "
            if len(tracks) > 1
            else ""
        )
        + (f"{info.unscored} without a score are not shown." if info.unscored else "")
    )
    if len(tracks) > 1:
        track = _track(tracks)
        info = info if track == ALL else info.of_track(track)
    clickable(beam_figure(info), "Kept and pruned candidates of each step by score", "view.beam")
    lost = [one for one in info.contenders if one.fate == PRUNED]
    best = max(lost, key=lambda one: one.score, default=None)
    if best is not None:
        st.caption(
            f"{len(lost)} of {len(info.contenders)} candidates were pruned; the best of "
            f"them, node {best.node:d}, scored {best.score:.3f}."
        )


def _track(tracks: tuple[str, ...]) -> str:
    """The subtree that is looked at, as it stands in the address; where they are too many to be
    seen together, the first."""
    choices = [ALL, *tracks] if len(tracks) <= TOGETHER else list(tracks)
    asked = st.query_params.get("track", "")
    st.session_state["view.track"] = asked if asked in choices else choices[0]

    def take_over() -> None:
        track = st.session_state["view.track"]
        put_in_address(track=None if track == choices[0] else track)

    return str(st.selectbox("Subtree", choices, key="view.track", on_change=take_over, width=240))
