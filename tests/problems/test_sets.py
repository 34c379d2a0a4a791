"""What every problem set promises, on every set and level: right solutions check and grade right,
pupils err as they are named to."""

from __future__ import annotations

import random
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.problems import (
    SETS,
    Problem,
    ProblemError,
    check,
    extract_answer,
    grade,
    problem,
)
from backend.problems.countdown import CountdownDifficulty, CountdownSet
from backend.problems.ledger import LedgerDifficulty, LedgerSet
from backend.problems.procedure import ProcedureDifficulty, ProcedureSet

CELLS = [(name, level) for name in SETS for level in (0, *SETS[name].levels)]
FIXED = {
    "ledger": LedgerSet({3: LedgerDifficulty(steps=(3, 4), distractors=(1, 2))}),
    "countdown": CountdownSet({3: CountdownDifficulty(numbers=(4, 4))}),
    "procedure": ProcedureSet({3: ProcedureDifficulty(steps=(3, 4))}),
}
GOLDEN = {
    "ledger": "Mia keeps 34 buttons.\nKim keeps 16 books.\nHugo keeps 6 fewer books than "
    "Kim.\nCara keeps half as many books as Mia.\n"
    "Mia keeps 5 times as many books as Hugo.\nHow many books does Cara keep?",
    "countdown": (
        "Make 26 from the numbers 12 12 13 12. Use each number exactly once, with + - * / and "
        "brackets."
    ),
    "procedure": "Start with the list 15 19 9 14 17 22. Step 1: remove the last number. Step 2: "
    "double the last number. "
    "Step 3: remove the smallest number. Step 4: add 3 to the last number. What is the list at the "
    "end?",
}


def written(
    name: str, level: int, count: int, first_seed: int = 0
) -> list[tuple[Problem, list[str]]]:
    """Problems with a teacher's solution each."""
    chosen = SETS[name]
    problems = [chosen.problem(level, first_seed + seed) for seed in range(count)]
    return [(each, chosen.solution(each, random.Random(each.id))) for each in problems]


@pytest.mark.parametrize(("name", "level"), CELLS)
def test_every_step_of_a_teacher_is_right_and_the_answer_grades_correct(
    name: str, level: int
) -> None:
    for each, steps in written(name, level, 300):
        verdicts = check(each, steps)
        assert verdicts is not None and len(verdicts) == len(steps)
        assert all(verdict.ok and verdict.kind is None for verdict in verdicts), (
            each.question,
            steps,
            verdicts,
        )
        assert grade(each, extract_answer("\n\n".join(steps))).correct is True


@pytest.mark.parametrize(("name", "level"), CELLS)
def test_a_repaired_solution_has_one_wrong_step_and_ends_right(name: str, level: int) -> None:
    chosen = SETS[name]
    for seed in range(60):
        each = chosen.problem(level, seed)
        steps = chosen.self_correction(each, random.Random(seed))
        verdicts = chosen.check(each, steps)
        slips = [place for place, verdict in enumerate(verdicts) if not verdict.ok]
        if not any(step.startswith("No, that is wrong: ") for step in steps):
            assert slips == []
            continue
        assert len(slips) == 1 and steps[slips[0] + 1].startswith("No, that is wrong: "), (
            each.question,
            steps,
            verdicts,
        )
        assert verdicts[slips[0]].kind in chosen.kinds
        assert grade(each, extract_answer(steps[-1])).correct is True


EXPECTED = {
    ("ledger", "more_fewer_swapped"): "operation",
    ("ledger", "half_twice_swapped"): "operation",
    ("ledger", "distractor"): "distractor",
    ("ledger", "stale_value"): "stale_value",
    ("ledger", "unit_missed"): "unit",
    ("ledger", "skipped_dependency"): "skipped_dependency",
    ("ledger", "carry_slip"): "carry",
    ("ledger", "wrong_copy"): "wrong_copy",
    ("ledger", "last_result"): "operand",
    ("ledger", "early_answer"): "early_answer",
    ("countdown", "keeps_used"): "reused_number",
    ("countdown", "wrong_way_round"): "swapped_operands",
    ("countdown", "no_lookahead"): "dead_end",
    ("countdown", "early_answer"): "early_answer",
    ("countdown", "carry_slip"): "carry",
    ("countdown", "wrong_copy"): "wrong_copy",
    ("procedure", "wrong_direction"): "wrong_direction",
    ("procedure", "first_only"): "wrong_number",
    ("procedure", "skips_instruction"): "skipped_instruction",
    ("procedure", "largest_smallest_swapped"): "wrong_number",
    ("procedure", "first_last_swapped"): "wrong_number",
    ("procedure", "carry_slip"): "carry",
    ("procedure", "wrong_copy"): "wrong_order",
    ("procedure", "early_answer"): "early_answer",
}


def test_every_pupil_is_expected_to_make_a_kind_of_mistake() -> None:
    assert set(EXPECTED) == {
        (name, pupil) for name, chosen in SETS.items() for pupil in chosen.pupils
    }
    assert all(kind in SETS[name].kinds for (name, _), kind in EXPECTED.items())


