"""Many computations on one event loop."""

from __future__ import annotations

import asyncio
import time

EACH_S = 0.002
"""A request takes ten turns or so from its arrival to its answer, each of which may wait so long."""


class Turns:
    """For a loop that computes for long without waiting for anything: `give` lets whatever else is
    ready have its turn, as often as the loop has computed for `EACH_S`."""

    def __init__(self) -> None:
        self._since = time.monotonic()

    async def give(self) -> None:
        """Wait for the others, where it is their turn."""
        if time.monotonic() - self._since >= EACH_S:
            await asyncio.sleep(0)
            self._since = time.monotonic()


__all__ = ["Turns"]
