"""Procedure: instructions do what they say, each mistake is named, and accuracy is counted up to
the first wrong step."""

from __future__ import annotations

from itertools import pairwise

import pytest

from backend.problems import SETS, check, grade
from backend.problems.procedure import ProcedureDifficulty, ProcedureSet
from backend.problems.procedure.instructions import INSTRUCTIONS, GivenOrder, Procedure

PROBLEM = ProcedureSet({}).of(
    Procedure(
        (4, 18, 7),
        (
            GivenOrder("rotate_left"),
            GivenOrder("add_each", 5),
            GivenOrder("remove_largest"),
            GivenOrder("double_last"),
            GivenOrder("append", 3),
        ),
    )
)
RIGHT = [
    "After step 1 (move the first number to the end): 18 7 4.",
    "After step 2 (add 5 to each number): 23 12 9.",
    "After step 3 (remove the largest number): 12 9.",
    "After step 4 (double the last number): 12 18.",
    "After step 5 (put 3 at the end): 12 18 3.",
    "The answer is \\boxed{12 18 3}.",
]


def kinds(*steps: str) -> list[str | None]:
    verdicts = check(PROBLEM, steps)
    assert verdicts is not None
    return [verdict.kind for verdict in verdicts]


@pytest.mark.parametrize(
    ("name", "after"),
    {
        "reverse": (2, 9, 5),
        "sort_up": (2, 5, 9),
        "sort_down": (9, 5, 2),
        "rotate_left": (9, 2, 5),
        "rotate_right": (2, 5, 9),
        "swap_ends": (2, 9, 5),
        "remove_first": (9, 2),
        "remove_last": (5, 9),
        "remove_largest": (5, 2),
        "remove_smallest": (5, 9),
        "add_each": (9, 13, 6),
        "add_first": (9, 9, 2),
        "add_last": (5, 9, 6),
        "double_first": (10, 9, 2),
        "double_last": (5, 9, 4),
        "append": (5, 9, 2, 4),
        "append_sum": (5, 9, 2, 14),
    }.items(),
)
def test_an_instruction_does_what_it_says(name: str, after: tuple[int, ...]) -> None:
    assert GivenOrder(name, 4).on((5, 9, 2)) == after
    assert name in INSTRUCTIONS


def test_a_right_solution_is_right_with_or_without_needless_true_steps() -> None:
    assert kinds(*RIGHT) == [None] * 6
    assert (
        kinds(
            "At the start: 4 18 7.", RIGHT[0], "There are now 3 numbers.", "After step 2: 23 12 9."
        )
        == [None] * 4
    )


@pytest.mark.parametrize(
    ("done", "step", "kind"),
    [
        (0, "After step 1 (move the first number to the end): 7 4 18.", "wrong_direction"),
        (0, "After step 1 (move the first number to the end): 4 18 7.", "skipped_instruction"),
        (0, "After step 1 (move the first number to the end): 18 4 7.", "wrong_order"),
        (0, "After step 1 (move the first number to the end): 18 7.", "wrong_length"),
        (0, "After step 1 (move the first number to the end): 18 7 5.", "wrong_copy"),
        (0, "After step 1 (reverse the list): 7 18 4.", "wrong_instruction"),
        (0, "After step 2 (add 5 to each number): 23 12 9.", "skipped_instruction"),
        (0, "After step 9 (reverse the list): 7 18 4.", "wrong_instruction"),
        (0, "At the start: 4 18 8.", "wrong_copy"),
        (1, "After step 2 (add 5 to each number): 23 7 4.", "wrong_number"),
        (1, "After step 2 (add 5 to each number): 13 12 9.", "carry"),
        (1, "After step 2 (add 5 to each number): 24 12 9.", "arithmetic"),
        (2, "After step 3 (remove the largest number): 23 12.", "wrong_number"),
        (3, "After step 4 (double the last number): 13 18.", "wrong_copy"),
        (3, "There are now 3 numbers.", "wrong_length"),
        (4, "The answer is \\boxed{12 18 3}.", "early_answer"),
        (5, "The answer is \\boxed{12 18}.", "wrong_answer"),
        (0, "After step one: 18 7 4.", "unreadable"),
    ],
)
def test_a_mistake_is_named_and_spoils_what_follows(done: int, step: str, kind: str) -> None:
    assert kinds(*RIGHT[:done], step, RIGHT[done]) == [None] * done + [kind, "after_mistake"]


@pytest.mark.parametrize(
    ("answer", "correct"),
    [
        ("12 18 3", True),
        ("[12, 18, 3]", True),
        ("12 3 18", False),
        ("12 18", False),
        ("12183", False),
    ],
)
def test_a_list_is_graded_number_by_number(answer: str, correct: bool) -> None:
    assert grade(PROBLEM, answer).correct is correct


def test_a_generated_procedure_keeps_to_its_difficulty_and_every_instruction_has_an_effect() -> (
    None
):
    chosen = ProcedureSet({1: ProcedureDifficulty(steps=(5, 7), length=(4, 5), largest=(20, 20))})
    for seed in range(150):
        procedure = Procedure.of(chosen.problem(1, seed))
        states = procedure.states()
        assert 5 <= len(procedure.orders) <= 7 and 4 <= len(procedure.start) <= 5
        assert all(before != after for before, after in pairwise(states))
        assert all(0 < number <= 99 for state in states for number in state)
    assert SETS["procedure"].problem(1, 1).answer is not None
