"""A process that a test leaves behind is found, also when its parent has ended."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from tests.support.leftovers import PROC, SHARED, kill, left_after, running

pytestmark = pytest.mark.skipif(not PROC.exists(), reason="processes are looked for in /proc")
SLEEP = "import time; time.sleep(60)"
ORPHAN = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {SLEEP!r}])"


@pytest.fixture(scope="session")
def lasting() -> Iterator[subprocess.Popen[bytes]]:
    """A process that lasts for the session."""
    with subprocess.Popen([sys.executable, "-c", SLEEP]) as process:
        yield process
        process.kill()


def test_what_a_fixture_of_the_session_starts_is_shared(lasting: subprocess.Popen[bytes]) -> None:
    assert lasting.pid in {process.pid for process in SHARED}


@pytest.mark.parametrize("code", [SLEEP, ORPHAN], ids=["child", "orphan"])
def test_a_process_that_is_left_is_found_and_can_be_ended(code: str) -> None:
    before = running()
    child = subprocess.Popen([sys.executable, "-c", code])
    if code == ORPHAN:
        child.wait()
    left = left_after(before, patience_s=0.2)
    assert [SLEEP in process.command for process in left] == [True]
    kill(left)
    child.wait()
    assert not left_after(before)


def test_what_a_shared_process_starts_is_its_own() -> None:
    before = running()
    child = subprocess.Popen([sys.executable, "-c", f"{ORPHAN}.wait()"])
    while len(running() - before) < 2:
        time.sleep(0.01)
    [shared] = [process for process in running() - before if process.pid == child.pid]
    assert not left_after({*before, shared}, patience_s=0.0, shared=[shared])
    left = left_after(before, patience_s=0.0)
    assert len(left) == 2
    kill(left)
    child.wait()


def test_a_process_that_is_about_to_end_is_waited_for() -> None:
    before = running()
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(0.5)"])
    started = time.monotonic()
    assert not left_after(before, patience_s=60.0)
    assert time.monotonic() - started < 60.0
    child.wait()
