"""The step checker of countdown: is the operation right, is what is left right, and can the target
still be reached?"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from fractions import Fraction
from typing import NamedTuple

from backend.problems.base import Verdict
from backend.problems.countdown.arithmetic import Operation, ReachableNumbers, apply
from backend.problems.countdown.expression import grade_expression
from backend.problems.countdown.game import Game
from backend.problems.walk import walk

KINDS = (
    "number_not_available", "reused_number", "swapped_operands", "not_exact", "operation", "arithmetic", "carry", "wrong_copy",
    "dead_end", "early_answer", "wrong_answer", "false_alarm", "unreadable", "after_mistake",
)  # fmt: skip
RIGHT = Verdict(True, None, "true, and the target can still be reached")
_N = r"-?\d{1,7}(?:/\d{1,7})?"
_MOVE = re.compile(rf"({_N}) ([-+*/]) ({_N}) = ({_N}), left ({_N}(?: {_N}){{0,15}})\.?")
_ANSWER = re.compile(r"The answer is \\boxed\{([^{}]*)\}\.?")


class NumberTable(NamedTuple):
    """The numbers in the game, and those that were in it before and are used up."""

    left: tuple[Fraction, ...]
    used: frozenset[Fraction]


def check(game: Game, steps: Sequence[str]) -> list[Verdict]:
    """One verdict per step."""
    return walk(
        NumberTable(tuple(map(Fraction, game.numbers)), frozenset()), steps, _CountdownJudge(game)
    )


def wrong(kind: str, reason: str) -> Verdict:
    """A verdict that names a mistake."""
    return Verdict(False, kind, reason)


class _CountdownJudge:
    """Judges one step from the numbers in the game before it."""

    def __init__(self, game: Game) -> None:
        self.game, self.reach = game, ReachableNumbers(game.target)

    def __call__(self, table: NumberTable, text: str) -> tuple[Verdict, NumberTable]:
        text = text.strip()
        if m := _ANSWER.fullmatch(text):
            return self._answer(table, m[1]), table
        m = _MOVE.fullmatch(text)
        try:
            move = Operation(Fraction(m[1]), m[2], Fraction(m[3]), Fraction(m[4])) if m else None
            left = tuple(map(Fraction, m[5].split())) if m else ()
        except ZeroDivisionError:
            move = None
        if move is None:
            return wrong("unreadable", "not a sentence of this kind of solution"), table
        return self._move(table, move, left), NumberTable(
            left, table.used | {move.left, move.right}
        )

    def _answer(self, table: NumberTable, text: str) -> Verdict:
        grade = grade_expression(self.game, text)
        if grade.correct:
            return RIGHT
        return wrong("early_answer" if len(table.left) > 1 else "wrong_answer", grade.reason)

    def _move(self, table: NumberTable, move: Operation, left: tuple[Fraction, ...]) -> Verdict:
        rest = Counter(table.left)
        for number in (move.left, move.right):
            if rest[number] == 0:
                kind = "reused_number" if number in table.used else "number_not_available"
                return wrong(kind, f"{number} is not among {' '.join(map(str, table.left))}")
            rest[number] -= 1
        if slip := _slip(move):
            return wrong(slip, f"{move.left} {move.operator} {move.right} is not {move.result}")
        rest[move.result] += 1
        surplus, missing = Counter(left) - rest, rest - Counter(left)
        if surplus or missing:
            kind = (
                "reused_number"
                if surplus.keys() & ({move.left, move.right} | table.used)
                else "wrong_copy"
            )
            return wrong(kind, f"what is left should be {' '.join(map(str, rest.elements()))}")
        if not self.reach(left):
            return wrong(
                "dead_end", f"{self.game.target} cannot be reached from {' '.join(map(str, left))}"
            )
        return RIGHT


def _slip(move: Operation) -> str | None:
    """The kind of mistake in a result, or None if it is right."""
    right = apply(move.left, move.operator, move.right)
    if right == move.result:
        return None
    if move.operator in "-/" and apply(move.right, move.operator, move.left) == move.result:
        return "swapped_operands"
    if right is None or (move.operator == "/" and right.denominator != 1):
        return "not_exact"
    if move.result in (apply(move.left, operator, move.right) for operator in "+-*/"):
        return "operation"
    return "carry" if abs(move.result - right) == 10 else "arithmetic"
