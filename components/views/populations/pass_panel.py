"""Which population of particles is looked at, the same in every chart of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import streamlit as st

from components.run.tree_table import chosen_node
from components.views.material import Material
from components.views.populations.passes import (
    Pass,
    pass_of,
    passes,
    temperatures,
    track_label,
)

_LOOKED_AT = "view.pass"


def shown_pass(material: Material, key: str) -> Pass | None:
    """The pass that is looked at, the same in every chart, after the inputs that choose it and what
    there is to say of it."""
    found = passes(material.rows, material.events, material.until)
    if not found:
        st.text("No round has been weighed yet.")
        return None
    one = _chosen(found, material, key)
    if told := told_of(one, found, temperatures(material.events)):
        st.caption(told)
    return one


def told_of(one: Pass, found: Sequence[Pass], heats: Mapping[str, float]) -> str:
    """What a reader has to know of a pass that is one of several, or that drew a trajectory;
    nothing for a single plain population."""
    told: list[str] = []
    if len(found) > 1:
        told.append(
            f"This search moved {len(found)} populations of particles, each from the "
            "problem to its end; here is one of them."
        )
    if one.track in heats:
        told.append(
            "A weight is the potential to the power 1 / T, with temperature T = "
            f"{heats[one.track]:.3g}."
        )
    if one.reference is not None:
        told.append(
            "Diamonds: the slot that is held to the reference, a trajectory drawn before. "
            f"Here it ends in node {one.reference}."
        )
    if one.drawn is not None:
        fate = {True: ", the reference itself", False: ", which replaces the reference", None: ""}[
            one.kept
        ]
        told.append(
            f"Star: the trajectory drawn at the end, with weight {one.drawn.weight:.2f}: "
            f"node {one.drawn.node}{fate}."
        )
    return " ".join(told)


def _chosen(found: Sequence[Pass], material: Material, key: str) -> Pass:
    """Draw a choice of the track and of the pass on it, each only where there are several."""
    looked_at = st.session_state.get(_LOOKED_AT)
    one = next(
        (one for one in found if looked_at == (material.run, one.track, one.number)),
        pass_of(found, chosen_node(material.rows)),
    )
    tracks = list(dict.fromkeys(other.track for other in found))
    heats = temperatures(material.events)
    labels = {track: track_label(track, tracks, heats) or "without a name" for track in tracks}

    def look(track: str, number: int) -> None:
        st.session_state[_LOOKED_AT] = (material.run, track, number)

    if len(found) == 1:
        return one
    with st.container(horizontal=True, gap="small"):
        if len(tracks) > 1:
            latest = {other.track: other.number for other in found}
            st.session_state[f"{key}.track"] = one.track
            st.selectbox(
                "Track",
                tracks,
                format_func=labels.__getitem__,
                key=f"{key}.track",
                on_change=lambda: look(
                    track := st.session_state[f"{key}.track"], min(one.number, latest[track])
                ),
                help=(
                    "the part of the search whose particles are shown; parts never mix their "
                    "particles"
                ),
                width=320,
            )
        numbers = [other.number for other in found if other.track == one.track]
        if len(numbers) > 1:
            st.session_state[f"{key}.number"] = one.number
            st.selectbox(
                "Pass",
                numbers,
                format_func=lambda number: f"pass {number} of {len(numbers)}",
                key=f"{key}.number",
                on_change=lambda: look(one.track, st.session_state[f"{key}.number"]),
                help="each pass starts again at the problem",
                width=200,
            )
    return one
