"""The charts of beams and of scores on a page: each takes the material of the run and places its
figure, or says why there is nothing to draw yet."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from components.frame.address import put_in_address
from components.frame.theme import NOTHING
from components.views.any_run.scores import score_figure, score_info
from components.views.beams.allocation import (
    Allocation,
    allocation_figure,
    allocations,
    course_figure,
)
from components.views.beams.beam import PRUNED, beam_figure, beam_info
from components.views.beams.outlooks import outlook_figure, outlooks, overturned
from components.views.material_panel import Material, chosen_line, clickable, numbered, plural
from components.views.tree_search.visits import visit_figure, visit_info

ALL = "all subtrees"
TOGETHER = 16
"""Subtrees up to which all are shown at once."""


def scores(material: Material) -> None:
    info = score_info(material.rows)
    if not info.points:
        st.text("No node is scored yet.")
        return
    st.caption(
        "The verifier's score of every node by its step; the thick line is the path of the answer."
    )
    clickable(
        score_figure(info),
        "Scores of each step on every path and on the path of the answer",
        "view.scores",
    )


def beam(material: Material) -> None:
    info = beam_info(material.rows, material.events, material.until)
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
            f"them, node {best.node}, scored {best.score:.3f}."
        )


def _track(tracks: tuple[str, ...]) -> str:
    """The subtree that is looked at, as it stands in the address; where they are too many to be
    seen together, the first."""
    choices = [ALL, *tracks] if len(tracks) <= TOGETHER else list(tracks)
    asked = st.query_params.get("track", "")
    st.session_state["view.track"] = asked if asked in choices else choices[0]

    def moved() -> None:
        track = st.session_state["view.track"]
        put_in_address(track=None if track == choices[0] else track)

    return str(st.selectbox("Subtree", choices, key="view.track", on_change=moved, width=240))


def lookahead(material: Material) -> None:
    found = outlooks(material.rows, material.events, material.until)
    if not found:
        st.text("No step was tried out yet.")
        return
    known = sum(one.before is not None for one in found)
    st.caption(
        f"{plural(len(found), 'step')} tried out by rollouts. Hollow: the verifier's score of the "
        "step itself; filled or cross: the score of where "
        "the rollout ended, by which the step was ranked. Looking ahead put another step first at "
        f"{plural(overturned(found), 'depth')}."
        + (
            ""
            if known
            else " The verifier scores no single steps, so there is nothing to compare with."
        )
    )
    clickable(
        outlook_figure(found), "Score of each step before and after looking ahead", "view.lookahead"
    )


def allocation(material: Material) -> None:
    heat = material.params.get("temperature")
    found = allocations(
        material.rows,
        material.events,
        float(heat) if isinstance(heat, int | float) else None,
        material.until,
    )
    if not found:
        st.text("No round has shared out its width yet.")
        return
    known = f", T = {heat:g}" if isinstance(heat, int | float) else ""
    st.caption(
        f"Each round shares a width of children out by the softmax of the scores{known}. "
        "Area: children that a prefix got."
    )
    clickable(
        course_figure(found),
        "Scores of the prefixes of each round and the children they got",
        "view.course",
    )
    one = found[
        numbered("Round", len(found), "share", "the round whose shares are shown below") - 1
    ]
    among = plural(len(one.granted), "prefix", "es")
    st.caption(
        f"Round {one.number} shared {plural(one.width, 'child', 'ren')} among {among}, "
        "rounding up, the best first."
    )
    clickable(
        allocation_figure(one),
        "Children given to each prefix of the round and its exact share",
        "view.allocation",
    )
    key = "view.allocation_table"
    st.dataframe(
        allocation_table(one, material),
        key=key,
        hide_index=True,
        placeholder=NOTHING,
        on_select=lambda: chosen_line(key, [each.node for each in one.granted]),
        selection_mode="single-row",
        column_config=dict.fromkeys(
            ("score", "softmax weight", "exact share"), st.column_config.NumberColumn(format="%.3f")
        ),
    )


def allocation_table(one: Allocation, material: Material) -> pd.DataFrame:
    """One line a prefix of the round: score, softmax weight, that part of the width, and what it
    got."""
    lines = [
        (
            each.node,
            each.score,
            each.share,
            None if each.share is None else each.share * one.width,
            each.width,
            material.text(each.node),
        )
        for each in one.granted
    ]
    return pd.DataFrame(
        lines, columns=["node", "score", "softmax weight", "exact share", "children", "text"]
    )


def visits(material: Material) -> None:
    info = visit_info(material.rows, material.events, material.until)
    if not info.children:
        st.text("No walk has come back yet.")
        return
    path = "path of the answer" if info.answered else "most visited path"
    worth = (
        "what the search took a child to be worth, by its own rule"
        if info.recorded
        else "the mean of the values that came back through a child"
    )
    hidden = (
        f"{plural(info.omitted, 'less visited child', 'ren')} not shown. " if info.omitted else ""
    )
    st.caption(f"{hidden}Children along the {path} after {info.simulations} walks. Q: {worth}.")
    clickable(visit_figure(info), "Visits and Q of the children along the path", "view.visits")
