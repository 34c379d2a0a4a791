"""The model's own probability of what it wrote as final rule: RPC and its two halves (Zhou et al.
2025, arXiv 2510.15444).

p_i = exp(mean log-probability a token) of solution i, over all tokens sampled on its path: the
inverse of its perplexity, normalised for length.

- `perplexity`: the solution with the greatest p_i;
- `perplexity_consistency`: for each answer the sum of p_i over its *distinct* solutions; the
  greatest sum wins;
- `rpc`: the same after reasoning pruning. A mixture of two Weibull distributions is fitted to all
  p_i; solution i is dropped if it belongs to the component with the smaller mean (chance of the
  other below 1/2) *and* p_i is below the mean of all. The second condition keeps a good solution
  that the fit got wrong.

Log-probabilities are those the engine reports, of the model before temperature and truncation: with
a temperature other than 1, or with a truncated distribution, p_i is not the chance by which a
solution was drawn.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from pydantic import Field

from backend.core.ports import Decision
from backend.core.registry import NoParams, Params
from backend.core.statistics.weibull import Mixture, fit
from backend.core.types import JSON
from backend.judging.measures import Candidates, ClassOf, Measured
from backend.judging.rules import selector
from backend.judging.selectors.path import probability
from backend.judging.selectors.poll import Poll, add_facts, weigh
from backend.judging.selectors.vote import Ballot

NO_LOGPROBS = "no candidate has log-probabilities: a majority vote stands in"


class PathLikelihood(NamedTuple):
    """What these rules know of a candidate: p_i in (0, 1], None where nothing was sampled, and the
    whole text."""

    probability: float | None
    text: str


def measure_probabilities(pool: Candidates, of: ClassOf) -> Measured:
    return Measured("mean probability of a token", {node: probability(node) for node, _ in pool})


@selector("perplexity", needs=("logprobs",), measure=measure_probabilities)
class Perplexity(Poll[NoParams, float | None]):
    """The candidate with the greatest mean log-probability a token; one without log-probabilities
    only where none has them. Ties go to the earliest."""

    def measure(self, ballot: Ballot) -> float | None:
        return probability(ballot.node)

    def count(self) -> Decision:
        top = max((p for p in self.measures if p is not None), default=None)
        return Decision(
            tuple(
                ballot.node
                for ballot, p in zip(self.ballots, self.measures, strict=True)
                if p == top
            ),
            top,
        )


@selector("perplexity_consistency", votes=True, needs=("logprobs",))
class PerplexityConsistency(Poll[NoParams, PathLikelihood]):
    """The answer whose distinct solutions have the greatest sum of probabilities; the same text
    counts once, however often it was drawn."""

    def measure(self, ballot: Ballot) -> PathLikelihood:
        return PathLikelihood(probability(ballot.node), ballot.node.solution_text())

    def count(self) -> Decision:
        return consistent(self, [True] * len(self.ballots))


class RpcParams(Params):
    """Parameters of RPC."""

    fewest: int = Field(
        8,
        ge=2,
        le=4096,
        description=(
            "below this number of solutions nothing is pruned; our choice, a fit to fewer "
            "says little"
        ),
    )


@selector("rpc", RpcParams, votes=True, needs=("logprobs",))
class Rpc(Poll[RpcParams, PathLikelihood]):
    """Perplexity consistency after reasoning pruning: solutions that a Weibull mixture calls
    unlikely, and whose probability is below the mean, do not vote. Nothing is pruned where there
    are too few solutions, where all are equally likely, where the fit fails, or where nothing with
    a readable answer would be left."""

    def measure(self, ballot: Ballot) -> PathLikelihood:
        return PathLikelihood(probability(ballot.node), ballot.node.solution_text())

    def count(self) -> Decision:
        everyone = [True] * len(self.ballots)
        known = [path.probability for path in self.measures if path.probability is not None]
        if len(known) < self.params.fewest:
            return add_facts(
                consistent(self, everyone), pruned=0, unpruned_because="too few solutions"
            )
        mixture = fit(known)
        if mixture is None:
            return add_facts(
                consistent(self, everyone),
                pruned=0,
                unpruned_because="all are equally likely, or no mixture fits",
            )
        found: dict[str, JSON] = {
            "weight": mixture.weight,
            "first": list(mixture.first),
            "second": list(mixture.second),
        }
        kept = survivors(self.measures, mixture, math.fsum(known) / len(known))
        voters = (
            ballot
            for keep, path, ballot in zip(kept, self.measures, self.ballots, strict=True)
            if keep and path.probability is not None
        )
        if not any(self.classes.of(ballot.answer) for ballot in voters):
            return add_facts(
                consistent(self, everyone),
                pruned=0,
                unpruned_because="nothing with an answer would be left",
                mixture=found,
            )
        return add_facts(consistent(self, kept), pruned=kept.count(False), mixture=found)


def survivors(paths: Sequence[PathLikelihood], mixture: Mixture, mean: float) -> list[bool]:
    """Who is left after pruning: both conditions have to hold to drop a path. One without
    probability is left, and has nothing to give."""
    values = np.array([mean if path.probability is None else path.probability for path in paths])
    unlikely = (mixture.posterior(values) < 0.5) & (values < mean)
    return [not drop for drop in unlikely.tolist()]


def consistent(
    poll: Poll[NoParams, PathLikelihood] | Poll[RpcParams, PathLikelihood], kept: Sequence[bool]
) -> Decision:
    """The vote of the paths that are kept, by probability; of paths with the same text only the
    likeliest votes."""
    if all(path.probability is None for path in poll.measures):
        return add_facts(weigh(poll.ballots, [1.0] * len(kept), poll.classes), fallback=NO_LOGPROBS)
    weights = [
        path.probability if keep else None for path, keep in zip(poll.measures, kept, strict=True)
    ]
    voter: dict[str, int] = {}
    for place, path in enumerate(poll.measures):
        if weights[place] is not None:
            earlier = voter.get(path.text)
            if earlier is None or (weights[place] or 0.0) > (weights[earlier] or 0.0):
                voter[path.text] = place
    voters = set(voter.values())
    return weigh(
        poll.ballots,
        [weight if place in voters else None for place, weight in enumerate(weights)],
        poll.classes,
    )
