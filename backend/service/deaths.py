"""Causes of runs that are over, found once: such a run does not change until somebody resumes it,
and then its log grows."""

from __future__ import annotations

from collections.abc import Callable, Hashable

from backend.review.why.death import Death
from storage import RunRow

MOST = 20_000
"""Causes kept at once; the oldest goes first."""


class Deaths:
    """The causes that were found so far, as long as the process lives. Two threads may find the
    same one, which is the same."""

    def __init__(self) -> None:
        self._known: dict[Hashable, Death] = {}

    def of(self, row: RunRow, look: Callable[[RunRow], Death]) -> Death:
        """The cause of a run: the known one, or what `look` finds."""
        place = (row.id, row.created_at, row.status, row.events)
        found = self._known.get(place)
        if found is None:
            found = look(row)
            if len(self._known) >= MOST:
                self._known.pop(next(iter(self._known)), None)
            self._known[place] = found
        return found


__all__ = ["Deaths"]
