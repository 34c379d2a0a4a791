"""Reading a log in a test."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from backend.core.events import Body
from backend.core.records import EventRecord, EventRow

B = TypeVar("B", bound=Body)


def of(kind: type[B], events: Iterable[EventRecord]) -> list[B]:
    """The events of a class, in order."""
    return [event.body for event in events if isinstance(event.body, kind)]


def rows(events: Iterable[EventRecord]) -> list[EventRow]:
    """The events as they are stored, for what is compared column by column."""
    return [event.row() for event in events]
