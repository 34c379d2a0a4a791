"""What stands below the trees and grows with them: each run at the moment of the clock, and the
scoreboard. It looks for news once a second while any run is under way, and not at all afterwards.
"""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from backend.client import Client
from components.compare.address import CompareAddress
from components.compare.clock import ClockAxis
from components.compare.facts import answer_words, facts, panel_html
from components.compare.moments import Placing, moment, standings
from components.compare.tracks_panel import Track, refresh
from components.frame.theme import NOTHING
from components.run.words import state_word

EVERY_S = 1.0
SPENT = {"tokens": "generated_tokens", "verifier calls": "verifier_calls", "seconds": "seconds"}


_NO_FADING = (
    "<style>.st-key-compare_live "
    "[data-stale=true]{opacity:1!important;transition:none!important}</style>"
)
"""Figures that are read again and again would else turn grey each time while they are fetched."""


def live(service: Client, now: CompareAddress, shown: Sequence[Track]) -> None:
    """Draw panels and scoreboard, again and again while a run is under way."""
    alive = not all(track.over for track in shown)
    st.html(_NO_FADING)

    def part() -> None:
        latest = refresh(service, now, shown) if alive else shown
        with st.container(key="compare_live"):
            _panels(now, latest)
            _scoreboard(now, latest)
        if [track.run.status for track in latest] != [track.run.status for track in shown]:
            st.rerun()

    st.fragment(part, run_every=EVERY_S if alive else None)()


def _panels(now: CompareAddress, shown: Sequence[Track]) -> None:
    for column, track in zip(st.columns(len(shown), gap="small"), shown, strict=True):
        with column:
            at, right = moment(track.log.events, track.until), track.run.right_answer
            st.html(panel_html(facts(at, now.axis, track.clock, right)))


def _scoreboard(now: CompareAddress, shown: Sequence[Track]) -> None:
    st.markdown(
        "**Who answered first?**",
        help=(
            "By the chosen clock. A first answer may change: right since says when it became "
            "right for good."
        ),
    )
    found = standings(
        {track.run.id: (track.log.events, track.clock) for track in shown},
        {track.run.id: track.until for track in shown},
    )
    st.dataframe(
        scoreboard_table(found, {track.run.id: track for track in shown}, now.axis),
        hide_index=True,
        placeholder=NOTHING,
        key="compare.board",
        height="content",
        column_config={
            "best score": st.column_config.ProgressColumn(
                min_value=0.0, max_value=1.0, format="%.3f"
            ),
            **{
                name: st.column_config.NumberColumn(format="localized")
                for name in ("tokens", "verifier calls")
            },
            **{
                f"{name} ({now.axis.unit})": st.column_config.NumberColumn(format="localized")
                for name in ("first answer at", "right since")
            },
            "seconds": st.column_config.NumberColumn(format="%.2f"),
        },
    )


def scoreboard_table(
    found: Sequence[Placing], by_id: dict[int, Track], axis: ClockAxis
) -> pd.DataFrame:
    """One line a run. The first answer and the right one are on the axis of the clock, which their
    columns name."""
    on_clock = [f"first answer at ({axis.unit})", f"right since ({axis.unit})"]
    columns = [
        "place",
        "run",
        "strategy",
        "state",
        "answer so far",
        *on_clock,
        "best score",
        *SPENT,
    ]
    lines = [
        (
            one.place,
            one.run,
            by_id[one.run].run.strategy.replace("_", " "),
            state_word(by_id[one.run].run.status),
            answer_words(one.moment, by_id[one.run].run.right_answer),
            one.first,
            one.right,
            one.moment.best,
            *(one.moment.ledger.get(name) for name in SPENT.values()),
        )
        for one in found
    ]
    return pd.DataFrame(lines, columns=columns).astype({"place": "Int64"})
