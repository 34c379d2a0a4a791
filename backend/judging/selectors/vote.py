"""Candidates grouped by the answer they give: a class is all candidates with one answer.

Which answers are the same is decided by `backend.problems.classes`. A candidate without a readable
answer belongs to no class: it cannot be voted for. Where nobody has an answer, the rule `best`
stands in.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from typing import NamedTuple

from backend.core.ports import Classes, Decision
from backend.core.registry import Params
from backend.core.statistics.estimators import decimal
from backend.core.types import Node
from backend.judging.selectors.best import Best
from backend.problems.classes import AnswerClasses

NO_ANSWER = "no candidate has a readable answer: the best score stands in"


class Ballot(NamedTuple):
    """A finished candidate with its value and the answer read from it."""

    node: Node
    value: float | None
    answer: str | None


@dataclass(eq=False)
class AnswerClass:
    """Candidates with one answer: its name, the first of them, the place of the class in order of
    arrival, how many they are, the sum of their values (an unscored one adds 0), and the best of
    them."""

    answer: str
    first: Node
    place: int
    count: int = 0
    weight: Fraction = field(default_factory=Fraction)
    best: Best = field(default_factory=Best)


class Vote:
    """A tally over classes whose strength never falls when a candidate joins: so the leaders are
    compared with the one class that has just grown.

    The strongest class wins, among equals the one seen first. Counts anew only where two classes
    turn out to be one.
    """

    def __init__(self, params: Params | None = None, classes: Classes | None = None) -> None:
        self._classes: Classes = AnswerClasses() if classes is None else classes
        self._ballots: list[Ballot] = []
        self._best = Best()
        self._start()

    def _start(self) -> None:
        self._groups: dict[str, AnswerClass] = {}
        self._leaders: list[AnswerClass] = []
        self._changes = self._classes.changes

    def strength(self, group: AnswerClass) -> tuple[Fraction, int]:
        """What classes are compared by; grows when a candidate joins."""
        raise NotImplementedError

    def spokesman(self, group: AnswerClass) -> Node:
        """The member that stands for the class."""
        return group.first

    def share(self, leader: AnswerClass) -> float | None:
        """The leader's part of all that was given to classes."""
        parts = [self.strength(group)[0] for group in self._groups.values()]
        return float(self.strength(leader)[0] / sum(parts)) if any(parts) else None

    @property
    def classes(self) -> list[AnswerClass]:
        """In order of arrival."""
        self._follow()
        return list(self._groups.values())

    def add(self, node: Node, value: float | None, answer: str | None) -> None:
        ballot = Ballot(node, value, answer)
        self._ballots.append(ballot)
        self._best.add(*ballot)
        self._count(ballot)

    def winner(self) -> Node:
        self._follow()
        return (
            self.spokesman(min(self._leaders, key=lambda group: group.place))
            if self._leaders
            else self._best.winner()
        )

    def decision(self) -> Decision:
        self._follow()
        if not self._leaders:
            return self._best.decision()._replace(confidence=None, facts={"fallback": NO_ANSWER})
        leaders = sorted(self._leaders, key=lambda group: group.place)
        return Decision(
            tuple(map(self.spokesman, leaders)),
            self.share(leaders[0]),
            {"classes": len(self._groups)},
        )

    def _count(self, ballot: Ballot) -> None:
        name = self._classes.of(ballot.answer)
        if name is None:
            return
        group = self._groups.setdefault(name, AnswerClass(name, ballot.node, len(self._groups)))
        group.count += 1
        group.weight += decimal(ballot.value)
        group.best.add(*ballot)
        top = self.strength(self._leaders[0]) if self._leaders else None
        if top is None or group in self._leaders or self.strength(group) > top:
            self._leaders = [group]
        elif self.strength(group) == top:
            self._leaders.append(group)

    def _follow(self) -> None:
        """Count anew where classes have become one."""
        if self._changes != self._classes.changes:
            self._start()
            for ballot in self._ballots:
                self._count(ballot)
