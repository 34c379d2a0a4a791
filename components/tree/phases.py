"""Which step of a search is under way at a moment, and so which phase of its pseudo-code."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from backend.core.events import StepEnded
from backend.core.records import EventRecord


@dataclass(frozen=True)
class UnderWay:
    """A step: its phase (lines of pseudo-code), the part of a composed search that makes it, its
    round, from 0, and the kind of event at the moment (which of those lines)."""

    phase: str
    track: str
    round: int
    kind: str


def under_way(events: Sequence[EventRecord], until: int | None) -> UnderWay | None:
    """The first step that ends at event `until` or after it; where the log does not know yet, or
    for `until` None, its last one. None before any."""
    last: EventRecord | None = None
    kind = ""
    for event in events:
        kind = event.kind if until is None or event.seq <= until else kind
        if isinstance(event.body, StepEnded):
            last = event
            if until is not None and event.seq >= until:
                break
    return None if last is None else UnderWay(last.phase, last.track, last.round, kind)
