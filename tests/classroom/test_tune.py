"""The measurement by which levels are chosen."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from backend.classroom.measures import JudgedSample
from backend.classroom.tune import FIRST_SEED, measure, one_point, summary


def judged(correct: bool, answer: str, *kinds: str | None) -> JudgedSample:
    return JudgedSample(correct, answer, f"text {answer}", kinds)


def test_a_point_is_the_set_with_that_difficulty_as_its_level() -> None:
    point = one_point("countdown", {"numbers": [4, 4], "largest": [6, 6]})
    problem = point.problem(1, FIRST_SEED)
    assert problem.id == f"countdown/1/{FIRST_SEED}"
    assert len(problem.meta["numbers"]) == 4 and max(problem.meta["numbers"]) <= 6
    with pytest.raises(ValidationError, match="width"):
        one_point("ledger", {"width": 3})


def test_the_figures_of_a_point_are_means_over_problems() -> None:
    solved = [judged(True, "1", None, None), judged(False, "2", None, None, "slip")]
    missed = [judged(False, "3", "slip"), judged(False, "4", "copy")]
    assert summary([solved, missed]) == (
        "pass@1 0.250 pass@2 0.500 majority 0.250 distinct 0.5 late 0.33 | slip 0.67 copy 0.33"
    )


def test_the_shipped_policy_is_measured_at_each_point() -> None:
    points = [("ledger", {"steps": [1, 1]}), ("procedure", {"steps": [1, 1]})]
    lines = list(measure(points, problems=2, samples=2))
    assert [line.partition(": pass@1 ")[0] for line in lines] == [
        "ledger {'steps': [1, 1]}",
        "procedure {'steps': [1, 1]}",
    ]
    assert all(" pass@2 " in line for line in lines)
