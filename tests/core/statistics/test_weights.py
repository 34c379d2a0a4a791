"""Weights of particles: numerics that must not overflow, and the effective sample size."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.core.errors import BadInput
from backend.core.statistics.weights import (
    ess,
    logmeanexp,
    logsumexp,
    softmax,
)

log_weights = st.lists(st.floats(-1e4, 1e4), min_size=1, max_size=20)


def test_effective_sample_size_of_known_weights() -> None:
    assert ess([math.log(w) for w in (0.5, 0.3, 0.15, 0.05)]) == pytest.approx(2.739726, abs=1e-6)


@settings(deadline=None)
@given(log_weights)
def test_softmax_is_a_distribution_and_ess_lies_between_one_and_n(values: list[float]) -> None:
    assert softmax(values).sum() == pytest.approx(1.0)
    assert 1.0 - 1e-9 <= ess(values) <= len(values) + 1e-9


@settings(deadline=None)
@given(log_weights, st.floats(-1e3, 1e3))
def test_only_differences_of_log_weights_matter(values: list[float], shift: float) -> None:
    assert softmax([value + shift for value in values]) == pytest.approx(softmax(values), abs=1e-6)


def test_equal_weights_lose_no_effective_particles() -> None:
    assert ess([-700.0] * 8) == pytest.approx(8.0)


def test_a_particle_without_weight_counts_nothing() -> None:
    assert softmax([0.0, float("-inf"), 0.0]).tolist() == [0.5, 0.0, 0.5]


def test_when_nobody_has_weight_nobody_is_better() -> None:
    assert softmax([float("-inf")] * 4).tolist() == [0.25] * 4
    assert logsumexp([float("-inf")] * 4) == float("-inf")
    assert logsumexp([]) == float("-inf")


def test_logsumexp_of_huge_and_tiny_numbers() -> None:
    assert logsumexp([1000.0, 1000.0]) == pytest.approx(1000.0 + math.log(2.0))
    assert logsumexp([-1000.0, -1000.0]) == pytest.approx(-1000.0 + math.log(2.0))


def test_the_mean_of_weights_is_taken_before_the_logarithm() -> None:
    assert logmeanexp([math.log(0.9), math.log(0.3)]) == pytest.approx(math.log(0.6))
    assert logmeanexp([float("-inf"), 0.0]) == pytest.approx(math.log(0.5))
    assert logmeanexp([float("-inf")] * 2) == float("-inf")


@pytest.mark.parametrize("weights", [[], [0.0, math.nan], [math.inf, 0.0]])
def test_what_has_no_effective_size_is_refused(weights: list[float]) -> None:
    with pytest.raises(BadInput, match="log weights"):
        ess(weights)
