"""Whether two answers mean the same: exact numbers first, algebra in worker processes with a hard
limit otherwise.

The algebra system (`math-verify` on sympy) can be kept busy for ever by one short answer, such as a
tower of powers, and its own time limit works in a main thread only. So it lives in a pool of
processes (pebble): one that has not answered in time is killed, the pair counts as undecided, and a
new process takes its place while the others go on serving.
"""

from __future__ import annotations

import atexit
import re
import threading
from collections.abc import Callable
from concurrent.futures import CancelledError, Future
from typing import TYPE_CHECKING, TypeAlias

from backend.core.errors import ArboretumError
from backend.problems.equivalence_worker import compare, prepare
from backend.problems.exact import bare, canonical, exact

if TYPE_CHECKING:
    from pebble import ProcessPool

LONGEST_ANSWER = 2_000
START_LIMIT_S = 60.0

Compare: TypeAlias = Callable[[str, str], bool | None]
"""Whether two answers mean the same: True, False, or None where that is undecided."""

_COMMAND, _WORD = re.compile(r"\\[A-Za-z]+"), re.compile(r"[a-z]{4,}")


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
        decided = equal_exactly(expected, given)
        if decided is not None or max(len(expected), len(given)) > LONGEST_ANSWER:
            return decided
        with self._free:
            return self._decided(bare(expected), bare(given))

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
    """Decides without algebra: the same canonical text, two numbers in exact form, or the same
    letters in other words. None if that does not decide.

    Over-long input is undecided.
    """
    if max(len(expected), len(given)) > LONGEST_ANSWER:
        return None
    if canonical(expected) == canonical(given):
        return True
    if is_shuffled(expected, given):
        return False
    left, right = exact(expected), exact(given)
    return None if left is None or right is None else left == right


def is_shuffled(expected: str, given: str) -> bool:
    """Whether the answers hold different words of the same letters: algebra takes a word for a
    product, and so `stop` for `tops`."""
    left, right = (_WORD.findall(_COMMAND.sub(" ", text).casefold()) for text in (expected, given))
    return left != right and sorted("".join(left)) == sorted("".join(right))
