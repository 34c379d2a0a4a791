"""Cost of pass and compute-optimal allocation, against brute force."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from backend.core.errors import BadInput
from backend.experiments.allocation import (
    BinChoice,
    OptionTable,
    allocate,
    cross_validate,
    judge,
    uniform,
)
from backend.experiments.analyses.cost_of_pass import cost_of_pass, pass_frontier

NAMES = ["small", "middle", "large"]
BINS = ["easy", "easy", "hard", "hard"]
TABLE = OptionTable(
    NAMES,
    np.array([[1.0] * 4, [4.0] * 4, [16.0] * 4]),
    np.array([[0.9, 0.9, 0.0, 0.1], [0.9, 1.0, 0.2, 0.4], [1.0, 1.0, 0.8, 0.9]]),
    BINS,
)


def test_an_answer_costs_its_price_over_its_chance() -> None:
    np.testing.assert_allclose(
        cost_of_pass(np.array([2.0, 3.0]), np.array([0.5, 0.0])), [4.0, np.inf]
    )
    with pytest.raises(BadInput):
        cost_of_pass(np.ones(2), np.ones(3))


def test_the_frontier_takes_the_cheapest_of_arms_and_person_and_says_what_is_missed() -> None:
    found = pass_frontier(
        {"one": np.array([4.0, np.inf, 10.0]), "two": np.array([8.0, 6.0, np.inf])}, person=9.0
    )
    assert found.value == pytest.approx((4 + 6 + 9) / 3) and found.holders == ("one", "two", None)
    assert found.missed == {
        "one": pytest.approx((8 + 6 + 9) / 19),
        "two": pytest.approx((4 + 9 + 9) / 19),
    }
    assert pass_frontier({"only": np.array([1.0])}, 5.0).missed == {"only": 5.0}
    with pytest.raises(BadInput):
        pass_frontier({}, 1.0)


@pytest.mark.parametrize("budget", [1.0, 2.0, 5.0, 8.5, 12.0, 16.0, 100.0])
def test_no_mixture_of_options_within_the_budget_beats_the_allocation(budget: float) -> None:
    found = allocate(TABLE, budget)
    assert found is not None and found.cost <= budget + 1e-9
    shares = np.linspace(0.0, 1.0, 21)
    best = 0.0
    for easy, hard in itertools.product(itertools.permutations(NAMES, 2), repeat=2):
        for one, other in itertools.product(shares, repeat=2):
            cost, accuracy = judge(
                TABLE,
                {
                    "easy": BinChoice(easy[0], easy[1], float(one)),
                    "hard": BinChoice(hard[0], hard[1], float(other)),
                },
            )
            best = max(best, accuracy) if cost <= budget + 1e-9 else best
    assert found.accuracy >= best - 1e-9


def test_hard_problems_get_the_dear_arm_first_and_a_coin_is_said() -> None:
    found = allocate(TABLE, 8.5)
    assert found is not None and found.choices == {
        "easy": BinChoice("small", None, 0.0),
        "hard": BinChoice("large", None, 0.0),
    }
    between = allocate(TABLE, 4.75)
    assert between is not None and between.choices["hard"] == BinChoice("middle", "large", 0.375)
    assert allocate(TABLE, 0.5) is None


def test_one_arm_for_all_is_the_best_that_fits() -> None:
    found = uniform(TABLE, 8.0)
    assert (
        found is not None
        and found.choices["easy"].option == "middle"
        and (found.cost, found.accuracy) == (4.0, pytest.approx(0.625))
    )
    assert uniform(TABLE, 0.5) is None


def test_a_choice_is_judged_on_problems_that_it_was_not_made_on() -> None:
    """Half of the problems favour one arm and half the other, at random: chosen and judged on the
    same ones it looks better than it is."""
    lucky = OptionTable(
        ["a", "b"],
        np.ones((2, 4)),
        np.array([[1.0, 0.0, 1.0, 0.0], [0.0, 1.0, 0.0, 1.0]]),
        ["all"] * 4,
    )
    found = cross_validate(lucky, 1.0)
    assert found is not None and (found.cost, found.accuracy, found.uniform) == (1.0, 0.0, 0.0)
    honest = cross_validate(TABLE, 8.5)
    assert honest is not None and honest.accuracy > honest.uniform
    with pytest.raises(BadInput):
        allocate(TABLE._replace(bins=["easy"]), 1.0)
