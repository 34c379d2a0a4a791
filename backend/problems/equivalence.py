"""Whether two answers mean the same: read exactly first (`backend.problems.answers`), by algebra in
worker processes with a hard limit otherwise.

The algebra system (sympy) can be kept busy for ever by one short answer, such as a tower of powers.
So it lives in a pool of processes (pebble): one that has not answered in time is killed, the pair
counts as undecided, and a new process takes its place while the others go on serving.
"""

from __future__ import annotations

import atexit
import threading
import time
from collections.abc import Callable
from concurrent.futures import CancelledError, Future
from typing import TYPE_CHECKING, TypeAlias

from backend.core.errors import ArboretumError
from backend.problems.answers.grader import same_answer
from backend.problems.answers.reading import LONGEST_ANSWER
from backend.problems.answers.waiting import add_idle
from backend.problems.equivalence_worker import compare, prepare

if TYPE_CHECKING:
    from pebble import ProcessPool

START_LIMIT_S = 60.0

Compare: TypeAlias = Callable[[str, str], bool | None]
"""Whether two answers mean the same: True, False, or None where that is undecided."""


class Equivalence:
    """A small pool of processes that compare answers. Safe to use from many threads; the first
    comparison that needs it starts it, and the end of this process closes it."""

    def __init__(self, workers: int = 2, limit_s: float = 1.0) -> None:
        self._workers, self._limit_s = workers, limit_s
        self._free = threading.Semaphore(workers)
        self._changing = threading.Lock()
        self._pool: ProcessPool | None = None
        self._asked = set[Future[bool | None]]()
        self._closed = False

    def equal(self, expected: str, given: str) -> bool | None:
        """True or False, or None if undecided: too long, not understood, or not decided within the
        limit. Raises once closed."""
        if self._closed:
            raise ArboretumError(
                "the pool that compares answers is closed; accepted: a pool that is open"
            )
        if max(len(expected), len(given)) > LONGEST_ANSWER:
            return None
        return same_answer(expected, given, self.algebra)

    def algebra(self, expected: str, given: str) -> bool | None:
        """Whether two expressions or relations are the same, asked of a process; None if it does
        not decide within the limit. What is waited beyond the limit, for a process to start or to
        come free, is counted as idle (`backend.problems.answers.waiting`)."""
        began = time.monotonic()
        try:
            with self._free:
                return self._decided(expected, given)
        finally:
            add_idle(time.monotonic() - began - self._limit_s)

    def close(self) -> None:
        """Ends all processes; what is being compared comes back undecided. May be called twice."""
        with self._changing:
            self._closed = True
            for future in self._asked:
                future.cancel()
            self._end_pool()

    def _decided(self, expected: str, given: str) -> bool | None:
        """The verdict of a worker, of which one is free or starting."""
        with self._changing:
            if self._closed:
                return None
            future = self._schedule(expected, given)
            self._asked.add(future)
        try:
            failed = future.exception(timeout=START_LIMIT_S + self._limit_s)
            return None if failed else future.result()
        except (CancelledError, TimeoutError):
            future.cancel()
            return None
        finally:
            self._asked.discard(future)

    def _schedule(self, expected: str, given: str) -> Future[bool | None]:
        """Hand the pair to the pool, which is started anew where it is broken: so it is once all
        its processes were ended from outside."""
        if self._pool is not None and not self._pool.active:
            self._end_pool()
        if self._pool is None:
            self._pool = self._start_pool()
        return self._pool.schedule(
            compare, args=[expected, given, self._limit_s], timeout=self._limit_s
        )

    def _start_pool(self) -> ProcessPool:
        from pebble import ProcessPool

        from backend.problems.clean_processes import CleanContext

        atexit.register(self.close)
        return ProcessPool(self._workers, initializer=prepare, context=CleanContext())

    def _end_pool(self) -> None:
        pool, self._pool = self._pool, None
        if pool is not None:
            atexit.unregister(self.close)
            pool.stop()  # type: ignore[no-untyped-call]
            pool.join()


def equal_exactly(expected: str, given: str) -> bool | None:
    """Decides by the strict relation without algebra. None if that does not decide.

    Over-long input is undecided.
    """
    if max(len(expected), len(given)) > LONGEST_ANSWER:
        return None
    return same_answer(expected, given)
