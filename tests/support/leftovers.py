"""No test leaves processes behind.

Every process that a test starts inherits a mark in its environment, so that it is found even when
its parent has ended. Where there is no `/proc`, nothing is found.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import NamedTuple

PROC = Path("/proc")
MARK = "STARTED_BY_TESTS_IN"
HELPERS = ("multiprocessing.resource_tracker",)
"""Processes of Python's own that end with the one that started them."""


class Process(NamedTuple):
    """A process and the command that started it."""

    pid: int
    command: str


SHARED: set[Process] = set()
"""Processes of fixtures that last for the session."""


def mark() -> None:
    """Let processes that are started from now on be found as ours."""
    os.environ[MARK] = str(os.getpid())


def running() -> frozenset[Process]:
    """All living processes that this one has started, directly or not."""
    found, own = set[Process](), f"{MARK}={os.getpid()}".encode()
    for folder in PROC.glob("[0-9]*"):
        try:
            state, parent = (folder / "stat").read_text().rpartition(")")[2].split()[:2]
            ours = int(parent) == os.getpid() or own in (folder / "environ").read_bytes().split(
                b"\0"
            )
            command = (
                (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            )
        except OSError:
            continue  # ended, or somebody else's
        if ours and state not in "ZX" and int(folder.name) != os.getpid():
            found.add(Process(int(folder.name), command.strip()))
    return frozenset(one for one in found if not any(name in one.command for name in HELPERS))


def left_after(
    known: Collection[Process],
    patience_s: float = 10.0,
    look: Callable[[], frozenset[Process]] = running,
    shared: Collection[Process] = (),
) -> frozenset[Process]:
    """Processes beyond the known ones that are still there after `patience_s` seconds: one that was
    told to end may take its time. What a shared process has started is for that one to end."""
    end = time.monotonic() + patience_s
    hosts = {process.pid for process in shared}
    while True:
        new = look() - set(known)
        left = frozenset(one for one in new if hosts.isdisjoint(ancestors(one.pid)))
        if not left or time.monotonic() > end:
            return left
        time.sleep(0.05)


def ancestors(pid: int) -> Iterator[int]:
    """The processes above a living one, nearest first."""
    while pid > 1:
        try:
            stat = (PROC / str(pid) / "stat").read_text()
        except OSError:
            return  # ended meanwhile
        pid = int(stat.rpartition(")")[2].split()[1])
        yield pid


def kill(processes: Collection[Process]) -> None:
    """End them, whatever they do."""
    for process in processes:
        try:
            os.kill(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
