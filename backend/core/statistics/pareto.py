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
    found = float(costs_at(paid[None], got[None], accuracy)[0])
    return None if math.isnan(found) else found


def costs_at(costs: Floats, accuracies: Floats, accuracy: float) -> Floats:
    """`cost_at` of many curves of shape (curves, budgets), in any order of costs: of equal costs
    the most accurate counts, and one that is not known or not above 0 has no place on a logarithmic
    axis. NaN where `cost_at` is None; shape (curves,)."""
    if not costs.shape[1]:
        return np.full(len(costs), np.nan)
    there = np.isfinite(costs) & (costs > 0.0)
    paid, got = np.where(there, costs, np.inf), np.where(there, accuracies, -np.inf)
    order = np.lexsort((-got, paid), axis=1)
    with np.errstate(invalid="ignore"):  # infinite costs lie behind what is asked for
        x = np.log(np.take_along_axis(paid, order, 1))
        y = np.maximum.accumulate(np.take_along_axis(got, order, 1), axis=1)
        row, at = np.arange(len(x)), (y >= accuracy).argmax(axis=1)
        before = np.maximum(at - 1, 0)
        high, low, right, left = y[row, at], y[row, before], x[row, at], x[row, before]
        share = np.where(at > 0, (accuracy - low) / np.where(at > 0, high - low, 1.0), 0.0)
        found = np.exp(np.where(at > 0, left + share * (right - left), right))
    known = (y[:, -1] >= accuracy) & (y[:, 0] <= accuracy) & there.any(axis=1)
    return np.where(known, found, np.nan)


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
    paid, compared = (CostCurve(*(rows.mean(1)[None] for rows in each)) for each in (one, other))
    value = float(cost_ratios(paid, compared, accuracy)[0])
    paid, compared = (
        CostCurve(*(resample_means(rows, draws, seed) for rows in each)) for each in (one, other)
    )
    drawn = cost_ratios(paid, compared, accuracy)
    known = drawn[~np.isnan(drawn)]
    if math.isnan(value) or not len(known):
        return Ratio(accuracy, UNKNOWN, len(known) / draws)
    low, high = np.quantile(known, (0.025, 0.975))
    return Ratio(accuracy, Interval(value, float(low), float(high)), len(known) / draws)


class CostCurve(NamedTuple):
    """An arm at rising budgets: what each problem cost and what credit it got, both of shape
    (budgets, problems)."""

    costs: Floats
    accuracies: Floats


def cost_ratios(one: CostCurve, other: CostCurve, accuracy: float) -> Floats:
    """What the other pays over what the one pays for the accuracy, by draws of the problems: both
    have the shape (draws, budgets). NaN where one of them does not reach it."""
    paid, compared = (costs_at(*curve, accuracy) for curve in (one, other))
    return compared / paid


__all__ = [
    "CostCurve",
    "CostPoint",
    "Ratio",
    "cost_at",
    "cost_ratio",
    "costs_at",
    "frontier",
    "hull",
    "knee",
    "on_frontier",
]
