"""The steps of a path to read: one browser component in which a click chooses a step and a
selection marks a stretch of its text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import streamlit as st

from components.annotate.label_marks import StepMarks

_HERE = Path(__file__).parent / "browser"
_MOUNT = st.components.v2.component(
    "arboretum_step_reader",
    html='<ol class="sr-list" tabindex="0" aria-label="Steps of the path"></ol>',
    css=(_HERE / "step_reader.css").read_text(encoding="utf-8"),
    js=(_HERE / "step_reader.js").read_text(encoding="utf-8"),
    isolate_styles=False,
)


class ReaderEvent(NamedTuple):
    """What the reader did: a chosen step, or characters [start, end) of a step; None where nothing
    happened."""

    picked: int | None
    marked: tuple[int, int, int] | None


def step_reader(path: str, steps: Sequence[StepMarks], current: int, *, key: str) -> ReaderEvent:
    """Draw the steps, `current` set off. `path` names the path, so that a late message is not taken
    for one about another path."""
    data = {"path": path, "current": current, "steps": [step.data() for step in steps]}
    result = _MOUNT(key=key, data=data, on_picked_change=_nothing, on_marked_change=_nothing)
    picked = _numbers(result.get("picked"), path, "number")
    marked = _numbers(result.get("marked"), path, "number", "start", "end")
    return ReaderEvent(
        None if picked is None else picked[0],
        None if marked is None else (marked[0], marked[1], marked[2]),
    )


def _numbers(message: object, path: str, *names: str) -> list[int] | None:
    """The named whole numbers of a message, if it is about this path and has them all."""
    if not isinstance(message, Mapping) or message.get("path") != path:
        return None
    found: list[Any] = [message.get(name) for name in names]
    return found if all(isinstance(value, int) and value >= 0 for value in found) else None


def _nothing() -> None:
    return None
