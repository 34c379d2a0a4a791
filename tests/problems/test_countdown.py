"""Countdown: the search agrees with brute force, expressions are read safely, and each mistake is
named."""

from __future__ import annotations

import random
from fractions import Fraction
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.problems import ProblemError, check, grade
from backend.problems.countdown import CountdownSet
from backend.problems.countdown.arithmetic import ReachableNumbers
from backend.problems.countdown.expression import read_expression
from backend.problems.countdown.game import Game

PROBLEM = CountdownSet({}).of(Game((7, 3, 5, 2), 24))


def kinds(*steps: str) -> list[str | None]:
    verdicts = check(PROBLEM, steps)
    assert verdicts is not None
    return [verdict.kind for verdict in verdicts]


def values(numbers: tuple[int, ...]) -> set[Fraction]:
    """Everything that can be made of the numbers: by splitting them in two in every way, another
    way than the search under test."""
    if len(numbers) == 1:
        return {Fraction(numbers[0])}
    made = set[Fraction]()
    places = range(len(numbers))
    for size in range(1, len(numbers)):
        for chosen in combinations(places, size):
            left = values(tuple(numbers[i] for i in chosen))
            right = values(tuple(numbers[i] for i in places if i not in chosen))
            made |= {
                c
                for a in left
                for b in right
                for c in (a + b, a - b, a * b, *([a / b] if b else []))
            }
    return made


def test_the_search_agrees_with_brute_force() -> None:
    rng = random.Random(5)
    outcomes = list[bool]()
    for _ in range(25):
        numbers = tuple(rng.randint(1, 12) for _ in range(rng.choice((2, 3, 4))))
        made = values(numbers)
        for target in [
            *rng.sample(range(1, 60), 6),
            *(int(v) for v in list(made)[:3] if v.denominator == 1),
        ]:
            outcomes.append(ReachableNumbers(target)([Fraction(n) for n in numbers]))
            assert outcomes[-1] == (target in made), (numbers, target)
    assert any(outcomes) and not all(outcomes)


def test_a_target_only_reached_through_a_fraction_is_reached() -> None:
    assert ReachableNumbers(24)([Fraction(n) for n in (8, 8, 3, 3)])


@pytest.mark.parametrize(
    ("step", "kind"),
    [
        ("7 * 3 = 21, left 21 5 2.", None),
        ("3 * 7 = 21, left 2 5 21.", None),
        ("2 - 5 = -3, left -3 7 3.", None),
        ("7 * 4 = 28, left 28 5 2.", "number_not_available"),
        ("3 - 7 = 4, left 4 5 2.", "swapped_operands"),
        ("7 / 3 = 2, left 2 5 2.", "not_exact"),
        ("7 * 3 = 10, left 10 5 2.", "operation"),
        ("7 * 3 = 31, left 31 5 2.", "carry"),
        ("7 * 3 = 23, left 23 5 2.", "arithmetic"),
        ("7 * 3 = 21, left 21 5 7.", "reused_number"),
        ("7 * 3 = 21, left 21 5.", "wrong_copy"),
        ("7 * 5 = 35, left 35 3 2.", "dead_end"),
        ("The answer is \\boxed{7 * 3}.", "early_answer"),
        ("7 * 3 is 21.", "unreadable"),
        ("7 * 3 = 1/0, left 1/0 5 2.", "unreadable"),
    ],
)
def test_a_first_step_is_judged(step: str, kind: str | None) -> None:
    assert kinds(step) == [kind]


def test_a_whole_game_is_judged_to_its_answer() -> None:
    line = ["7 * 3 = 21, left 21 5 2.", "5 - 2 = 3, left 3 21.", "3 + 21 = 24, left 24."]
    assert kinds(*line, "The answer is \\boxed{(5 - 2) + (7 * 3)}.") == [None] * 4
    assert kinds(*line, "The answer is \\boxed{(5 + 2) + (7 * 3)}.")[-1] == "wrong_answer"
    assert kinds(line[0], "7 + 5 = 12, left 12 2.")[-1] == "reused_number"


def test_a_dead_end_can_be_taken_back() -> None:
    assert kinds(
        "7 * 5 = 35, left 35 3 2.",
        "No, that is wrong: 7 * 3 = 21, left 21 5 2.",
        "5 - 2 = 3, left 3 21.",
    ) == ["dead_end", None, None]


@pytest.mark.parametrize(
    ("answer", "correct"),
    [
        ("7*3+5-2", True),
        ("(7 * 3) + 5 - 2 = 24", True),
        (r"7 \times 3 + (5 - 2)", True),
        ("7*3+5-2 = 25", False),
        ("24", False),
        ("7*3+3", False),
        ("7*3+5-2+0", False),
        ("7*3*5*2", False),
        ("-7+3", False),
        ("7**3", False),
        ("(7*3+5-2", False),
        ("7/(5-3-2)", False),
    ],
)
def test_an_answer_is_graded_by_value_and_numbers(answer: str, correct: bool) -> None:
    assert grade(PROBLEM, answer).correct is correct


expressions = st.recursive(
    st.integers(0, 999).map(str),
    lambda inner: st.tuples(inner, st.sampled_from(["+", "-", "*"]), inner).map(
        lambda t: f"({t[0]} {t[1]} {t[2]})"
    ),
    max_leaves=8,
)


@given(expressions)
def test_an_expression_has_the_value_that_python_gives_it(text: str) -> None:
    # the text is made of digits and operators by this very test
    assert read_expression(text).value == eval(text)


@given(
    st.lists(st.sampled_from([str(n) for n in range(10)] + list("+-*/() ")), max_size=25).map(
        "".join
    )
)
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        value, numbers = read_expression(text)
    except ProblemError as error:
        assert str(error)
    else:
        assert isinstance(value, Fraction) and numbers
