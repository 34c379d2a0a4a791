"""The problem set `ledger`."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence

from backend.problems.base import Grade, Problem, Verdict, check_pupil
from backend.problems.exact import canonical
from backend.problems.integers import grade_number
from backend.problems.ledger import check, write
from backend.problems.ledger.difficulty import LedgerDifficulty
from backend.problems.ledger.facts import LedgerFacts, Quantity
from backend.problems.ledger.generate import generate
from backend.problems.ledger.pupils import PUPILS
from backend.problems.seeds import problem_id, random_source


class LedgerSet:
    """Quantities that depend on each other; the answer is one positive integer."""

    name = "ledger"
    title = "Ledger: who has how many?"
    kinds: Sequence[str] = check.KINDS
    pupils: Sequence[str] = PUPILS

    def __init__(self, difficulties: Mapping[int, LedgerDifficulty]) -> None:
        self.difficulties = difficulties
        self.levels: Sequence[int] = tuple(level for level in sorted(difficulties) if level > 0)

    def problem(self, level: int, seed: int) -> Problem:
        """The problem of that level and seed. Level 0 draws from the whole range of
        difficulties.
        """
        rng = random_source(self.name, level, seed, self.difficulties)
        return self.of(generate(self.difficulties[level], rng), level, seed)

    def of(self, ledger: LedgerFacts, level: int | None = None, seed: int | None = None) -> Problem:
        """A problem around a given ledger."""
        truth = ledger.truth()
        answer = sum(truth[Quantity(who, ledger.item)] for who in ledger.goal)
        name = problem_id(self.name, level, seed)
        return Problem(name, self.name, level, seed, ledger.question(), str(answer), ledger.meta())

    def grade(self, problem: Problem, answer: str | None) -> Grade:
        """Right if the answer is the very integer asked for."""
        return grade_number(problem.answer or "", answer)

    def form(self, answer: str) -> str:
        """As numbers and texts are read everywhere."""
        return canonical(answer)

    def check(self, problem: Problem, steps: Sequence[str]) -> list[Verdict]:
        """One verdict per step."""
        return check.check(LedgerFacts.of(problem), steps)

    def solution(self, problem: Problem, rng: random.Random, pupil: str | None = None) -> list[str]:
        """A right solution, or one by the named pupil."""
        ledger = LedgerFacts.of(problem)
        return (
            write.teacher(ledger, rng)
            if pupil is None
            else write.pupil(ledger, rng, check_pupil(pupil, self.pupils))
        )

    def self_correction(self, problem: Problem, rng: random.Random) -> list[str]:
        """A right solution with one slip, noticed and repaired."""
        return write.repair(LedgerFacts.of(problem), rng)
