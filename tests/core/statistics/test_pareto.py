"""Costs and accuracies: frontier, hull, knee, and what an accuracy costs."""

from __future__ import annotations

import math

import numpy as np
import pytest

from backend.core.errors import BadInput
from backend.core.statistics.pareto import (
    CostCurve,
    CostPoint,
    cost_at,
    cost_ratio,
    costs_at,
    frontier,
    hull,
    knee,
    on_frontier,
)

POINTS = [
    CostPoint(1, 0.2),
    CostPoint(2, 0.5),
    CostPoint(4, 0.5),
    CostPoint(4, 0.6),
    CostPoint(8, 0.55),
    CostPoint(16, 0.9),
    CostPoint(1, 0.1),
]


def test_the_frontier_holds_what_nobody_beats() -> None:
    beaten = {
        i
        for i, one in enumerate(POINTS)
        for j, other in enumerate(POINTS)
        if i != j
        and other.cost <= one.cost
        and other.accuracy >= one.accuracy
        and (other != one or j < i)
    }
    assert (
        frontier(POINTS)
        == [0, 1, 3, 5]
        == [i for i in sorted(range(len(POINTS)), key=lambda i: POINTS[i].cost) if i not in beaten]
    )
    assert frontier([CostPoint(1, 0.5), CostPoint(1, 0.5)]) == [0]
    assert frontier([]) == []


def test_the_hull_leaves_out_what_a_coin_between_its_neighbours_beats() -> None:
    assert hull(POINTS) == [0, 1, 3, 5]
    assert hull([CostPoint(1, 0.0), CostPoint(2, 0.5), CostPoint(3, 1.0)]) == [0, 2]
    mixed = 0.5 + (0.9 - 0.5) * (4 - 2) / (16 - 2)
    assert hull([CostPoint(2, 0.5), CostPoint(4, mixed - 1e-6), CostPoint(16, 0.9)]) == [0, 2]
    assert hull([CostPoint(2, 0.5), CostPoint(4, mixed + 1e-6), CostPoint(16, 0.9)]) == [0, 1, 2]


def test_the_knee_is_farthest_above_the_chord() -> None:
    assert knee([CostPoint(1, 0.0), CostPoint(10, 0.8), CostPoint(100, 1.0)]) == 1
    assert knee([CostPoint(1, 0.0), CostPoint(10, 0.5), CostPoint(100, 1.0)]) is None
    assert knee([CostPoint(1, 0.0), CostPoint(10, 0.8)]) is None


def test_an_accuracy_is_paid_for_by_the_cheapest_budget_that_reaches_it() -> None:
    assert cost_at([1, 4, 16], [0.2, 0.4, 0.8], 0.4) == pytest.approx(4.0)
    # half-way in the logarithm
    assert cost_at([1, 4, 16], [0.2, 0.4, 0.8], 0.6) == pytest.approx(8.0)
    # the curve fell later on
    assert cost_at([1, 4, 16], [0.2, 0.8, 0.4], 0.5) == pytest.approx(2.0)
    assert cost_at([1, 4, 16], [0.2, 0.4, 0.8], 0.9) is None
    assert cost_at([1, 4, 16], [0.2, 0.4, 0.8], 0.1) is None
    assert cost_at([2], [0.5], 0.5) == pytest.approx(2.0)
    with pytest.raises(BadInput, match="rising costs"):
        cost_at([4, 1], [0.2, 0.4], 0.3)


def curve(scale: float, problems: int = 40) -> CostCurve:
    """An arm that pays `scale` times as much for the same accuracies, problems by turns easy and
    hard."""
    budgets = np.array([1.0, 4.0, 16.0])[:, None] * np.ones(problems) * scale
    easy = np.arange(problems) % 2
    return CostCurve(budgets, np.stack([0.2 * easy, 0.8 * easy, 0.8 * easy + 0.4 * (1 - easy)]))


def test_the_ratio_of_an_arm_that_pays_three_times_as_much_is_three() -> None:
    found = cost_ratio(curve(1.0), curve(3.0), 0.3, draws=300)
    assert found.ratio.value == pytest.approx(3.0) and found.known > 0.9
    assert (found.ratio.low, found.ratio.high) == (pytest.approx(3.0), pytest.approx(3.0))
    nowhere = cost_ratio(curve(1.0), curve(3.0), 0.95, draws=50)
    assert math.isnan(nowhere.ratio.value) and nowhere.known == 0.0
    with pytest.raises(BadInput, match="the same problems"):
        cost_ratio(curve(1.0), curve(1.0, problems=10), 0.3)


def test_an_arm_that_is_always_beaten_is_never_on_the_frontier_and_a_rival_sometimes() -> None:
    costs = np.array([[1.0] * 6, [2.0] * 6, [3.0] * 6])
    accuracies = np.array([[1, 0, 1, 0, 0, 0], [0, 1, 0, 1, 0, 1], [0, 0, 0, 0, 0, 0]], dtype=float)
    shares = on_frontier(costs, accuracies, draws=500)
    assert shares[0] == 1.0 and 0.3 < shares[1] < 1.0 and shares[2] == 0.0


def test_a_curve_that_falls_is_read_as_what_was_reached_so_far() -> None:
    costs, fallen = [1.0, 10.0, 100.0, 1000.0], [0.2, 0.5, 0.1, 0.7]
    assert cost_at(costs, fallen, 0.5) == pytest.approx(10.0)
    # between .5, which the budget of 100 can still have, and .7
    assert cost_at(costs, fallen, 0.6) == pytest.approx(10**2.5)
    assert cost_at(costs, [0.2, 0.5, 0.5, 0.7], 0.6) == pytest.approx(10**2.5)
    paid = [
        found for share in np.linspace(0.2, 0.7, 21) if (found := cost_at(costs, fallen, share))
    ]
    assert paid == sorted(paid)


@pytest.mark.parametrize("costs", [[0.0, 1.0], [-1.0, 1.0], [1.0, math.nan], [2.0, 2.0], []])
def test_costs_without_a_logarithm_are_refused(costs: list[float]) -> None:
    with pytest.raises(BadInput, match="above 0"):
        cost_at(costs, [0.1, 0.5][: len(costs)], 0.3)


def test_of_budgets_that_cost_the_same_the_better_one_counts() -> None:
    one = CostCurve(
        np.array([[1.0] * 2, [1.0] * 2, [4.0] * 2]), np.array([[0.1] * 2, [0.3] * 2, [0.9] * 2])
    )
    other = CostCurve(np.array([[0.0] * 2, [3.0] * 2]), np.array([[0.9] * 2, [0.3] * 2]))
    assert cost_ratio(one, other, 0.3, draws=20).ratio.value == pytest.approx(3.0)


def test_costs_of_many_curves_are_those_of_each_in_any_order_of_budgets() -> None:
    rng = np.random.default_rng(1)
    costs, accuracies = rng.uniform(1.0, 9.0, size=(60, 5)), rng.uniform(size=(60, 5))
    costs[:20, 3] = math.nan  # not known: as if the budget were not there
    found = costs_at(costs, accuracies, 0.6)
    for paid, got, one in zip(costs, accuracies, found, strict=True):
        order = [at for at in np.argsort(paid) if not math.isnan(paid[at])]
        wanted = cost_at(paid[order].tolist(), got[order].tolist(), 0.6)
        assert math.isnan(one) if wanted is None else one == pytest.approx(wanted)
    assert np.isnan(found).any() and not np.isnan(found).all()
    assert np.isnan(costs_at(np.zeros((2, 0)), np.zeros((2, 0)), 0.6)).all()
