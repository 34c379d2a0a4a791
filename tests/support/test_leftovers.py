"""A process that a test leaves behind is found, also when its parent has ended."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest

from tests.support.leftovers import PROC, kill, left_after, running

pytestmark = pytest.mark.skipif(not PROC.exists(), reason="processes are looked for in /proc")
SLEEP = "import time; time.sleep(60)"
ORPHAN = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {SLEEP!r}])"


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


def test_a_process_that_is_about_to_end_is_waited_for() -> None:
    before = running()
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(0.5)"])
    started = time.monotonic()
    assert not left_after(before, patience_s=60.0)
    assert time.monotonic() - started < 60.0
    child.wait()
