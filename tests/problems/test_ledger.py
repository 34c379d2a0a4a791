"""The ledger's checker names each kind of mistake; its generator keeps to its difficulty."""

from __future__ import annotations

import pytest

from backend.problems import SETS, check
from backend.problems.ledger import LedgerDifficulty, LedgerSet
from backend.problems.ledger.facts import Fact, LedgerFacts, Quantity
from backend.problems.ledger.write import list_needed_facts

LEDGER = LedgerFacts(
    "has",
    "apples",
    (
        Fact("given", "Ana", "apples", 7),
        Fact("more", "Ben", "apples", 25, refs=("Ana",)),
        Fact("bags", "Cara", "apples", 3, 6),
        Fact("lost", "Dan", "apples", 20, 4),
        Fact("given", "Ana", "pens", 9),
        Fact("half", "Eva", "apples", refs=("Ben",)),
        Fact("difference", "Finn", "apples", refs=("Cara", "Dan")),
        Fact("sum", "Gina", "apples", refs=("Eva", "Finn")),
        Fact("given", "Hugo", "apples", 50),
    ),
    ("Gina",),
)
PROBLEM = LedgerSet({}).of(LEDGER)
RIGHT = [
    "Ben has 25 more apples than Ana: 7 + 25 = 32.",
    "Cara has 3 bags with 6 apples each: 3 * 6 = 18.",
    "Dan had 20 apples and lost 4 of them: 20 - 4 = 16.",
    "Eva has half as many apples as Ben: 32 / 2 = 16.",
    "Finn has as many apples as the difference between Cara and Dan: 18 - 16 = 2.",
    "Gina has as many apples as Eva and Finn together: 16 + 2 = 18.",
    "The answer is \\boxed{18}.",
]


def kinds(*steps: str) -> list[str | None]:
    verdicts = check(PROBLEM, steps)
    assert verdicts is not None
    return [verdict.kind for verdict in verdicts]


def test_a_right_solution_is_right() -> None:
    assert kinds(*RIGHT) == [None] * 7


@pytest.mark.parametrize(
    "step",
    [
        "Ana has 7 apples.",
        "Hugo has 50 apples.",
        "To find Gina I need Finn and Eva.",
        "To find Eva I need Ben.",
        "Ben has 25 more apples than Ana: 25 + 7 = 32.",
        "Dan had 20 apples and lost 4 of them.",
    ],
)
def test_needless_but_true_steps_are_right(step: str) -> None:
    assert kinds(step) == [None]


@pytest.mark.parametrize(
    ("known", "step", "kind"),
    [
        (0, "Ben has 25 more apples than Ana: 9 + 25 = 34.", "distractor"),
        (0, "Ben has 25 more apples than Ana: 50 + 25 = 75.", "distractor"),
        (0, "Ben has 25 more apples than Ana: 20 + 25 = 45.", "operand"),
        (0, "Ben has 25 more apples than Ana: 77 + 25 = 102.", "wrong_copy"),
        (0, "Ben has 25 more apples than Ana: 7 - 25 = 18.", "operation"),
        (0, "Ben has 25 fewer apples than Ana: 25 - 7 = 18.", "operation"),
        (0, "Ben has 25 more apples than Ana: 7 + 25 = 22.", "carry"),
        (0, "Ben has 25 more apples than Ana: 7 + 25 = 33.", "arithmetic"),
        (0, "Ben has 52 more apples than Ana: 7 + 52 = 59.", "wrong_copy"),
        (0, "Ben has 25 more apples than Ana: 7 + 52 = 59.", "wrong_copy"),
        (0, "Ben has 25 more apples than Cara: 18 + 25 = 43.", "wrong_person"),
        (0, "Ben has 25 more pens than Ana: 9 + 25 = 34.", "wrong_copy"),
        (0, "Eva has half as many apples as Ben: 32 / 2 = 16.", "skipped_dependency"),
        (0, "Eva has half as many apples as Ben: 25 / 2 = 12.", "skipped_dependency"),
        (0, "Finn has as many apples as the difference between Cara and Dan: 6 - 16 = 10.", "unit"),
        (
            2,
            "Finn has as many apples as the difference between Cara and Dan: 18 - 20 = 2.",
            "stale_value",
        ),
        (
            3,
            "Finn has as many apples as the difference between Cara and Dan: 16 - 18 = 2.",
            "operation",
        ),
        (0, "To find Gina I need Ben.", "wrong_plan"),
        (0, "To find Ana I need Ben.", "wrong_plan"),
        (3, "The answer is \\boxed{18}.", "early_answer"),
        (6, "The answer is \\boxed{81}.", "wrong_answer"),
        (6, "The answer is \\boxed{eighteen}.", "wrong_answer"),
        (0, "Ana has 7 apples: 7 + 1 = 8.", "operation"),
        (0, "Ben has more apples.", "unreadable"),
        (0, "No, that is wrong: Ana has 7 apples.", "false_alarm"),
        (0, "Ana and Ben together: 7 + 32 = 39.", "wrong_person"),
    ],
)
def test_a_mistake_is_named_and_spoils_what_follows(known: int, step: str, kind: str) -> None:
    assert kinds(*RIGHT[:known], step, RIGHT[known]) == [None] * known + [kind, "after_mistake"]


def test_a_repair_makes_the_prefix_sound_again() -> None:
    slip, right, repair = (
        "Ben has 25 more apples than Ana: 7 + 25 = 22.",
        RIGHT[0],
        "No, that is wrong: ",
    )
    assert kinds(slip, repair + right, *RIGHT[1:]) == ["carry", *[None] * 7]
    assert kinds(slip, repair + slip, repair + right, RIGHT[1]) == [
        "carry",
        "after_mistake",
        None,
        None,
    ]
    assert kinds(slip, RIGHT[1], repair + right, RIGHT[1]) == ["carry", *["after_mistake"] * 3]


def test_a_question_for_two_people_needs_their_sum() -> None:
    pair = LedgerFacts("has", "apples", LEDGER.facts, ("Ana", "Cara"))
    problem = LedgerSet({}).of(pair)
    right = [
        "Cara has 3 bags with 6 apples each: 3 * 6 = 18.",
        "Ana and Cara together: 7 + 18 = 25.",
        "The answer is \\boxed{25}.",
    ]
    assert [verdict.ok for verdict in check(problem, right) or []] == [True] * 3
    assert (check(problem, [right[0], right[2]]) or [])[1].kind == "early_answer"
    assert (check(problem, right[1:]) or [])[0].kind == "skipped_dependency"


@pytest.mark.parametrize("steps", [1, 4, 9])
def test_a_generated_ledger_needs_as_many_operations_as_asked_and_stays_positive(
    steps: int,
) -> None:
    chosen = LedgerSet(
        {1: LedgerDifficulty(steps=(steps, steps), distractors=(3, 3), largest=(60, 60))}
    )
    for seed in range(100):
        ledger = LedgerFacts.of(chosen.problem(1, seed))
        operations = (
            sum(fact.kind != "given" for fact in list_needed_facts(ledger)) + len(ledger.goal) - 1
        )
        assert operations == steps
        truth = ledger.truth()
        assert all(value > 0 for value in truth.values())
        assert all(truth[Quantity(fact.who, fact.item)] <= 120 for fact in ledger.facts)
        assert len(ledger.question().split()) <= 160


def test_the_facts_of_a_problem_survive_json() -> None:
    problem = SETS["ledger"].problem(4, 9)
    assert LedgerFacts.of(problem).question() == problem.question
