"""Arithmetic expressions, read safely: integers, + - * / and brackets, evaluated with exact
fractions. Nothing is ever executed.
"""

from __future__ import annotations

import re
from collections import Counter
from fractions import Fraction
from typing import NamedTuple

from backend.core.errors import ProblemError
from backend.problems.base import Grade
from backend.problems.countdown.arithmetic import apply
from backend.problems.countdown.game import Game
from backend.problems.exact import canonical

LONGEST, DEEPEST = 200, 30
_TOKEN = re.compile(r"\s*(\d{1,9}|[-+*/()])")
_WORDS = {
    r"\times": "*",
    r"\cdot": "*",
    r"\div": "/",
    r"\left": "",
    r"\right": "",
    "×": "*",
    "÷": "/",
    "−": "-",
    "·": "*",
    "$": "",
}


class Expression(NamedTuple):
    """The exact value of an expression and the integers it is written with, in their order."""

    value: Fraction
    numbers: tuple[int, ...]


def _tokens(text: str) -> list[str]:
    for word, sign in _WORDS.items():
        text = text.replace(word, sign)
    tokens, place, text = [], 0, text.strip()
    while place < len(text):
        match = _TOKEN.match(text, place)
        if match is None:
            raise ProblemError(
                f"{text[place : place + 10]!r} is not part of an expression of integers, + "
                "- * / and brackets"
            )
        tokens.append(match[1])
        place = match.end()
    return tokens


class _ExpressionReader:
    """Recursive descent: sum = product {+- product}; product = factor {*/ factor}; factor = integer
    | ( sum )."""

    def __init__(self, tokens: list[str]) -> None:
        self.tokens, self.place, self.numbers = tokens, 0, list[int]()

    def peek(self) -> str:
        return self.tokens[self.place] if self.place < len(self.tokens) else ""

    def take(self) -> str:
        token = self.peek()
        self.place += 1
        return token

    def sum(self, depth: int) -> Fraction:
        return self._chain("+-", depth)

    def _chain(self, operators: str, depth: int) -> Fraction:
        value = self._chain("*/", depth) if operators == "+-" else self.factor(depth)
        while self.peek() and self.peek() in operators:
            operator = self.take()
            right = self._chain("*/", depth) if operators == "+-" else self.factor(depth)
            result = apply(value, operator, right)
            if result is None:
                raise ProblemError("the expression divides by zero")
            value = result
        return value

    def factor(self, depth: int) -> Fraction:
        token = self.take()
        if token == "(" and depth < DEEPEST:
            value = self.sum(depth + 1)
            if self.take() != ")":
                raise ProblemError("a bracket is not closed")
            return value
        if not token.isdigit():
            raise ProblemError(
                f"an integer or a bracket should stand where {token or 'the end'!r} stands"
            )
        self.numbers.append(int(token))
        return Fraction(int(token))


def read_expression(text: str) -> Expression:
    """The value of an expression. Raises ProblemError with the reason if it is not one, is too
    long, or divides by zero.
    """
    if len(text) > LONGEST:
        raise ProblemError(f"an expression of {len(text)} characters is longer than {LONGEST}")
    reader = _ExpressionReader(_tokens(text))
    value = reader.sum(0)
    if reader.place < len(reader.tokens):
        raise ProblemError(f"{reader.peek()!r} stands after the end of the expression")
    return Expression(value, tuple(reader.numbers))


def grade_expression(game: Game, answer: str | None) -> Grade:
    """Right if the answer makes the target and uses each of the numbers exactly once; `... =
    target` at the end is allowed.
    """
    if answer is None:
        return Grade(False, "no answer was given")
    left, equals, right = answer.partition("=")
    if equals and right.strip() != str(game.target):
        return Grade(False, f"the answer claims to make {right.strip()[:20]!r}, not {game.target}")
    try:
        value, numbers = read_expression(left)
    except ProblemError as error:
        return Grade(False, str(error))
    if Counter(numbers) != Counter(game.numbers):
        return Grade(
            False,
            (
                f"it uses {' '.join(map(str, numbers))}, not each of "
                f"{' '.join(map(str, game.numbers))} exactly once"
            ),
        )
    if value != game.target:
        return Grade(False, f"{left.strip()} makes {value}, not {game.target}")
    return Grade(True, f"{left.strip()} makes {game.target} and uses each number once")


def expression_form(answer: str) -> str:
    """An arithmetic expression by its value and its numbers; anything else, or one that claims a
    wrong value, by its text."""
    left, equals, claimed = answer.partition("=")
    try:
        value, numbers = read_expression(left.strip("$ "))
    except ProblemError:
        return canonical(answer)
    if equals and claimed.strip("$ .") != str(value):
        return canonical(answer)
    return f"{value} from {' '.join(map(str, sorted(numbers)))}"
