"""Rules by length: reasoning models are right more often where they are brief.

`first` and `shortest` are first finish search on finished candidates (Agarwal et al. 2025, arXiv
2505.18149; the two agree where texts grow in lockstep), `shortest_vote` its generalisation FFS-k@N,
a vote among the k shortest, or LFS-k@N among the longest. `shortest_vote` and `length_weighted` are
rules after Think Deep, Think Fast (arXiv 2504.14047). Where a model does not think at length, short
is no sign of right.

A text that a limit cut off has no length of its own: it takes no part while there are others.
"""

from __future__ import annotations

import math
from typing import Literal

from pydantic import Field

from backend.core.ports import Classes, Decision
from backend.core.registry import NoParams, Params
from backend.core.types import Node
from backend.judging.measures import Candidates, ClassOf, Measured
from backend.judging.rules import selector
from backend.judging.selectors.path import Size, comparable, lengths, size
from backend.judging.selectors.poll import Poll, weigh
from backend.judging.selectors.vote import Ballot


def measure_places(pool: Candidates, of: ClassOf) -> Measured:
    return Measured(
        "place in order of finishing",
        {node: float(place) for place, (node, _) in enumerate(pool, 1)},
        least=True,
    )


def measure_lengths(pool: Candidates, of: ClassOf) -> Measured:
    return Measured("tokens", {node: float(size(node).tokens) for node, _ in pool}, least=True)


@selector("first", measure=measure_places)
class First:
    """The candidate that finished first, whatever it says."""

    def __init__(self, params: NoParams | None = None, classes: Classes | None = None) -> None:
        self._first: Node | None = None

    def add(self, node: Node, value: float | None, answer: str | None) -> None:
        self._first = self._first or node

    def winner(self) -> Node:
        assert self._first is not None, "a tally without candidates has no winner"
        return self._first

    def decision(self) -> Decision:
        return Decision((self.winner(),))


@selector("shortest", measure=measure_lengths)
class Shortest(Poll[NoParams, Size]):
    """The candidate with the fewest tokens, ties to the earliest; one that was cut off only where
    all were."""

    def measure(self, ballot: Ballot) -> Size:
        return size(ballot.node)

    def count(self) -> Decision:
        length, counts = lengths(self.measures), comparable(self.measures)
        least = min(one for one, own in zip(length, counts, strict=True) if own)
        tied = [
            ballot.node
            for ballot, one, own in zip(self.ballots, length, counts, strict=True)
            if own and one == least
        ]
        return Decision(tuple(tied), None, {"length": least})


class ShortestVoteParams(Params):
    """Parameters of the vote of the shortest."""

    m: int | None = Field(
        None, ge=1, le=4096, description="candidates that vote; absent: half of them, our choice"
    )
    end: Literal["shortest", "longest"] = Field(
        "shortest",
        description="which end of the lengths votes: shortest is FFS-k@N, longest LFS-k@N",
    )


@selector("shortest_vote", ShortestVoteParams, votes=True)
class ShortestVote(Poll[ShortestVoteParams, Size]):
    """The majority among the m shortest candidates (or longest); of equally long ones the earlier
    vote. Those without an answer take a place."""

    def measure(self, ballot: Ballot) -> Size:
        return size(ballot.node)

    def count(self) -> Decision:
        sign = 1 if self.params.end == "shortest" else -1
        length, counts = lengths(self.measures), comparable(self.measures)
        order = sorted(
            (place for place, own in enumerate(counts) if own),
            key=lambda place: sign * length[place],
        )
        voters = set(order[: self.params.m or max(1, len(order) // 2)])
        return weigh(
            self.ballots,
            [1.0 if place in voters else None for place in range(len(self.ballots))],
            self.classes,
        )


class LengthWeightedParams(Params):
    """Parameters of the vote by length."""

    slope: float = Field(
        1.0,
        ge=-10.0,
        le=10.0,
        description=(
            "lambda in exp(-lambda z), z standard deviations above the mean length; our choice"
        ),
    )


@selector("length_weighted", LengthWeightedParams, votes=True)
class LengthWeighted(Poll[LengthWeightedParams, Size]):
    """Each candidate votes with exp(-lambda z), where z is its length in standard deviations from
    the mean of all that vote."""

    def measure(self, ballot: Ballot) -> Size:
        return size(ballot.node)

    def count(self) -> Decision:
        length, counts = lengths(self.measures), comparable(self.measures)
        own = [one for one, counted in zip(length, counts, strict=True) if counted]
        mean = math.fsum(own) / len(own)
        spread = math.sqrt(math.fsum((one - mean) ** 2 for one in own) / len(own)) or 1.0
        weights = [
            math.exp(-self.params.slope * (one - mean) / spread) if counted else None
            for one, counted in zip(length, counts, strict=True)
        ]
        return weigh(self.ballots, weights, self.classes)
