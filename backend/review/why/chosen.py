"""By what a final rule measured its candidates, so far as one number tells it: the winner's against
that of a right answer it passed over."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple, TypeAlias

from backend.core.types import Node
from backend.judging.selectors.path import probability, size
from backend.review.reselect import Ranked

Class: TypeAlias = Callable[[Node], str | None]
Pool: TypeAlias = Sequence[Ranked]
VOTES = "votes"


class Measured(NamedTuple):
    """What a rule goes by, and how much of it each candidate has; None: nothing. `least`: the least
    wins."""

    name: str
    worth: dict[Node, float | None]
    least: bool = False

    def strongest(self, nodes: Sequence[Node]) -> Node:
        """The one that came nearest to winning, the earliest among equals."""

        def rank(node: Node) -> float:
            worth = self.worth[node]
            return -math.inf if worth is None else -worth if self.least else worth

        return max(nodes, key=rank)


def _scores(pool: Pool, of: Class) -> Measured:
    return Measured("score", {one.node: one.value for one in pool})


def _probabilities(pool: Pool, of: Class) -> Measured:
    return Measured(
        "mean probability of a token", {one.node: probability(one.node) for one in pool}
    )


def _lengths(pool: Pool, of: Class) -> Measured:
    return Measured("tokens", {one.node: float(size(one.node).tokens) for one in pool}, least=True)


def _places(pool: Pool, of: Class) -> Measured:
    return Measured(
        "place in order of finishing",
        {one.node: float(place) for place, one in enumerate(pool, 1)},
        least=True,
    )


def _votes(pool: Pool, of: Class) -> Measured:
    return Measured(
        VOTES, {node: float(len(values)) for node, values in _classes(pool, of).items()}
    )


def _sums(pool: Pool, of: Class) -> Measured:
    return Measured(
        "sum of scores", {node: math.fsum(values) for node, values in _classes(pool, of).items()}
    )


def _means(pool: Pool, of: Class) -> Measured:
    return Measured(
        "mean score",
        {node: math.fsum(values) / len(values) for node, values in _classes(pool, of).items()},
    )


def _classes(pool: Pool, of: Class) -> dict[Node, list[float]]:
    """For each candidate the scores of all that give its answer, an unscored one counting 0."""
    groups: dict[str, list[float]] = {}
    for one in pool:
        if (name := of(one.node)) is not None:
            groups.setdefault(name, []).append(one.value or 0.0)
    return {
        one.node: groups[name] if (name := of(one.node)) is not None else [one.value or 0.0]
        for one in pool
    }


MEASURES: Mapping[str, Callable[[Pool, Class], Measured]] = MappingProxyType(
    {
        "best": _scores,
        "perplexity": _probabilities,
        "shortest": _lengths,
        "first": _places,
        "weighted": _sums,
        "mean_score": _means,
    }
)


def measure_by(rule: str, pool: Pool, classes: Class) -> Measured:
    """What `rule` goes by. Of a rule that no single number tells (the other votes) it is how many
    candidates give the answer."""
    return MEASURES.get(rule, _votes)(pool, classes)
