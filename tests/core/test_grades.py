"""Right, wrong, undecided and not graded are four things."""

from __future__ import annotations

import pytest

from backend.core.grades import foreign_source, grade_state, was_judged


@pytest.mark.parametrize(
    ("given", "state"),
    [
        ({"correct": True, "known": True}, "right"),
        ({"correct": False, "known": True}, "wrong"),
        ({"correct": True, "known": False}, "right"),
        ({"correct": None, "known": True}, "undecided"),
        ({"correct": None, "known": False}, "not graded"),
        ({"correct": None, "known": True, "answered": False}, "not graded"),
        ({"correct": None, "known": True, "asked": False}, "not graded"),
    ],
)
def test_only_who_was_asked_is_undecided(given: dict[str, bool], state: str) -> None:
    assert grade_state(**given) == state  # type: ignore[arg-type]


def test_a_run_of_another_program_is_known_by_its_source_however_it_came() -> None:
    foreign = {"format": "its_hub"}
    assert was_judged({}) and foreign_source({}) is None
    assert not was_judged({"imported": foreign})
    assert was_judged({"imported": {**foreign, "graded_by": "grader 2"}})
    assert foreign_source({"imported": {"format": "jsonl", "before": foreign}}) == foreign
    assert foreign_source({"imported": {"format": "jsonl"}}) is None
