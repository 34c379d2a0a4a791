"""Four resampling schemes: all unbiased, each with the variance its definition allows, all
replayable."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.core.statistics.resampling import (
    SCHEMES,
    conditional,
    count_uniforms,
    multinomial,
    resample,
    residual,
    stratified,
    systematic,
)

W = (0.5, 0.3, 0.15, 0.05)
on_all = pytest.mark.parametrize("scheme", list(SCHEMES))
raw_weights = st.lists(st.floats(0.0, 1.0), min_size=1, max_size=12).filter(
    lambda weights: sum(weights) > 1e-3
)
below_one = float(np.nextafter(1.0, 0.0))


def normalised(weights: list[float]) -> np.ndarray:
    return np.asarray(np.asarray(weights) / np.sum(weights))


@pytest.mark.parametrize(
    ("u", "ancestors"), [(0.1, [0, 0, 1, 1]), (0.5, [0, 0, 1, 2]), (0.9, [0, 0, 1, 3])]
)
def test_systematic_resampling_of_known_weights(u: float, ancestors: list[int]) -> None:
    assert systematic(W, [u]).tolist() == ancestors


def test_stratified_resampling_takes_one_draw_a_slice() -> None:
    assert stratified(W, [0.1, 0.9, 0.3, 0.9]).tolist() == [0, 0, 1, 3]


def test_multinomial_resampling_inverts_the_distribution() -> None:
    assert multinomial(W, [0.0, 0.49, 0.5, 0.96]).tolist() == [0, 0, 1, 3]


def test_residual_resampling_keeps_certain_copies_and_draws_the_rest() -> None:
    # 4 W = (2, 1.2, .6, .2): three certain copies, one draw from (0, .2, .6, .2)
    assert [residual(W, [u]).tolist() for u in (0.1, 0.5, 0.9)] == [
        [0, 0, 1, 1],
        [0, 0, 1, 2],
        [0, 0, 1, 3],
    ]


@on_all
def test_expected_copies_are_n_times_the_weight(scheme: str) -> None:
    rng, draws = np.random.default_rng(0), 8000
    counts = (
        sum(np.bincount(resample(scheme, W, rng).ancestors, minlength=4) for _ in range(draws))
        / draws
    )
    spread = 4 * math.sqrt(4 * 0.25 / draws)
    assert counts == pytest.approx(4 * np.asarray(W), abs=spread)


@pytest.mark.parametrize(("particles", "lost"), [(4, 0.240), (8, 0.058)])
def test_a_draw_too_many_loses_the_best_particle_as_often_as_worked_out(
    particles: int, lost: float
) -> None:
    """Why nothing is drawn after the last round: (1 - W)^N for independent draws, and never for a
    scheme that copies it for certain."""
    weights, rng, draws = (
        [0.3] + [0.7 / (particles - 1)] * (particles - 1),
        np.random.default_rng(0),
        6000,
    )
    assert 0.7**particles == pytest.approx(lost, abs=5e-4)
    missed = (
        sum(0 not in resample("multinomial", weights, rng).ancestors for _ in range(draws)) / draws
    )
    assert missed == pytest.approx(0.7**particles, abs=4 * math.sqrt(lost * (1 - lost) / draws))
    assert all(
        0 in resample(scheme, weights, rng).ancestors
        for scheme in ("systematic", "residual")
        for _ in range(200)
    )


@settings(deadline=None)
@given(raw_weights, st.floats(0.0, below_one))
def test_systematic_copies_are_the_expectation_rounded_down_or_up(
    weights: list[float], u: float
) -> None:
    shares = len(weights) * normalised(weights)
    counts = np.bincount(systematic(normalised(weights), [u]), minlength=len(weights))
    assert np.all(counts >= np.floor(shares - 1e-9))
    assert np.all(counts <= np.ceil(shares + 1e-9))


@on_all
@settings(deadline=None)
@given(raw_weights, st.integers(0, 2**32))
def test_n_ancestors_each_with_weight_and_the_draw_can_be_replayed(
    scheme: str, weights: list[float], seed: int
) -> None:
    shares = normalised(weights)
    draw = resample(scheme, shares, np.random.default_rng(seed))
    assert len(draw.ancestors) == len(weights)
    assert all(shares[ancestor] > 0.0 for ancestor in draw.ancestors)
    assert len(draw.uniforms) == count_uniforms(scheme, shares)
    assert SCHEMES[scheme](shares, draw.uniforms).tolist() == list(draw.ancestors)


@on_all
def test_a_sum_below_one_does_not_run_off_the_end(scheme: str) -> None:
    weights = [0.1] * 10
    assert sum(weights) < 1.0
    assert max(SCHEMES[scheme](weights, [below_one] * 10)) == 9


@on_all
def test_a_last_particle_without_weight_is_never_drawn(scheme: str) -> None:
    weights = [0.1] * 10 + [0.0]
    assert max(SCHEMES[scheme](weights, [below_one] * 11)) == 9


def test_a_product_just_below_a_whole_number_is_that_number() -> None:
    weights = [0.1 + 0.7, *[0.2 / 9] * 9]
    assert 10 * weights[0] < 8.0
    assert np.bincount(residual(weights, [below_one] * 10))[0] == 8


@on_all
def test_the_uniforms_are_plain_numbers(scheme: str) -> None:
    draw = resample(scheme, W, np.random.default_rng(1))
    assert all(type(ancestor) is int for ancestor in draw.ancestors)
    assert all(type(uniform) is float for uniform in draw.uniforms)


def test_conditional_resampling_keeps_the_last_slot_and_draws_the_others_among_all() -> None:
    assert conditional(W, [0.0, 0.55, 0.96]).tolist() == [0, 1, 3, 3]
    assert conditional(W, [0.0, 0.55, 0.96], 1).tolist() == [0, 1, 3, 1]


def test_conditional_resampling_keeps_even_a_particle_without_weight() -> None:
    assert conditional([1.0, 0.0], [0.9]).tolist() == [0, 1]
