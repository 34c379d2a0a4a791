"""How a run under way is paused, stopped and asked for more."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence

BEHIND_S = 0.01


class Control:
    """Pause and resume of a run: it waits at its next model call while paused, or while its log is
    `behind` in being stored.

    Waiting, it does what people `ask` of it, so that nothing else of the run happens meanwhile.
    `arrived` is called whenever the run comes to where it may wait. `expand` extends a node by n
    children at a person's request; there is none before the search has begun.
    """

    def __init__(self) -> None:
        self._paused, self._stirred = False, asyncio.Event()
        self._wishes: deque[Callable[[], Awaitable[None]]] = deque()
        self.behind: Callable[[], bool] = lambda: False
        self.arrived: Callable[[], None] = lambda: None
        self.expand: Callable[[int, int], Awaitable[Sequence[int]]] | None = None

    def pause(self) -> None:
        self._paused = True

    def resume(self) -> None:
        self._paused = False
        self._stirred.set()

    def ask(self, wish: Callable[[], Awaitable[None]]) -> None:
        """Have something done at the next place where the run may wait, before it goes on. `wish`
        raises nothing of its own."""
        self._wishes.append(wish)
        self._stirred.set()

    async def gate(self) -> None:
        """Returns while the run is not paused, after a turn for everybody else: a search that
        answers itself would keep the loop to itself, and would fill the memory faster than the
        store is written."""
        self.arrived()
        while self._wishes or self._paused:
            if self._wishes:
                await self._wishes.popleft()()
            else:
                self._stirred.clear()
                await self._stirred.wait()
        await asyncio.sleep(0)
        while self.behind():  # noqa: ASYNC110 - who catches up is a thread and knows no loop
            await asyncio.sleep(BEHIND_S)
