"""Whether two answers mean the same: exact numbers first, algebra in worker processes with a hard
limit otherwise.

The algebra system (`math-verify` on sympy) can be kept busy for ever by one short answer, such as a
tower of powers, and its own time limit works in a main thread only. So it lives in processes of its
own: one that has not answered in time is killed, the pair counts as undecided, and a new process
takes its place while the others go on serving.
"""

from __future__ import annotations

import contextlib
import json
import queue
import re
import select
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO, TypeAlias

from backend.core.errors import ArboretumError
from backend.problems.exact import bare, canonical, exact

LONGEST_ANSWER = 2_000
START_LIMIT_S = 60.0
PROJECT = Path(__file__).parents[2]

Compare: TypeAlias = Callable[[str, str], bool | None]
"""Whether two answers mean the same: True, False, or None where that is undecided."""

_COMMAND, _WORD = re.compile(r"\\[A-Za-z]+"), re.compile(r"[a-z]{4,}")


class Equivalence:
    """A small pool of processes that compare answers. Safe to use from many threads; the first
    comparison that needs it starts it."""

    def __init__(self, workers: int = 2, limit_s: float = 1.0) -> None:
        self._limit_s = limit_s
        self._workers = [_Worker() for _ in range(workers)]
        self._free: queue.Queue[_Worker] = queue.Queue()
        for worker in self._workers:
            self._free.put(worker)
        self._closed = threading.Event()

    def equal(self, expected: str, given: str) -> bool | None:
        """True or False, or None if undecided: too long, not understood, or not decided within the
        limit. Raises once closed."""
        if self._closed.is_set():
            raise ArboretumError(
                "the pool that compares answers is closed; accepted: a pool that is open"
            )
        decided = equal_exactly(expected, given)
        if decided is not None or max(len(expected), len(given)) > LONGEST_ANSWER:
            return decided
        worker = self._free.get()
        try:
            return worker.compare(bare(expected), bare(given), self._limit_s)
        finally:
            self._free.put(worker)
            if self._closed.is_set():
                worker.kill()

    def close(self) -> None:
        """Ends all processes. May be called twice."""
        self._closed.set()
        while not self._free.empty():
            with contextlib.suppress(queue.Empty):
                self._free.get_nowait().kill()
        for worker in self._workers:
            worker.interrupt()


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


class _Worker:
    """One process, started when first needed and again after it was killed."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._ready = False

    def compare(self, expected: str, given: str, limit_s: float) -> bool | None:
        process = self._process if self._process and self._process.poll() is None else self._start()
        if not self._ready:
            if _line(process, START_LIMIT_S) != "ready":
                self.kill()
                return None
            self._ready = True
        try:
            assert process.stdin is not None
            process.stdin.write(json.dumps([expected, given]).encode() + b"\n")
        except OSError:
            self.kill()
            return None
        answer = _line(process, limit_s)
        if answer is None:
            self._start()
        return {"equal": True, "different": False}.get(answer or "")

    def _start(self) -> subprocess.Popen[bytes]:
        self.kill()
        command = [sys.executable, "-m", "backend.problems.equivalence_worker"]
        pipe, none = subprocess.PIPE, subprocess.DEVNULL
        self._process = subprocess.Popen(
            command, cwd=PROJECT, stdin=pipe, stdout=pipe, stderr=none, bufsize=0
        )
        return self._process

    def interrupt(self) -> None:
        """Ends the process under a comparison in another thread, which then comes back undecided
        and tidies up."""
        if process := self._process:
            process.kill()

    def kill(self) -> None:
        """Ends the process, whatever it does."""
        process, self._process, self._ready = self._process, None, False
        if process is not None:
            process.kill()
            process.wait()
            for stream in (process.stdin, process.stdout):
                if stream is not None:
                    stream.close()


def _line(process: subprocess.Popen[bytes], limit_s: float) -> str | None:
    """One line of a process's output within the limit, or None; output ended counts as None as
    well."""
    assert process.stdout is not None
    stream: IO[bytes] = process.stdout
    text, end = b"", time.monotonic() + limit_s
    while not text.endswith(b"\n"):
        readable, _, _ = select.select([stream], [], [], max(0.0, end - time.monotonic()))
        more = stream.read(4096) if readable else b""
        if not more:
            return None
        text += more
    return text.decode().strip()
