"""The problem set `countdown`."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence

from backend.problems.base import Grade, Problem, Verdict, check_pupil
from backend.problems.countdown import check, write
from backend.problems.countdown.difficulty import CountdownDifficulty
from backend.problems.countdown.expression import expression_form, grade_expression
from backend.problems.countdown.game import Game, generate
from backend.problems.seeds import problem_id, random_source


class CountdownSet:
    """Reach a target from given numbers, each used once; any right expression counts."""

    name = "countdown"
    title = "Countdown: reach the target"
    kinds: Sequence[str] = check.KINDS
    pupils: Sequence[str] = write.PUPILS

    def __init__(self, difficulties: Mapping[int, CountdownDifficulty]) -> None:
        self.difficulties = difficulties
        self.levels: Sequence[int] = tuple(level for level in sorted(difficulties) if level > 0)

    def problem(self, level: int, seed: int) -> Problem:
        """The problem of that level and seed. Level 0 draws from the whole range of
        difficulties.
        """
        rng = random_source(self.name, level, seed, self.difficulties)
        return self.of(generate(self.difficulties[level], rng), level, seed)

    def of(self, game: Game, level: int | None = None, seed: int | None = None) -> Problem:
        """A problem around a given game; its `answer` is the target, which any right expression
        must make."""
        name = problem_id(self.name, level, seed)
        return Problem(name, self.name, level, seed, game.question(), str(game.target), game.meta())

    def grade(self, problem: Problem, answer: str | None) -> Grade:
        """Right if the answer is an expression that uses each number once and makes the target."""
        return grade_expression(Game.of(problem), answer)

    def form(self, answer: str) -> str:
        """By value and numbers: two expressions that use the same numbers and come to the same
        value are the same answer."""
        return expression_form(answer)

    def check(self, problem: Problem, steps: Sequence[str]) -> list[Verdict]:
        """One verdict per step."""
        return check.check(Game.of(problem), steps)

    def solution(self, problem: Problem, rng: random.Random, pupil: str | None = None) -> list[str]:
        """A right solution, or one by the named pupil."""
        game = Game.of(problem)
        return (
            write.teacher(game, rng)
            if pupil is None
            else write.pupil(game, rng, check_pupil(pupil, self.pupils))
        )

    def self_correction(self, problem: Problem, rng: random.Random) -> list[str]:
        """A right solution with one slip, noticed and repaired."""
        return write.repair(Game.of(problem), rng)