@pytest.mark.parametrize(("name", "pupil"), EXPECTED)
def test_the_first_mistake_of_a_pupil_is_mostly_of_the_expected_kind(name: str, pupil: str) -> None:
    chosen, firsts = SETS[name], list[str | None]()
    for seed in range(400):
        each = chosen.problem(0, seed)
        verdicts = chosen.check(each, chosen.solution(each, random.Random(seed), pupil))
        wrong = [verdict for verdict in verdicts if not verdict.ok]
        assert all(verdict.kind == "after_mistake" for verdict in wrong[1:])
        firsts += [wrong[0].kind] if wrong else []
    assert len(firsts) >= 15
    assert firsts.count(EXPECTED[name, pupil]) >= 0.6 * len(firsts), {
        kind: firsts.count(kind) for kind in firsts
    }


@pytest.mark.parametrize(("name", "level"), CELLS)
def test_one_changed_digit_in_a_step_is_a_mistake_at_that_step(name: str, level: int) -> None:
    rng = random.Random(f"{name}/{level}")
    for each, steps in written(name, level, 60, first_seed=5_000):
        places = [i for i, step in enumerate(steps[:-1]) if re.search(r"\d", step)]
        place = rng.choice(places)
        digit = rng.choice(list(re.finditer(r"\d", steps[place])))
        other = rng.choice([d for d in "123456789" if d != digit[0]])
        spoilt = steps[place][: digit.start()] + other + steps[place][digit.end() :]
        verdicts = check(each, [*steps[:place], spoilt, *steps[place + 1 :]])
        assert verdicts is not None
        assert [verdict.ok for verdict in verdicts] == [True] * place + [False] * (
            len(steps) - place
        ), (each.question, spoilt, verdicts)


@pytest.mark.parametrize("name", SETS)
@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_whatever_is_written_the_checker_returns_one_verdict_per_step(
    name: str, data: st.DataObject
) -> None:
    each = SETS[name].problem(3, data.draw(st.integers(0, 50)))
    real = SETS[name].solution(each, random.Random(1))
    mangled = st.sampled_from(real).flatmap(
        lambda s: st.builds(
            lambda i, t: s[:i] + t + s[i:], st.integers(0, len(s)), st.text(max_size=3)
        )
    )
    steps = data.draw(
        st.lists(st.one_of(st.text(max_size=60), mangled, st.sampled_from(real)), max_size=8)
    )
    verdicts = check(each, steps)
    assert verdicts is not None and len(verdicts) == len(steps)
    assert all(
        verdict.ok == (verdict.kind is None) and (verdict.ok or verdict.kind in SETS[name].kinds)
        for verdict in verdicts
    )


@pytest.mark.parametrize("name", SETS)
def test_a_very_long_step_and_very_many_steps_are_judged_quickly(name: str) -> None:
    each = SETS[name].problem(3, 1)
    verdicts = check(
        each,
        ["After step 1: " + "1 " * 100_000, "x" * 1_000_000, *["No, that is wrong: "] * 20_000],
    )
    assert verdicts is not None and len(verdicts) == 20_002


@pytest.mark.parametrize("name", SETS)
@pytest.mark.parametrize(
    "answer", [None, "", "x", "1" * 10_000, "(" * 5_000, "9**9**9", "1/0", "\\boxed{1}"]
)
def test_a_wrong_or_senseless_answer_grades_incorrect_with_a_reason(
    name: str, answer: str | None
) -> None:
    for seed in range(10):
        judged = grade(SETS[name].problem(2, seed), answer)
        assert judged.correct is False and judged.reason


@pytest.mark.parametrize("name", SETS)
def test_a_problem_is_the_same_for_ever(name: str) -> None:
    assert FIXED[name].problem(3, 17).question == GOLDEN[name]
    assert problem(f"{name}/3/17") == SETS[name].problem(3, 17)


@pytest.mark.parametrize("name", SETS)
def test_seeds_and_levels_give_different_problems(name: str) -> None:
    questions = {
        SETS[name].problem(level, seed).question
        for level in SETS[name].levels
        for seed in range(40)
    }
    assert len(questions) > 0.95 * 40 * len(SETS[name].levels)


@pytest.mark.parametrize("name", SETS)
def test_solutions_of_one_problem_differ(name: str) -> None:
    chosen, several = SETS[name], 0
    for seed in range(20):
        each = chosen.problem(4, seed)
        several += len({tuple(chosen.solution(each, random.Random(i))) for i in range(12)}) > 1
    assert several >= 15


@pytest.mark.parametrize(
    "wrong",
    [
        "",
        "ledger",
        "ledger/3",
        "ledger/3/x",
        "ledger/9/1",
        "ledger/-1/1",
        "chess/1/1",
        "ledger/1/1/1",
        "ledger/3/²",
        "curated/99",
        "file:x/1",
    ],
)
def test_an_unknown_id_is_refused_with_what_is_accepted(wrong: str) -> None:
    with pytest.raises(ProblemError, match="accepted"):
        problem(wrong)


def test_an_unknown_pupil_is_refused_with_what_is_accepted() -> None:
    with pytest.raises(ProblemError, match=r"accepted: .*carry_slip"):
        SETS["ledger"].solution(problem("ledger/1/1"), random.Random(1), "genius")
