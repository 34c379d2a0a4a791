"""Comparing answers by algebra: a hard limit for each, the others are served meanwhile, nothing is
left behind."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from backend.core.errors import ArboretumError
from backend.problems import Problem, grade
from backend.problems.equivalence import Equivalence
from tests.support.stopwatch import Stopwatch

TOWER = "9^{9^{9^{9}}}"
LIMIT_S = 4.0


@pytest.fixture(scope="module")
def equivalence() -> Iterator[Equivalence]:
    # a wider limit than the product's: a busy machine must not decide these tests
    pool = Equivalence(workers=2, limit_s=LIMIT_S)
    yield pool
    pool.close()


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


def test_a_tower_of_powers_is_undecided_in_time_while_others_are_served(
    equivalence: Equivalence,
) -> None:
    equivalence.equal("a + 1", "1 + a")
    outcome = list[bool | None]()
    tower = threading.Thread(target=lambda: outcome.append(equivalence.equal("5", TOWER)))
    began, watch = time.monotonic(), Stopwatch()
    tower.start()
    time.sleep(0.1)
    served = [equivalence.equal(f"x + {n}", f"{n} + x") for n in range(2)]
    assert served == [True, True] and tower.is_alive()
    tower.join()
    assert outcome == [None]
    assert time.monotonic() - began >= LIMIT_S
    assert watch.seconds() < LIMIT_S + 3
    assert [equivalence.equal(f"y + {n}", f"{n} + y") for n in range(3)] == [True] * 3


def test_over_long_answers_are_undecided_at_once(equivalence: Equivalence) -> None:
    assert equivalence.equal("x" * 2_001, "x") is None


def test_a_problem_without_its_own_grader_is_graded_by_algebra(equivalence: Equivalence) -> None:
    problem = Problem("own", "own", None, None, "?", "x + 1")
    assert grade(problem, "1 + x", equivalence).correct is True
    assert grade(problem, "2 + x", equivalence).correct is False
    assert "undecided" in grade(problem, "1 + x").reason


def test_closing_interrupts_what_is_being_compared_and_refuses_more() -> None:
    pool = Equivalence(workers=1, limit_s=60)
    pool.equal("x + 1", "1 + x")
    outcome = list[bool | None]()
    busy = threading.Thread(target=lambda: outcome.append(pool.equal("5", TOWER)))
    busy.start()
    time.sleep(0.2)
    pool.close()
    pool.close()
    busy.join(timeout=10)
    assert outcome == [None]
    with pytest.raises(ArboretumError, match="closed"):
        pool.equal("1", "2")


def test_a_pool_that_was_never_needed_starts_no_process() -> None:
    pool = Equivalence()
    assert pool.equal("1/2", "0.5") is True
    assert all(worker._process is None for worker in pool._workers)
    pool.close()
