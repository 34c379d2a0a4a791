"""The end of the service, announced to every task that waits for something else."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import TypeVar

from backend.core.errors import Conflict

T = TypeVar("T")


class Closing:
    """Set once, from the event loop. Streams and long requests watch it, so that the server does
    not wait for them when it stops."""

    def __init__(self) -> None:
        self._set = False
        self._watchers: set[Callable[[], object]] = set()

    @property
    def is_set(self) -> bool:
        return self._set

    def set(self) -> None:
        self._set = True
        for callback in tuple(self._watchers):
            callback()

    @contextmanager
    def watch(self, callback: Callable[[], object]) -> Iterator[None]:
        """Call back when the end comes."""
        self._watchers.add(callback)
        try:
            yield
        finally:
            self._watchers.discard(callback)

    async def guard(self, work: Coroutine[None, None, T]) -> T:
        """The result of `work`, given up with `Conflict` when the end comes first, or has come."""
        if self._is_over():
            work.close()
            raise Conflict("the service is stopping")
        task = asyncio.ensure_future(work)
        with self.watch(task.cancel):
            try:
                return await task
            except asyncio.CancelledError:
                if self._set and not _cancelling():
                    raise Conflict("the service is stopping") from None
                task.cancel()
                raise

    def _is_over(self) -> bool:
        return self._set


def _cancelling() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


__all__ = ["Closing"]
