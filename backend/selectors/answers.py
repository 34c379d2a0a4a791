"""Candidates grouped by the answer they give.

Two answers are the same when their canonical strings are: numbers are compared exactly as fractions (`0.50`, `1/2` and `\\frac{1}{2}` agree,
so do `1,234` and `1234`), everything else as text without dollar signs and without spaces, but for one between two digits (`3 1 4` is a list
of three); case is ignored. A candidate without a readable answer
belongs to no class: it cannot be voted for.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from fractions import Fraction

from backend.selectors.best import Best
from backend.types import Node

LONGEST_NUMBER = 100
"""Characters; longer answers are compared as text."""

_LOOSE_SPACE = re.compile(r"(?<!\d) | (?!\d)")
_DECIMAL = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)")
_RATIO = re.compile(r"([+-]?\d+)/(\d+)")
_FRACTION = re.compile(r"([+-]?)\\[dt]?frac\{(\d+)\}\{(\d+)\}")
_THOUSANDS = re.compile(r"[+-]?\d{1,3}(,\d{3})+(\.\d+)?")


def canonical(answer: str) -> str:
    """The string by which an answer is compared: a reduced fraction for a number, else the text without loose spaces."""
    text = _LOOSE_SPACE.sub("", " ".join(answer.replace("$", "").split())).casefold().rstrip(".")
    if len(text) > LONGEST_NUMBER:
        return text
    if _THOUSANDS.fullmatch(text):
        text = text.replace(",", "")
    text = _FRACTION.sub(r"\1\2/\3", text)
    ratio = _RATIO.fullmatch(text)
    if ratio is not None:
        return text if int(ratio[2]) == 0 else str(Fraction(int(ratio[1]), int(ratio[2])))
    return str(Fraction(text)) if _DECIMAL.fullmatch(text) else text


@dataclass
class AnswerClass:
    """Candidates with one answer: the first of them, the place of the class in order of arrival, how many they are, the sum of their values
    (an unscored one adds 0), and the best of them."""

    answer: str
    first: Node
    place: int
    count: int = 0
    weight: float = 0.0
    best: Best = field(default_factory=Best)


class Vote:
    """A tally over classes of equal answers. The strongest class wins, among equals the one seen first; a class only ever grows, so the leader
    is compared with the one class that has just grown."""

    def __init__(self) -> None:
        self.classes: dict[str, AnswerClass] = {}
        self._leader: AnswerClass | None = None
        self._best = Best()

    def strength(self, group: AnswerClass) -> tuple[float, ...]:
        """What classes are compared by; never falls when a candidate joins."""
        raise NotImplementedError

    def spokesman(self, group: AnswerClass) -> Node:
        """The member that stands for the winning class."""
        return group.first

    def add(self, node: Node, value: float | None, answer: str | None) -> None:
        self._best.add(node, value, answer)
        if answer is None or not answer.strip():
            return
        name = canonical(answer)
        group = self.classes.setdefault(name, AnswerClass(name, node, len(self.classes)))
        group.count += 1
        group.weight += value or 0.0
        group.best.add(node, value, answer)
        self._leader = group if self._leader is None else self._stronger(self._leader, group)

    def winner(self) -> Node:
        return self._best.winner() if self._leader is None else self.spokesman(self._leader)

    def _stronger(self, one: AnswerClass, other: AnswerClass) -> AnswerClass:
        mine, theirs = self.strength(one), self.strength(other)
        if mine != theirs:
            return one if mine > theirs else other
        return one if one.place <= other.place else other
