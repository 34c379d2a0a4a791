"""Rules that look at all candidates at once, and what they share: a vote with weights.

Such a rule may change its mind about old candidates whenever one comes in (a share is pruned, the
shorter half is kept), so it is counted when it is asked, at most once for every candidate. What it
needs to know of a candidate is measured once, when the candidate comes in.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Generic, TypeVar

from backend.core.ports import Classes, Decision
from backend.core.registry import Params
from backend.core.types import JSON, Node
from backend.judging.selectors.best import Best
from backend.judging.selectors.vote import NO_ANSWER, Ballot
from backend.problems.classes import AnswerClasses

P = TypeVar("P", bound=Params)
M = TypeVar("M")


class Poll(Generic[P, M]):
    """A tally that keeps all its candidates. A rule says in `measured` what it wants to know of
    each, and in `counted` who wins."""

    def __init__(self, params: P, classes: Classes | None = None) -> None:
        self.params = params
        self.classes: Classes = AnswerClasses() if classes is None else classes
        self.ballots: list[Ballot] = []
        self.measures: list[M] = []
        self._decision: Decision | None = None
        self._changes = self.classes.changes

    def measure(self, ballot: Ballot) -> M:
        """What the rule wants to know of a candidate."""
        raise NotImplementedError

    def count(self) -> Decision:
        """Who wins among `ballots`, of which there is at least one."""
        raise NotImplementedError

    def add(self, node: Node, value: float | None, answer: str | None) -> None:
        self.ballots.append(Ballot(node, value, answer))
        self.measures.append(self.measure(self.ballots[-1]))
        self._decision = None

    def winner(self) -> Node:
        return self.decision().leaders[0]

    def decision(self) -> Decision:
        if self._decision is None or self._changes != self.classes.changes:
            self._decision, self._changes = self.count(), self.classes.changes
        return self._decision


def by_class(
    ballots: Sequence[Ballot], taking_part: Sequence[bool], classes: Classes
) -> dict[str, list[int]]:
    """The places of the candidates that take part and have an answer, by class, classes in order of
    arrival."""
    groups: dict[str, list[int]] = {}
    for place, ballot in enumerate(ballots):
        if taking_part[place] and (name := classes.of(ballot.answer)) is not None:
            groups.setdefault(name, []).append(place)
    return groups


def weigh(ballots: Sequence[Ballot], weights: Sequence[float | None], classes: Classes) -> Decision:
    """The vote in which each candidate gives its weight, at least 0, to its class; None takes no
    part. The heaviest class wins.

    A class is spoken for by its heaviest member, the earliest among equals. Sums are rounded once,
    so that they do not depend on the order.
    """
    groups = by_class(ballots, [weight is not None for weight in weights], classes)
    if not groups:
        return stand_in(ballots)
    given = [weight or 0.0 for weight in weights]
    sums = {name: math.fsum(given[place] for place in members) for name, members in groups.items()}
    top, total = max(sums.values()), math.fsum(sums.values())
    leaders = [
        max(members, key=given.__getitem__) for name, members in groups.items() if sums[name] == top
    ]
    return Decision(
        tuple(ballots[place].node for place in leaders),
        top / total if total > 0.0 else None,
        {"classes": len(groups)},
    )


def stand_in(ballots: Sequence[Ballot]) -> Decision:
    """The rule `best`, for candidates of which none has an answer."""
    best = Best()
    for ballot in ballots:
        best.add(*ballot)
    return best.decision()._replace(confidence=None, facts={"fallback": NO_ANSWER})


def add_facts(decision: Decision, **facts: JSON) -> Decision:
    """The decision with further facts."""
    return decision._replace(facts={**decision.facts, **facts})
