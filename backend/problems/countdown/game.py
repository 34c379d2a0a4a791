"""A countdown problem and how it is made: random operations on random numbers until one number, the
target, is left."""

from __future__ import annotations

import random
from dataclasses import dataclass
from fractions import Fraction

from backend.problems.base import JSON, Problem
from backend.problems.countdown.arithmetic import operations
from backend.problems.countdown.difficulty import CountdownDifficulty

PHRASES = (
    "Use each of the numbers {numbers} exactly once, with + - * / and brackets, to make {target}.",
    (
        "Make {target} from the numbers {numbers}. Use each number exactly once, with + - * / "
        "and brackets."
    ),
)


@dataclass(frozen=True)
class Game:
    """The numbers to use, each once, and the target."""

    numbers: tuple[int, ...]
    target: int
    phrase: int = 0

    def question(self) -> str:
        """The text of the question."""
        return PHRASES[self.phrase].format(
            numbers=" ".join(map(str, self.numbers)), target=self.target
        )

    def meta(self) -> dict[str, JSON]:
        """As JSON, for `Problem.meta`."""
        return {"numbers": list(self.numbers), "target": self.target}

    @staticmethod
    def of(problem: Problem) -> Game:
        """The game behind a problem."""
        return Game(tuple(problem.meta["numbers"]), problem.meta["target"])


def generate(difficulty: CountdownDifficulty, rng: random.Random) -> Game:
    """A game that can be won; its target is no number given and lies within `difficulty.target`."""
    count, largest = rng.randint(*difficulty.numbers), rng.randint(*difficulty.largest)
    low, high = difficulty.target
    while True:
        numbers = [rng.randint(1 if rng.random() < 0.2 else 2, largest) for _ in range(count)]
        left = tuple(Fraction(number) for number in numbers)
        while len(left) > 1:
            left = _play(left, difficulty.operations, rng)
        if low <= left[0] <= high and left[0] not in numbers:
            return Game(tuple(numbers), int(left[0]), rng.randrange(len(PHRASES)))


def _play(left: tuple[Fraction, ...], allowed: str, rng: random.Random) -> tuple[Fraction, ...]:
    choices = [
        (move, after)
        for move, after in operations(left, plain=True)
        if move.operator in allowed and move.result < 200
    ]
    operators = sorted({move.operator for move, _ in choices})
    if not operators:
        return (Fraction(0),)
    operator = rng.choice(operators)
    return rng.choice([after for move, after in choices if move.operator == operator])
