"""Votes by score: "best-of-N weighted" (Li et al. 2022, arXiv 2206.02336; Snell et al. 2024, arXiv
2408.03314) and two relatives.

With scores s_i and tau the temperature: `weighted` takes the class with the greatest sum of s_i,
`softmax` of exp(s_i / tau), `mean_score` that with the greatest mean of s_i.
"""

from __future__ import annotations

import math
from fractions import Fraction

from pydantic import Field

from backend.core.ports import Decision
from backend.core.registry import NoParams, Params
from backend.core.types import Node
from backend.judging.measures import Candidates, ClassOf, Measured, group_values
from backend.judging.rules import selector
from backend.judging.selectors.poll import Poll, by_class, stand_in, weigh
from backend.judging.selectors.vote import AnswerClass, Ballot, Vote


def measure_sums(pool: Candidates, of: ClassOf) -> Measured:
    groups = group_values(pool, of)
    return Measured("sum of scores", {node: math.fsum(groups[node]) for node in groups})


def measure_means(pool: Candidates, of: ClassOf) -> Measured:
    groups = group_values(pool, of)
    return Measured(
        "mean score", {node: math.fsum(groups[node]) / len(groups[node]) for node in groups}
    )


@selector("weighted", votes=True, measure=measure_sums)
class Weighted(Vote):
    """The best candidate of the class whose values add up to most; an unscored candidate adds 0.
    Ties go to the larger class, then to the one seen first, so that without any values this is the
    majority. Without any readable answer: `best`."""

    def strength(self, group: AnswerClass) -> tuple[Fraction, int]:
        return (group.weight, group.count)

    def spokesman(self, group: AnswerClass) -> Node:
        return group.best.winner()


class SoftmaxParams(Params):
    """Parameters of the softmax vote."""

    tau: float = Field(
        1.0,
        gt=0.0,
        le=1000.0,
        description="temperature: small, the best score decides; large, the majority; our choice",
    )


@selector("softmax", SoftmaxParams, votes=True)
class Softmax(Poll[SoftmaxParams, float | None]):
    """The class whose exp(value / tau) add up to most; an unscored candidate adds nothing, and
    where nothing is scored it is the majority."""

    def measure(self, ballot: Ballot) -> float | None:
        return ballot.value

    def count(self) -> Decision:
        top = max((value for value in self.measures if value is not None), default=None)
        if top is None:
            return weigh(self.ballots, [1.0] * len(self.ballots), self.classes)
        weights = [
            0.0 if value is None else math.exp((value - top) / self.params.tau)
            for value in self.measures
        ]
        return weigh(self.ballots, weights, self.classes)


@selector("mean_score", votes=True, measure=measure_means)
class MeanScore(Poll[NoParams, float | None]):
    """The class with the greatest mean value. A bad rule, kept to be shown: an answer given once,
    with a lucky score, beats one given often."""

    def measure(self, ballot: Ballot) -> float | None:
        return ballot.value

    def count(self) -> Decision:
        groups = by_class(
            self.ballots, [value is not None for value in self.measures], self.classes
        )
        if not groups:
            return stand_in(self.ballots)
        values = [value or 0.0 for value in self.measures]
        means = {
            name: math.fsum(values[place] for place in members) / len(members)
            for name, members in groups.items()
        }
        top = max(means.values())
        leaders = [
            max(members, key=values.__getitem__)
            for name, members in groups.items()
            if means[name] == top
        ]
        return Decision(
            tuple(self.ballots[place].node for place in leaders), None, {"classes": len(groups)}
        )
