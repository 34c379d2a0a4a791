"""Room for a number of runs at once: first come, first served, and the number may change while runs
wait."""

from __future__ import annotations

import asyncio
from collections import deque
from types import TracebackType


class Slots:
    """`async with slots:` waits for a free place. Lowering the number lets runs under way finish
    and starts no new ones until it fits."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._taken = 0
        self._waiting: deque[asyncio.Future[None]] = deque()

    def resize(self, capacity: int) -> None:
        self._capacity = capacity
        self._wake()

    async def __aenter__(self) -> None:
        if self._taken < self._capacity and not self._waiting:
            self._taken += 1
            return
        place = asyncio.get_running_loop().create_future()
        self._waiting.append(place)
        try:
            await place
        except asyncio.CancelledError:
            if place in self._waiting:
                self._waiting.remove(place)
            elif not place.cancelled():
                self._free()
            raise

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._free()

    def _free(self) -> None:
        self._taken -= 1
        self._wake()

    def _wake(self) -> None:
        while self._waiting and self._taken < self._capacity:
            place = self._waiting.popleft()
            if not place.done():
                self._taken += 1
                place.set_result(None)


__all__ = ["Slots"]
