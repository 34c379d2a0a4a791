"""The training corpus of the classroom pair: an endless stream of written solutions, most right,
some by pupils who err, some repaired.

Solutions differ in order, length and route, because a model trained on one clean way errs in one
dull way: at the root, and with all its right paths alike. A pupil has one consistent misconception
per document. Problem seeds stay below 1,000,000; from there up is evaluation.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from backend.problems import SETS, Problem, ProblemSet
from backend.problems.ledger.facts import LedgerFacts

FIRST_EVALUATION_SEED = 1_000_000
TRAINING_LEVEL = 0
MIXTURE = {"ledger": 0.5, "countdown": 0.25, "procedure": 0.25}
PUPILS, REPAIRS = 0.13, 0.06
ATTEMPTS = 4


@dataclass(frozen=True)
class Document:
    """A problem with one written solution. `author` is `teacher`, `repair`, `reading` or
    `pupil:<misconception>`; `answer` is the right one.
    """

    problem_id: str
    question: str
    steps: tuple[str, ...]
    author: str
    answer: str


def documents(seed: int, readings: Callable[[], float] = lambda: 0.0) -> Iterator[Document]:
    """The endless stream of that seed. `readings`: share of the ledger's documents that only read
    its facts out, asked anew for each."""
    rng = random.Random(f"corpus/{seed}")
    names, weights = list(MIXTURE), list(MIXTURE.values())
    while True:
        chosen = SETS[rng.choices(names, weights)[0]]
        problem = chosen.problem(TRAINING_LEVEL, rng.randrange(FIRST_EVALUATION_SEED))
        share = readings() if chosen.name == "ledger" else 0.0
        yield reading(problem, rng) if rng.random() < share else document(chosen, problem, rng)


def document(chosen: ProblemSet, problem: Problem, rng: random.Random) -> Document:
    """One document about a problem, its author drawn at random."""
    author, steps = _pick_author(chosen, problem, rng)
    return Document(problem.id, problem.question, tuple(steps), author, problem.answer or "")


def _pick_author(chosen: ProblemSet, problem: Problem, rng: random.Random) -> tuple[str, list[str]]:
    """An author and a solution: a pupil only where the misconception shows in this problem, of a
    few drawn at random.
    """
    draw = rng.random()
    if draw < PUPILS:
        for name in rng.sample(list(chosen.pupils), min(ATTEMPTS, len(chosen.pupils))):
            steps = chosen.solution(problem, rng, name)
            if errs(chosen, problem, steps):
                return f"pupil:{name}", steps
    elif draw < PUPILS + REPAIRS:
        steps = chosen.self_correction(problem, rng)
        if errs(chosen, problem, steps):
            return "repair", steps
    return "teacher", chosen.solution(problem, rng)


def variants(chosen: ProblemSet, problem: Problem, rng: random.Random) -> list[Document]:
    """One problem solved several ways: twice right, by two pupils, and with a slip that is
    repaired."""
    pupils = rng.sample(list(chosen.pupils), 2)
    written = [
        ("teacher", chosen.solution(problem, rng)),
        ("teacher", chosen.solution(problem, rng)),
        ("repair", chosen.self_correction(problem, rng)),
    ]
    written += [(f"pupil:{name}", chosen.solution(problem, rng, name)) for name in pupils]
    return [
        Document(problem.id, problem.question, tuple(steps), author, problem.answer or "")
        for author, steps in written
    ]


def reading(problem: Problem, rng: random.Random) -> Document:
    """A ledger's facts read out in random order, without a calculation: an exercise in finding what
    the question says of somebody."""
    ledger = LedgerFacts.of(problem)
    facts = rng.sample(ledger.facts, len(ledger.facts))
    return Document(
        problem.id,
        problem.question,
        tuple(f"{fact.sentence(ledger.verb)}." for fact in facts),
        "reading",
        problem.answer or "",
    )


def errs(chosen: ProblemSet, problem: Problem, steps: list[str]) -> bool:
    """Whether the checker finds a mistake in any step."""
    return not all(verdict.ok for verdict in chosen.check(problem, steps))
