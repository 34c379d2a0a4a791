"""Intervals and comparisons: exact where they can be counted, and right as often as they say."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from backend.core.errors import BadInput
from backend.core.statistics.intervals import (
    FLIPS,
    MOST_EXACT,
    compare_pairs,
    interval,
    mean_interval,
    resample_means,
    sign_flip_p,
)


def test_the_bootstrap_interval_covers_the_true_mean_about_as_often_as_it_says() -> None:
    rng, hits, trials = np.random.default_rng(5), 0, 400
    for trial in range(trials):
        successes = rng.binomial(8, rng.beta(1.0, 1.5, size=60)) / 8
        found = mean_interval(successes, draws=400, seed=trial)
        hits += found.low <= 1.0 / 2.5 <= found.high
    assert 0.91 <= hits / trials <= 0.98


def test_the_interval_of_few_problems_is_the_quantile_of_all_ways_to_draw_them() -> None:
    values = [0.0, 0.25, 1.0]
    means = sorted(sum(ways) / 3 for ways in itertools.product(values, repeat=3))
    found = mean_interval(values, draws=40_000)
    assert found.value == pytest.approx(sum(values) / 3)
    assert (found.low, found.high) == (pytest.approx(means[0]), pytest.approx(means[-1]))


def test_one_problem_says_nothing_of_the_others() -> None:
    found = mean_interval([0.5])
    assert found.value == 0.5 and math.isnan(found.low) and math.isnan(found.high)
    assert all(math.isnan(number) for number in mean_interval([]))


def test_draws_are_shared_by_all_rows() -> None:
    values = np.array([[1.0, 2.0, 4.0], [3.0, 4.0, 6.0]])
    means = resample_means(values, draws=50)
    assert means.shape == (50, 2)
    np.testing.assert_allclose(means[:, 1] - means[:, 0], 2.0)


def test_a_figure_without_a_number_in_any_draw_has_no_interval() -> None:
    assert all(
        math.isnan(number) for number in interval([1.0, 2.0], lambda _problems: math.nan, draws=20)
    )


@pytest.mark.parametrize(
    "differences", [[0.5], [0.1, -0.1], [1.0, 0.5, 0.25], [0.2, -0.3, 0.5, 0.5, 0.0], [1.0] * 6]
)
def test_the_sign_flip_test_counts_all_ways(differences: list[float]) -> None:
    moved = [each for each in differences if each]
    total = abs(sum(moved))
    ways = [
        abs(sum(s * d for s, d in zip(signs, moved, strict=True)))
        for signs in itertools.product((-1, 1), repeat=len(moved))
    ]
    assert sign_flip_p(differences) == sum(way >= total - 1e-12 for way in ways) / len(ways)


def test_many_differences_are_flipped_at_random_and_p_is_never_nought() -> None:
    assert sign_flip_p([1.0] * (MOST_EXACT + 20)) == 1 / (FLIPS + 1)
    half = sign_flip_p([1.0, -1.0] * 10)
    assert half == 1.0


def test_the_sign_flip_test_rejects_as_often_as_it_says_where_nothing_differs() -> None:
    rng = np.random.default_rng(7)
    rejected = sum(sign_flip_p(rng.normal(size=11)) <= 0.05 for _ in range(1500)) / 1500
    assert 0.035 <= rejected <= 0.065


def test_two_arms_are_compared_problem_by_problem() -> None:
    found = compare_pairs([1.0, 1.0, 0.5, 0.0], [0.0, 1.0, 1.0, 0.0])
    assert (found.better, found.worse, found.same) == (1, 1, 2)
    assert (
        found.difference.value == pytest.approx(0.125)
        and found.difference.low <= 0.125 <= found.difference.high
    )
    assert found.p == sign_flip_p([1.0, -0.5])
    assert compare_pairs([0.5, 1.0], [0.5, 1.0]).p == 1.0
    with pytest.raises(BadInput, match="of the same problems"):
        compare_pairs([1.0], [1.0, 0.0])
