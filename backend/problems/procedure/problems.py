"""The problem set `procedure`."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence

from backend.problems.base import Grade, Problem, Verdict, check_pupil
from backend.problems.exact import canonical
from backend.problems.procedure import check, write
from backend.problems.procedure.difficulty import ProcedureDifficulty
from backend.problems.procedure.generate import generate
from backend.problems.procedure.instructions import Procedure, list_numbers
from backend.problems.seeds import problem_id, random_source


class ProcedureSet:
    """Carry out a written list of instructions on a list of numbers; the answer is the list at the
    end."""

    name = "procedure"
    title = "Procedure: follow the instructions"
    kinds: Sequence[str] = check.KINDS
    pupils: Sequence[str] = write.PUPILS

    def __init__(self, difficulties: Mapping[int, ProcedureDifficulty]) -> None:
        self.difficulties = difficulties
        self.levels: Sequence[int] = tuple(level for level in sorted(difficulties) if level > 0)

    def problem(self, level: int, seed: int) -> Problem:
        """The problem of that level and seed. Level 0 draws from the whole range of
        difficulties.
        """
        rng = random_source(self.name, level, seed, self.difficulties)
        return self.of(generate(self.difficulties[level], rng), level, seed)

    def of(
        self, procedure: Procedure, level: int | None = None, seed: int | None = None
    ) -> Problem:
        """A problem around a given procedure."""
        name = problem_id(self.name, level, seed)
        answer = list_numbers(procedure.states()[-1])
        return Problem(name, self.name, level, seed, procedure.question(), answer, procedure.meta())

    def grade(self, problem: Problem, answer: str | None) -> Grade:
        """Right if the answer is the final list; commas between the numbers and brackets around
        them do not matter."""
        if answer is None:
            return Grade(False, "no answer was given")
        given = answer.strip().strip("[]()").replace(",", " ").split()
        if given == (problem.answer or "").split():
            return Grade(True, f"the list is {problem.answer}, number by number")
        return Grade(False, f"{' '.join(given)[:60]!r} is not the list {problem.answer}")

    def form(self, answer: str) -> str:
        """As numbers and texts are read everywhere."""
        return canonical(answer)

    def check(self, problem: Problem, steps: Sequence[str]) -> list[Verdict]:
        """One verdict per step."""
        return check.check(Procedure.of(problem), steps)

    def solution(self, problem: Problem, rng: random.Random, pupil: str | None = None) -> list[str]:
        """A right solution, or one by the named pupil."""
        procedure = Procedure.of(problem)
        return (
            write.teacher(procedure, rng)
            if pupil is None
            else write.pupil(procedure, rng, check_pupil(pupil, self.pupils))
        )

    def self_correction(self, problem: Problem, rng: random.Random) -> list[str]:
        """A right solution with one slip, noticed and repaired."""
        return write.repair(Procedure.of(problem), rng)
