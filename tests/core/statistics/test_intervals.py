"""Intervals and comparisons: exact where they can be counted, and right as often as they say."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.core.errors import BadInput
from backend.core.statistics.intervals import (
    FLIPS,
    MOST_EXACT,
    accuracy_interval,
    accuracy_intervals,
    add_with_signs,
    bootstrap_interval,
    compare_pairs,
    difference_interval,
    resample_means,
    sign_flip_p,
    wilson_ends,
)
from benchmarks.coverage import METHODS, accuracy_rows, difference_rows


def test_intervals_hold_the_truth_about_as_often_as_they_say_near_0_and_1_too() -> None:
    for draws, concentration in ((1, 1.0), (16, 2.0)):
        for cell, found in accuracy_rows(draws, concentration, 1500, METHODS, seed=3):
            ours, bound = found["Wilson, effective number"], found["Clopper-Pearson"]
            # 1500 trials: a share of .93 is known to .007
            assert ours.share >= 0.92, cell
            assert ours.width <= bound.width, cell
            if cell.problems == 200:
                assert ours.share <= 0.975, cell
            if cell.problems == 40 and cell.p == 0.97 and draws == 1:
                assert found["percentile"].share < 0.75, "the simulation would not see a bad one"


def test_intervals_of_paired_differences_hold_the_truth_near_0_and_1_too() -> None:
    for draws, lost in ((1, 0.1), (16, 0.5)):
        for cell, found in difference_rows(draws, 2.0, lost, 1500, seed=3):
            assert found["square and add"].share >= 0.92, cell
            if cell.problems == 12 and cell.p == 0.02:
                assert found["percentile"].share < 0.75, "the simulation would not see a bad one"


@pytest.mark.parametrize(("right", "count"), [(0, 12), (1, 12), (6, 12), (39, 40), (200, 200)])
def test_with_one_draw_a_problem_the_interval_is_that_of_wilson(right: int, count: int) -> None:
    from scipy.stats import binomtest

    found = accuracy_interval([1.0] * right + [0.0] * (count - right))
    wanted = binomtest(right, count).proportion_ci(method="wilson")
    assert found.value == right / count
    assert (found.low, found.high) == (pytest.approx(wanted.low), pytest.approx(wanted.high))


@given(st.lists(st.floats(0.0, 1.0), min_size=2, max_size=60))
def test_the_interval_holds_its_own_mean_lies_in_0_to_1_and_within_that_of_single_draws(
    values: list[float],
) -> None:
    found = accuracy_interval(values)
    assert 0.0 <= found.low <= found.value <= found.high <= 1.0
    _, low, high = wilson_ends(np.array(values))
    assert (found.low, found.high) == (float(low), float(high))
    mirrored = accuracy_interval([1.0 - value for value in values])
    assert mirrored.low == pytest.approx(1.0 - found.high, abs=1e-6)
    mean, count = found.value, len(values)
    assert found.high - found.low <= wilson_width(mean, count) + 1e-9


def wilson_width(mean: float, count: int) -> float:
    """The width of Wilson's interval of `count` single draws."""
    square = 1.959963984540054**2 / count
    return 2.0 * math.sqrt(square * mean * (1.0 - mean) + square**2 / 4.0) / (1.0 + square)


def test_problems_that_agree_leave_no_doubt_only_where_there_are_enough_of_them() -> None:
    few, many = accuracy_interval([0.5] * 4), accuracy_interval([0.5] * 400)
    assert few.high - few.low > 0.3 and many.high - many.low < 1e-6
    sure = accuracy_interval([1.0] * 40)
    assert sure.value == sure.high == 1.0 and sure.low == pytest.approx(0.912, abs=0.001)


def test_intervals_of_several_figures_are_those_of_each() -> None:
    rows = [[0.0, 0.5, 1.0], [1.0, 1.0, 0.25]]
    assert accuracy_intervals(rows) == [accuracy_interval(row) for row in rows]


def test_one_problem_says_nothing_of_the_others() -> None:
    for between in (accuracy_interval, difference_interval):
        found = between([0.5])
        assert found.value == 0.5 and math.isnan(found.low) and math.isnan(found.high)
        assert all(math.isnan(number) for number in between([]))


@pytest.mark.parametrize("values", [[0.5, 1.1], [-0.2, 0.5], [math.nan, 0.5]])
def test_what_is_no_share_is_refused(values: list[float]) -> None:
    with pytest.raises(BadInput, match="from 0 to 1"):
        accuracy_interval(values)
    with pytest.raises(BadInput, match="from -1 to 1"):
        difference_interval([6.0 * values[0], 6.0 * values[1]])


def test_without_a_difference_the_interval_is_as_wide_as_unseen_ones_allow() -> None:
    found = difference_interval([0.0] * 40)
    assert found.value == 0.0 and found.high == pytest.approx(-found.low)
    # Tango's (1998) interval for 40 pairs without a discordant one is 3.84 / (40 + 3.84)
    assert found.high == pytest.approx(3.8415 / (40 + 3.8415), abs=1e-4)


@given(st.lists(st.floats(-1.0, 1.0), min_size=2, max_size=40))
def test_the_interval_of_a_difference_turns_round_with_the_arms(values: list[float]) -> None:
    found, turned = difference_interval(values), difference_interval([-value for value in values])
    assert -1.0 <= found.low <= found.value <= found.high <= 1.0
    assert turned.low == pytest.approx(-found.high) and turned.high == pytest.approx(-found.low)


def test_the_bootstrap_of_few_problems_is_the_quantile_of_all_ways_to_draw_them() -> None:
    values = [0.0, 0.25, 1.0]
    means = sorted(sum(ways) / 3 for ways in itertools.product(values, repeat=3))
    found = bootstrap_interval(values, lambda drawn: sum(drawn) / len(drawn), draws=4000)
    assert (found.low, found.high) == (pytest.approx(means[0]), pytest.approx(means[-1]))


def test_draws_are_shared_by_all_rows() -> None:
    values = np.array([[1.0, 2.0, 4.0], [3.0, 4.0, 6.0]])
    means = resample_means(values, draws=50)
    assert means.shape == (50, 2)
    np.testing.assert_allclose(means[:, 1] - means[:, 0], 2.0)


def test_a_figure_without_a_number_in_any_draw_has_no_interval() -> None:
    assert all(
        math.isnan(number)
        for number in bootstrap_interval([1.0, 2.0], lambda _problems: math.nan, draws=20)
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


@pytest.mark.parametrize("count", [1, 8, 13, 40])
def test_values_are_added_with_the_signs_of_packed_bits(count: int) -> None:
    rng = np.random.default_rng(count)
    values, bits = rng.normal(size=count), rng.integers(0, 2, size=(50, count))
    found = add_with_signs(values, np.packbits(bits.astype(np.uint8), axis=1))
    assert found == pytest.approx((2.0 * bits - 1.0) @ values)


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
