"""What a particle weighs: potentials of scores, annealing, and the temperatures and swaps of
chains."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.core.formulas.particles import (
    entropic,
    ladder,
    log_odds,
    log_probability,
    normalise,
    swap_probability,
)


def test_log_odds_of_a_saturated_score_stay_at_the_clip() -> None:
    assert log_odds(1.0, 1e-7) == pytest.approx(math.log((1 - 1e-7) / 1e-7))
    assert log_odds(0.0, 1e-7) == pytest.approx(-math.log((1 - 1e-7) / 1e-7))
    assert log_odds(0.5) == 0.0
    assert log_odds(0.9) == pytest.approx(math.log(9.0))


def test_the_log_of_a_probability_stays_finite_at_zero() -> None:
    assert log_probability(0.25) == pytest.approx(math.log(0.25))
    assert log_probability(1.0) == 0.0
    assert log_probability(0.0, 1e-7) == pytest.approx(math.log(1e-7))


def test_entropic_annealing_by_its_formula() -> None:
    # N = 8, ESS = 2, t / T = 1/4: 1 / beta = 4 * 3/4
    assert entropic(2 / 8, 1 / 4) == pytest.approx(1 / 3)
    assert entropic(1.0, 0.0) == 1.0


@given(st.floats(0.01, 1.0), st.floats(0.0, 0.99))
def test_annealing_flattens_and_never_sharpens(evenness: float, progress: float) -> None:
    assert 0.0 < entropic(evenness, progress) <= 1.0


def test_temperatures_rise_by_equal_factors_from_the_coldest_to_the_hottest() -> None:
    assert ladder(0.5, 8.0, 5) == pytest.approx([0.5, 1.0, 2.0, 4.0, 8.0])
    assert ladder(1.0, 1.0, 2) == [1.0, 1.0]


def test_swaps_of_known_energies() -> None:
    assert swap_probability(1.0, 2.0, 3.0, 1.0) == pytest.approx(math.exp(-1.0))
    assert swap_probability(1.0, 2.0, 1.0, 3.0) == 1.0
    assert swap_probability(1.0, 1.0, 1e9, -1e9) == 1.0


@given(st.floats(0.1, 10.0), st.floats(0.1, 10.0), st.floats(-20.0, 20.0), st.floats(-20.0, 20.0))
def test_swaps_are_in_detailed_balance(t_i: float, t_j: float, x: float, y: float) -> None:
    def flow(one: float, other: float) -> float:
        return (
            one / t_i + other / t_j + math.log(max(swap_probability(t_i, t_j, one, other), 1e-300))
        )

    if abs((1 / t_i - 1 / t_j) * (x - y)) < 600:
        assert flow(x, y) == pytest.approx(flow(y, x), abs=1e-6)


@settings(deadline=None)
@given(st.lists(st.floats(-50, 50) | st.just(-math.inf), min_size=1, max_size=20))
def test_weights_are_shares_of_one(logs: list[float]) -> None:
    weights = normalise(logs)
    assert sum(weights) == pytest.approx(1) and all(0 <= weight <= 1 for weight in weights)


def test_weights_without_any_evidence_are_equal() -> None:
    assert normalise([-math.inf, -math.inf]) == [0.5, 0.5]
