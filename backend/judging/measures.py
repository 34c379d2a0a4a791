"""What a final rule goes by, as one number a candidate, so that a reader can lay the winner's
beside that of a right answer it passed over. A selector is registered with its measure; those that
several share are here."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeAlias

from backend.core.types import Node

Candidates: TypeAlias = Sequence[tuple[Node, float | None]]
"""Candidates with the values that they are ranked by, in order of finishing."""
ClassOf: TypeAlias = Callable[[Node], str | None]
"""The class of answers of a candidate; None where it gives none."""


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


Measure: TypeAlias = Callable[[Candidates, ClassOf], Measured]


def count_votes(pool: Candidates, of: ClassOf) -> Measured:
    """How many candidates give the answer: for the votes that no single number tells better."""
    return Measured(
        "votes", {node: float(len(values)) for node, values in group_values(pool, of).items()}
    )


def group_values(pool: Candidates, of: ClassOf) -> dict[Node, list[float]]:
    """For each candidate the values of all that give its answer, an unscored one counting 0."""
    groups: dict[str, list[float]] = {}
    for node, value in pool:
        if (name := of(node)) is not None:
            groups.setdefault(name, []).append(value or 0.0)
    return {
        node: groups[name] if (name := of(node)) is not None else [value or 0.0]
        for node, value in pool
    }


__all__ = ["Candidates", "ClassOf", "Measure", "Measured", "count_votes", "group_values"]
