"""Seconds for bounds that are meant for a machine with a core to spare.

Tests run side by side, and what they start wants cores too. Linux counts the time in which some
process waited for a core (`/proc/pressure/cpu`); a stopwatch leaves it out, up to three quarters of
what went by, so that a bound is at most four times as wide on a busy machine, and as it stands on a
quiet one. What sleeps or waits for something else counts in full.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

PRESSURE = Path("/proc/pressure/cpu")
COUNTS_AT_LEAST = 0.25


def queued_s() -> float:
    """Seconds since the start of the machine in which some process waited for a core; 0 where that
    is not counted."""
    try:
        some = PRESSURE.read_text().splitlines()[0]
    except OSError:
        return 0.0
    return int(some.rpartition("total=")[2]) / 1e6


class Stopwatch:
    """Runs from the moment when it is made."""

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        queued: Callable[[], float] = queued_s,
    ) -> None:
        self._clock, self._queued = clock, queued
        self._started, self._queued_before = clock(), queued()

    def seconds(self) -> float:
        """What went by, without the time in which some process waited for a core."""
        passed = self._clock() - self._started
        return max(passed - (self._queued() - self._queued_before), COUNTS_AT_LEAST * passed)
