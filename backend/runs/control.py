"""How a run under way is paused, stopped and asked for more."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence

BEHIND_S = 0.01


class Control:
    """Pause and resume of a run. It waits at its next model call while it is paused, or while its
    log is `behind` in being stored. While it waits it serves the requests of people (`ask`), so
    that nothing else of the run happens meanwhile. `arrived` is called whenever the run comes to a
    place where it may wait. `expand` extends a node by n children at a person's request; it is None
    before the search has begun."""

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
        """Run `wish` at the next place where the run may wait, before the run goes on. `wish` must
        not raise."""
        self._wishes.append(wish)
        self._stirred.set()

    async def gate(self) -> None:
        """Wait while the run is paused, and let all other tasks of the event loop run once in any
        case: a search whose calls are answered at once would keep the loop to itself, and would
        fill the memory faster than the store is written."""
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
