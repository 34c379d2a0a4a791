"""Wrong tokens are answered later and later, so that guessing is slow.

Only the answer to a wrong token waits. The right one is never held up, from wherever it comes, so
that nobody who guesses can shut out others behind the same address.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import NamedTuple

import anyio

FIRST_S, LONGEST_S = 0.05, 2.0
FORGOTTEN_AFTER_S = 60.0
MOST_CLIENTS = 1_000


class WrongTokens(NamedTuple):
    """How often a client was wrong, and when last."""

    times: int
    at: float


class Guesses:
    """Wrong tokens by client; the oldest clients are forgotten where there are too many."""

    def __init__(
        self,
        sleep: Callable[[float], Awaitable[None]] = anyio.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._sleep, self._clock = sleep, clock
        self._wrong: OrderedDict[str, WrongTokens] = OrderedDict()

    @property
    def remembered(self) -> int:
        """How many clients are known to have been wrong."""
        return len(self._wrong)

    async def slow_down(self, client: str) -> None:
        """Wait because of a wrong token of `client`: 50 ms, twice as long each further time, at
        most two seconds; from the beginning again after a minute without one."""
        now = self._clock()
        before = self._wrong.pop(client, WrongTokens(0, now))
        times = 1 if now - before.at > FORGOTTEN_AFTER_S else before.times + 1
        self._wrong[client] = WrongTokens(times, now)
        if len(self._wrong) > MOST_CLIENTS:
            self._wrong.popitem(last=False)
        await self._sleep(min(LONGEST_S, FIRST_S * 2 ** min(times - 1, 10)))


__all__ = ["LONGEST_S", "Guesses"]
