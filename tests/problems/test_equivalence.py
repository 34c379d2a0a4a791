"""Comparing answers by algebra: a hard limit for each, the others are served meanwhile, nothing is
left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from backend.core.errors import ArboretumError
from backend.core.settings import ROOT
from backend.problems import Problem, grade
from backend.problems.equivalence import Equivalence
from tests.support.stopwatch import Stopwatch

TOWER = "9^{9^{9^{9}}}"
NO_LIMIT_S, SHORT_S, PATIENCE_S = 600.0, 0.5, 120.0
"""A limit that no honest comparison needs, however busy the machine is; one that no tower keeps; and
how long a test waits for what must happen."""


@pytest.fixture(scope="module")
def equivalence() -> Iterator[Equivalence]:
    pool = Equivalence(workers=2, limit_s=NO_LIMIT_S)
    yield pool
    pool.close()


def processes(pool: Equivalence) -> set[int]:
    """The pool's processes, by id."""
    return set(pool._pool._pool_manager.worker_manager.workers) if pool._pool else set()


def busy(pool: Equivalence) -> bool:
    """Whether a process works at a comparison."""
    return any(future.running() for future in list(pool._asked))


def wait_for(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


@pytest.mark.parametrize(
    ("expected", "given", "equal"),
    [
        ("x + 1", "1 + x", True),
        ("\\sqrt{8}", "2\\sqrt{2}", True),
        ("(x-1)(x+1)", "x^2-1", True),
        ("(1, 2)", "(2, 1)", False),
        ("\\pi", "3.14", False),
        ("12", "12.0", True),
    ],
)
def test_answers_are_compared_by_what_they_mean(
    equivalence: Equivalence, expected: str, given: str, equal: bool
) -> None:
    assert equivalence.equal(expected, given) is equal


def test_a_tower_of_powers_is_undecided_and_a_new_process_takes_its_place() -> None:
    pool = Equivalence(workers=1, limit_s=SHORT_S)
    try:
        wait_for(lambda: pool.equal("a + 1", "1 + a") is True)
        began, watch = time.monotonic(), Stopwatch()
        assert pool.equal("5", TOWER) is None
        assert time.monotonic() - began >= SHORT_S
        assert watch.seconds() < SHORT_S + 3
        wait_for(lambda: pool.equal("y + 1", "1 + y") is True)
    finally:
        pool.close()


def test_others_are_served_while_a_tower_is_climbed() -> None:
    pool, outcome = Equivalence(workers=2, limit_s=NO_LIMIT_S), list[bool | None]()
    try:
        tower = threading.Thread(target=lambda: outcome.append(pool.equal("5", TOWER)))
        tower.start()
        wait_for(lambda: busy(pool))
        assert [pool.equal(f"x + {n}", f"{n} + x") for n in range(3)] == [True] * 3
        assert tower.is_alive()
    finally:
        pool.close()
    tower.join(timeout=PATIENCE_S)
    assert outcome == [None]


def test_what_waits_for_a_process_is_served_in_the_end() -> None:
    pool, found = Equivalence(workers=1, limit_s=NO_LIMIT_S), dict[int, bool | None]()

    def ask(n: int) -> None:
        found[n] = pool.equal(f"x + {n}", f"{n} + x" if n % 2 else "x")

    asking = [threading.Thread(target=ask, args=(n,)) for n in range(1, 9)]
    for thread in asking:
        thread.start()
    for thread in asking:
        thread.join(timeout=PATIENCE_S)
    pool.close()
    assert found == {n: n % 2 == 1 for n in range(1, 9)}


def test_a_pool_whose_processes_were_all_killed_is_started_anew() -> None:
    pool = Equivalence(workers=2, limit_s=NO_LIMIT_S)
    try:
        assert pool.equal("x + 1", "1 + x") is True
        first = processes(pool)
        for process in first:
            os.kill(process, signal.SIGKILL)
        wait_for(lambda: pool.equal("y + 1", "1 + y") is True)
        assert processes(pool).isdisjoint(first)
    finally:
        pool.close()


def test_a_process_does_not_run_the_main_script_of_its_parent(tmp_path: Path) -> None:
    """Which is a page, under Streamlit. It has no guard, and starts no pool again in a process."""
    script, ran = tmp_path / "page.py", tmp_path / "ran"
    script.write_text(
        f"open({str(ran)!r}, 'a').write('once ')\n"
        "from backend.problems.equivalence import Equivalence\n"
        f"print(Equivalence(workers=2, limit_s={NO_LIMIT_S}).equal('x + 1', '1 + x'))\n"
    )
    done = subprocess.run(
        [sys.executable, str(script)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert (done.stdout, done.stderr, done.returncode) == ("True\n", "", 0)
    assert ran.read_text() == "once "


def test_a_program_that_does_not_close_its_pool_ends_all_the_same() -> None:
    """Also while a process climbs a tower."""
    program = (
        "import threading, time\n"
        "from backend.problems.equivalence import Equivalence\n"
        f"pool = Equivalence(workers=2, limit_s={NO_LIMIT_S})\n"
        f"threading.Thread(target=pool.equal, args=('5', {TOWER!r}), daemon=True).start()\n"
        "pool.equal('x + 1', '1 + x')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert (done.stdout, done.stderr, done.returncode) == ("", "", 0)


def test_over_long_answers_are_undecided_at_once(equivalence: Equivalence) -> None:
    assert equivalence.equal("x" * 2_001, "x") is None


def test_a_problem_without_its_own_grader_is_graded_by_algebra(equivalence: Equivalence) -> None:
    problem = Problem("own", "own", None, None, "?", "x + 1")
    assert grade(problem, "1 + x", equivalence).correct is True
    assert grade(problem, "2 + x", equivalence).correct is False
    assert "undecided" in grade(problem, "1 + x").reason


def test_closing_interrupts_what_is_being_compared_and_refuses_more() -> None:
    pool, outcomes = Equivalence(workers=1, limit_s=NO_LIMIT_S), list[bool | None]()
    asking = [
        threading.Thread(target=lambda: outcomes.append(pool.equal("5", TOWER))) for _ in range(2)
    ]
    for thread in asking:
        thread.start()
    wait_for(lambda: busy(pool))
    kept = processes(pool)
    pool.close()
    pool.close()
    for thread in asking:
        thread.join(timeout=PATIENCE_S)
    assert outcomes == [None, None]
    assert kept and not any(Path(f"/proc/{process}").exists() for process in kept)
    with pytest.raises(ArboretumError, match="closed"):
        pool.equal("1", "2")


def test_a_pool_that_was_never_needed_starts_no_process() -> None:
    pool = Equivalence()
    assert pool.equal("1/2", "0.5") is True
    assert processes(pool) == set()
    pool.close()
