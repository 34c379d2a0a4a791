"""The one clock of a comparison: what it counts, a slider over it, and buttons to the next and the
last moment at which anything happened."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from components.compare.address import CompareAddress, move_clock
from components.compare.clock import AXES, NAMES, ClockAxis, axis_of
from components.compare.moments import answers
from components.compare.tracks_panel import Track
from components.frame.address import put_in_address
from components.frame.prose import plain_markdown
from components.run.words import amount


def clock_bar(now: CompareAddress, shown: Sequence[Track]) -> None:
    """Draw the clock; every choice goes into the address."""
    end = max((track.clock.end for track in shown), default=0.0)
    left, middle, right = st.columns([2, 6, 3], vertical_alignment="bottom", gap="medium")
    with left:
        _axes(now.axis)
    if not end:
        middle.text(f"No {now.axis.unit} yet: the clock starts with the first.")
        return
    at = end if now.at is None else min(now.at, end)
    with middle:
        _slider(now.axis, at, end)
    with right, st.container(horizontal=True, gap="xsmall"):
        _steps(now, shown, at, end)


def _axes(axis: ClockAxis) -> None:
    key = "compare.axis"
    st.session_state[key] = axis.name

    def change_axis() -> None:
        # Another axis has another scale: an amount of the old one means nothing on it.
        if st.session_state[key] != axis.name:
            put_in_address(clock=st.session_state[key], at=None)

    st.selectbox(
        "Clock",
        NAMES,
        format_func=lambda name: axis_of(name).title,
        key=key,
        help="\n\n".join(f"{one.title}: {one.meaning}" for one in AXES),
        on_change=change_axis,
    )


def _slider(axis: ClockAxis, at: float, end: float) -> None:
    # Another end is another slider. What a browser says of the earlier one counts as a change too,
    # so only another value is a reader's choice.
    key = f"compare.at.{axis.name}.{end}"
    whole = axis.name != "seconds"
    st.session_state[key] = int(at) if whole else at

    def take_value() -> None:
        value = float(st.session_state[key])
        if value != at:
            move_clock(None if value >= end else value)

    st.slider(
        f"Up to how many {plain_markdown(axis.unit)}?" if whole else "Up to how many seconds?",
        min_value=0 if whole else 0.0,
        max_value=int(end) if whole else end,
        step=1 if whole else 0.001,
        format="%d" if whole else "%.3f",
        key=key,
        on_change=take_value,
    )


def _steps(now: CompareAddress, shown: Sequence[Track], at: float, end: float) -> None:
    """Start, one moment back or forward over all runs, the next answer, the end."""
    before = [value for track in shown if (value := track.clock.before(at)) is not None]
    after = [value for track in shown if (value := track.clock.after(at)) is not None]
    later_answers = sorted(
        value
        for track in shown
        for one in answers(track.log.events)
        if (value := track.clock.value_at(one.seq)) > at
    )
    for icon, name, value, key in (
        ("first_page", "To the start", 0.0 if at > 0 else None, None),
        ("chevron_left", "One moment back", max(before, default=None), "K"),
        ("chevron_right", "One moment forward", min(after, default=None), "J"),
        (
            "flag",
            "To the next answer" + (f", at {amount(later_answers[0])}" if later_answers else ""),
            later_answers[0] if later_answers else None,
            "N",
        ),
        ("last_page", "To the end", end if now.at is not None and at < end else None, None),
    ):
        st.button(
            f":material/{icon}:",
            key=f"compare.step.{icon}",
            help=name,
            shortcut=key,
            disabled=value is None,
            on_click=move_clock,
            args=(None if value is None or value >= end else value,),
            width="content",
        )
