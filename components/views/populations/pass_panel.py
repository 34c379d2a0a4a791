"""Which population of particles is looked at, the same in every chart of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import streamlit as st

from backend.core.tree import find_chosen_node
from components.views.populations.passes import (
    Pass,
    pass_of,
    passes,
    temperatures,
    track_label,
)
from components.views.view_data import ViewData

LOOKED_AT = "view.pass"
"""Where the session keeps which pass of which run is looked at: (run, track, number)."""


def choose_pass(data: ViewData, key: str) -> Pass | None:
    """The pass that is looked at, the same in every chart, after the inputs that choose it and what
    there is to say of it. `key` names the inputs of this chart."""
    found = passes(data.rows, data.events, data.until)
    if not found:
        st.text("No round has been weighed yet.")
        return None
    heats = temperatures(data.events)
    chooser = PassChooser(found, heats, data.run, key)
    one = chooser.find_pass(find_chosen_node(data.rows))
    chooser.draw(one)
    if caption := caption_of(one, found, heats):
        st.caption(caption)
    return one


@dataclass(frozen=True)
class PassChooser:
    """Two boxes by which a reader chooses one of the `passes` of a run: the track, and the pass on
    it, each drawn only where there are several. `heats` are the temperatures of tracks."""

    passes: Sequence[Pass]
    heats: Mapping[str, float]
    run: int
    key: str

    def find_pass(self, answer: int | None) -> Pass:
        """The pass that was chosen last in this run; without one, that of the node `answer`."""
        wanted = st.session_state.get(LOOKED_AT)
        for one in self.passes:
            if wanted == (self.run, one.track, one.number):
                return one
        return pass_of(self.passes, answer)

    def draw(self, one: Pass) -> None:
        """The boxes, which show the pass `one`."""
        if len(self.passes) > 1:
            with st.container(horizontal=True, gap="small"):
                self._draw_tracks(one)
                self._draw_numbers(one)

    def _draw_tracks(self, one: Pass) -> None:
        tracks = list(dict.fromkeys(other.track for other in self.passes))
        if len(tracks) == 1:
            return
        labels = {
            track: track_label(track, tracks, self.heats) or "without a name" for track in tracks
        }
        key = f"{self.key}.track"

        def look() -> None:
            track = st.session_state[key]
            self._look_at(track, min(one.number, max(self._numbers_on(track))))

        st.session_state[key] = one.track
        st.selectbox(
            "Track",
            tracks,
            format_func=labels.__getitem__,
            key=key,
            on_change=look,
            help="the part of the search whose particles are shown; parts never mix their "
            "particles",
            width=320,
        )

    def _draw_numbers(self, one: Pass) -> None:
        numbers = self._numbers_on(one.track)
        if len(numbers) == 1:
            return
        key = f"{self.key}.number"
        st.session_state[key] = one.number
        st.selectbox(
            "Pass",
            numbers,
            format_func=lambda number: f"pass {number} of {len(numbers)}",
            key=key,
            on_change=lambda: self._look_at(one.track, st.session_state[key]),
            help="each pass starts again at the problem",
            width=200,
        )

    def _numbers_on(self, track: str) -> list[int]:
        return [other.number for other in self.passes if other.track == track]

    def _look_at(self, track: str, number: int) -> None:
        st.session_state[LOOKED_AT] = (self.run, track, number)


def caption_of(one: Pass, found: Sequence[Pass], heats: Mapping[str, float]) -> str:
    """What a reader has to know of a pass that is one of several, or that drew a trajectory;
    nothing for a single plain population."""
    parts: list[str] = []
    if len(found) > 1:
        parts.append(
            f"This search moved {len(found)} populations of particles, each from the "
            "problem to its end; here is one of them."
        )
    if one.track in heats:
        parts.append(
            "A weight is the potential to the power 1 / T, with temperature T = "
            f"{heats[one.track]:.3g}."
        )
    if one.reference is not None:
        parts.append(
            "Diamonds: the slot that is held to the reference, a trajectory drawn before. "
            f"Here it ends in node {one.reference}."
        )
    if one.drawn is not None:
        fate = {True: ", the reference itself", False: ", which replaces the reference", None: ""}[
            one.kept
        ]
        parts.append(
            f"Star: the trajectory drawn at the end, with weight {one.drawn.weight:.2f}: "
            f"node {one.drawn.node}{fate}."
        )
    return " ".join(parts)
