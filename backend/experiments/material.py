"""What the analyses of an experiment are made from: its cells, its pools, and how far its solutions
follow a right way."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from backend.core.statistics.intervals import Interval, accuracy_intervals
from backend.core.statistics.weights import Floats
from backend.experiments.cells import Cells, Repeats
from backend.experiments.costs import FREE, Prices
from backend.experiments.rules import Columns, SampledPool, credits_at_ks
from backend.experiments.spec import Experiment, cell_of

ACCEPTED_FROM = 0.5
"""Score from which a verifier counts as accepting, where it gives scores and not verdicts."""


class StoredSolution(NamedTuple):
    """A sample as the checker of steps sees it: steps written, index of the first wrong one,
    whether its answer is right."""

    steps: int
    first_wrong: int | None
    correct: bool


@dataclass(frozen=True)
class Material:
    """What analyses are made from: the description, cells by arm and budget, pools by problem (of
    the first pooled arm), their solutions, what searches answered by arm and budget and then by
    problem, the steps that each problem needs (absent: not known), tokens read and taken from the
    cache by arm, what one verification costs in solutions by pooled arm, and choices of the reader;
    `repeats` are the cells before their repeats are averaged, `prices` those that the costs of the
    cells are counted by.
    """

    experiment: Experiment
    cells: Cells
    pools: Mapping[str, SampledPool] = field(default_factory=dict)
    solutions: Mapping[str, Sequence[StoredSolution]] = field(default_factory=dict)
    answered: Mapping[tuple[str, float], Mapping[str, Sequence[StoredSolution]]] = field(
        default_factory=dict
    )
    needed: Mapping[str, int] = field(default_factory=dict)
    reading: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    verifying: Mapping[str, float] = field(default_factory=dict)
    repeats: Repeats = field(default_factory=dict)
    axis: str = "generated_tokens"
    prices: Prices = FREE
    threshold: float = ACCEPTED_FROM
    wrong_costs: float = 1.0

    @property
    def arms(self) -> list[str]:
        """The arms that have cells and that one could use, in the order of the description:
        coverage needs an oracle, and is left out."""
        present = {arm for arm, _ in self.cells}
        return [
            arm.name
            for arm in self.experiment.arms
            if arm.name in present and arm.selector != "coverage"
        ]

    @property
    def places(self) -> list[tuple[str, float]]:
        """These arms at their budgets."""
        return sorted(place for place in self.cells if place[0] in self.arms)

    @property
    def knows_costs(self) -> bool:
        """Whether any arm's cost is known on the axis: money is not without prices."""
        return any(
            math.isfinite(cell.costs[self.axis])
            for place in self.places
            for cell in self.cells[place].values()
        )

    @property
    def ks(self) -> list[int]:
        """Powers of two up to the smallest pool."""
        size = min((len(pool.right) for pool in self.pools.values()), default=0)
        return [2**power for power in range(size.bit_length()) if 2**power <= size]


def has_pools(material: Material) -> bool:
    """Whether there are samples to be chosen among."""
    return bool(material.pools)


def pool_curve(
    material: Material,
    credit: Callable[[Columns, Sequence[int]], Floats],
    problems: Sequence[str],
) -> list[Interval]:
    """A rule at every k, over some problems."""
    return accuracy_intervals(list(credits_of(material, credit, problems).T))


def credits_of(
    material: Material,
    credit: Callable[[Columns, Sequence[int]], Floats],
    problems: Sequence[str],
) -> Floats:
    """What a rule achieves at every k on each of some problems, shape (problems, K)."""
    return credits_at_ks(credit, [material.pools[each] for each in problems], material.ks)


def groups(problems: Mapping[str, object]) -> list[tuple[str, list[str]]]:
    """All problems, then those of each cell where there are several."""
    names = sorted(problems)
    cells = sorted({cell_of(problem) for problem in names})
    parts = (
        [(cell, [problem for problem in names if cell_of(problem) == cell]) for cell in cells]
        if len(cells) > 1
        else []
    )
    return [("all", names), *parts] if names else []


def finite(value: float) -> float | None:
    """The number, None where it has no end."""
    return float(value) if math.isfinite(value) else None


__all__ = [
    "ACCEPTED_FROM",
    "Material",
    "StoredSolution",
    "credits_of",
    "finite",
    "groups",
    "has_pools",
    "pool_curve",
]
