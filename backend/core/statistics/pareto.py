"""What accuracy costs: which arms nobody beats, what a given accuracy costs, and how many times
dearer one arm is than another.

A point is a cost (on any axis, above 0) with an accuracy. It lies on the Pareto frontier where no
other point is at most as dear and at least as accurate, and better in one of the two. Between two
measured budgets accuracy is taken to be linear in the logarithm of the cost; beyond the measured
budgets nothing is said. Curves that fall (more samples under an imperfect verifier) are read as
what was reached so far: at this budget or a smaller one.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from backend.core.errors import BadInput
from backend.core.statistics.intervals import DRAWS, UNKNOWN, Interval, resample_means
from backend.core.statistics.weights import Floats, FloatsLike


class CostPoint(NamedTuple):
    """What an arm costs at a budget, and how accurate it is."""

    cost: float
    accuracy: float


def frontier(points: Sequence[CostPoint]) -> list[int]:
    """The indices of the points that no other beats, by rising cost; of equal points the first."""
    found: list[int] = []
    for index in sorted(range(len(points)), key=lambda i: (points[i].cost, -points[i].accuracy, i)):
        if not found or points[index].accuracy > points[found[-1]].accuracy:
            found.append(index)
    return found


def hull(points: Sequence[CostPoint]) -> list[int]:
    """The indices of the frontier's upper concave hull, by rising cost: what tossing a coin between
    two arms reaches, in cost itself."""
    kept: list[int] = []
    for index in frontier(points):
        while len(kept) > 1 and _slope(points[kept[-2]], points[kept[-1]]) <= _slope(
            points[kept[-1]], points[index]
        ):
            kept.pop()
        kept.append(index)
    return kept


def _slope(one: CostPoint, other: CostPoint) -> float:
    return (other.accuracy - one.accuracy) / (other.cost - one.cost)


def knee(points: Sequence[CostPoint]) -> int | None:
    """The frontier's point farthest above the chord from its cheapest to its dearest, costs by
    logarithm; None with fewer than three."""
    at = frontier(points)
    if len(at) < 3:
        return None
    x = np.log([points[i].cost for i in at])
    y = np.asarray([points[i].accuracy for i in at])
    above = y - (y[0] + (y[-1] - y[0]) * (x - x[0]) / (x[-1] - x[0]))
    best = int(above.argmax())
    return at[best] if above[best] > 0 else None


def on_frontier(costs: Floats, accuracies: Floats, draws: int = DRAWS, seed: int = 0) -> Floats:
    """The share of draws of problems in which each arm is on the frontier. `costs` and
    `accuracies`: shape (arms, problems); returns shape (arms,)."""
    if costs.shape != accuracies.shape or costs.ndim != 2:
        raise BadInput(
            "costs and accuracies",
            given=f"{costs.shape} and {accuracies.shape}",
            accepted="shape (arms, problems) both",
        )
    seen = np.zeros(len(costs))
    for cost, accuracy in zip(
        resample_means(costs, draws, seed), resample_means(accuracies, draws, seed), strict=True
    ):
        seen[
            frontier([CostPoint(float(c), float(a)) for c, a in zip(cost, accuracy, strict=True)])
        ] += 1
    return np.asarray(seen / draws, dtype=np.float64)


def cost_at(costs: FloatsLike, accuracies: FloatsLike, accuracy: float) -> float | None:
    """What an arm's curve pays for `accuracy`: the least cost at which it has been reached, on the
    curve of what was reached so far. None where it never is, and where the cheapest point is above
    it already, because nothing was measured there.

    `costs`, above 0 and rising, and `accuracies` have one entry a budget.
    """
    paid, got = np.asarray(costs, dtype=np.float64), np.asarray(accuracies, dtype=np.float64)
    known = len(paid) and bool(np.all(paid > 0.0) and np.all(np.isfinite(paid)))
    if len(paid) != len(got) or not known or np.any(np.diff(paid) <= 0) or np.isnan(got).any():
        raise BadInput(
            "curve",
            given=f"costs {list(costs)} for {len(got)} accuracies",
            accepted="rising costs above 0, one accuracy each, at least one",
        )
    x, y = np.log(paid), np.maximum.accumulate(got)
    if y[0] > accuracy:
        return None
    for at in range(len(x)):
        if y[at] >= accuracy:
            if at == 0:
                return float(np.exp(x[0]))
            share = (accuracy - y[at - 1]) / (y[at] - y[at - 1])
            return float(np.exp(x[at - 1] + share * (x[at] - x[at - 1])))
    return None


class Ratio(NamedTuple):
    """How many times what `one` pays the `other` pays for the same accuracy, with its interval, and
    the share of draws in which both reach it: an interval says nothing of the others."""

    accuracy: float
    ratio: Interval
    known: float


def cost_ratio(
    one: CostCurve, other: CostCurve, accuracy: float, draws: int = DRAWS, seed: int = 0
) -> Ratio:
    """The cost of the other over the cost of the one at `accuracy`; problems are drawn again for
    both at once."""
    if one.costs.shape[-1] != other.costs.shape[-1]:
        raise BadInput(
            "curves",
            given=f"{one.costs.shape[-1]} and {other.costs.shape[-1]} problems",
            accepted="the same problems",
        )
    value = _ratio(
        one.costs.mean(1),
        one.accuracies.mean(1),
        other.costs.mean(1),
        other.accuracies.mean(1),
        accuracy,
    )
    columns = [
        resample_means(rows, draws, seed)
        for rows in (one.costs, one.accuracies, other.costs, other.accuracies)
    ]
    drawn = [
        _ratio(paid, got, compared, gave, accuracy)
        for paid, got, compared, gave in zip(*columns, strict=True)
    ]
    known = [each for each in drawn if not math.isnan(each)]
    if math.isnan(value) or not known:
        return Ratio(accuracy, UNKNOWN, len(known) / draws)
    low, high = np.quantile(known, (0.025, 0.975))
    return Ratio(accuracy, Interval(value, float(low), float(high)), len(known) / draws)


class CostCurve(NamedTuple):
    """An arm at rising budgets: what each problem cost and what credit it got, both of shape
    (budgets, problems)."""

    costs: Floats
    accuracies: Floats


def _ratio(
    one_costs: Floats, one: Floats, other_costs: Floats, other: Floats, accuracy: float
) -> float:
    paid, compared = (
        cost_at(*points, accuracy) if len(points[0]) else None
        for points in (rising(one_costs, one), rising(other_costs, other))
    )
    return math.nan if paid is None or compared is None else compared / paid


def rising(costs: Floats, values: Floats) -> tuple[Floats, Floats]:
    """The points of a curve by rising cost, of equal costs the most accurate; those whose cost is
    not known or 0 have no place on a logarithmic axis."""
    there = np.flatnonzero(np.isfinite(costs) & (costs > 0.0))
    order = there[np.lexsort((-values[there], costs[there]))]
    _, first = np.unique(costs[order], return_index=True)
    return costs[order][first], values[order][first]


__all__ = [
    "CostCurve",
    "CostPoint",
    "Ratio",
    "cost_at",
    "cost_ratio",
    "frontier",
    "hull",
    "knee",
    "on_frontier",
]
