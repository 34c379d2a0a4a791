"""The chart of answers and scores over the clock."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from components.compare.address import CompareAddress
from components.compare.chart import race_figure, race_info
from components.compare.tracks_panel import Track
from components.frame.theme import CONFIG


def chart(now: CompareAddress, shown: Sequence[Track]) -> None:
    """Draw the whole course of every run; moving the clock does not change it."""
    st.subheader("Answers and scores over the clock", anchor=False)
    info = race_info(
        [
            (track.run.id, track.label, track.log.events[: len(track.clock.values)], track.clock)
            for track in shown
        ],
        now.axis,
    )
    if not info.scored and not any(line.marks for line in info.lines):
        st.text(
            "No answer and no score yet. This chart is drawn when there is one, and again "
            "whenever a run ends."
        )
        return
    notes = [
        (
            "Thick: best score so far. Thin: mean score so far. Marks: where the answer "
            "changed, at its own score."
        )
    ]
    notes += [] if info.scored else ["No verifier spoke, so marks stand at 0."]
    notes += [] if all(track.over for track in shown) else ["Drawn anew when a run ends."]
    st.caption(" ".join(notes))
    st.plotly_chart(
        race_figure(info),
        config=CONFIG,
        key="compare.chart",
        alt="Best and mean score and answers of each run over the clock",
    )
