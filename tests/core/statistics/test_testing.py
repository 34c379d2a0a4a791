"""Corrected p-values and planned sizes: as published, and as often right as they say."""

from __future__ import annotations

import math

import numpy as np
import pytest

from backend.core.errors import BadInput
from backend.core.statistics.testing import holm, problems_needed, repeats_needed


def test_holm_counts_the_smallest_p_as_often_as_there_are_tests() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.9, 0.8]) == [1.0, 1.0] and holm([]) == [] and holm([0.2]) == [0.2]


def test_holm_is_rarely_wrong_anywhere_where_nothing_differs() -> None:
    rng = np.random.default_rng(1)
    wrong = np.mean([min(holm(rng.uniform(size=20).tolist())) <= 0.05 for _ in range(4000)])
    assert 0.038 <= wrong <= 0.062
    uncorrected = np.mean([rng.uniform(size=20).min() <= 0.05 for _ in range(1000)])
    assert uncorrected > 0.5


@pytest.mark.parametrize("p", [-0.1, 1.1, math.nan])
def test_what_is_no_p_value_is_refused(p: float) -> None:
    with pytest.raises(BadInput, match="p-values"):
        holm([0.5, p])


def test_the_repeats_that_are_asked_for_find_the_difference_four_times_in_five() -> None:
    rng, problems, difference, between, within = np.random.default_rng(2), 60, 0.1, 0.04, 0.4
    repeats = repeats_needed(difference, between, within, problems)
    assert repeats is not None and 4 < repeats < 40

    def found(count: int) -> float:
        true = rng.normal(difference, math.sqrt(between), (4000, problems))
        seen = true + rng.normal(0.0, math.sqrt(within / count), true.shape)
        error = seen.std(axis=1, ddof=1) / math.sqrt(problems)
        return float((np.abs(seen.mean(axis=1)) > 1.96 * error).mean())

    assert found(repeats) == pytest.approx(0.8, abs=0.05)
    assert found(max(1, repeats // 4)) < 0.7


def test_where_problems_differ_too_much_only_more_of_them_help() -> None:
    assert repeats_needed(0.02, 0.09, 0.2, 40) is None
    needed = problems_needed(0.02, 0.09, 0.2, 4)
    assert repeats_needed(0.02, 0.09, 0.2, needed) == 4
    assert repeats_needed(0.5, 0.0, 0.01, 40) == 1


@pytest.mark.parametrize("given", [(0.0, 0.05, 0.8), (0.1, 0.0, 0.8), (0.1, 0.05, 0.01)])
def test_what_cannot_be_planned_is_refused(given: tuple[float, float, float]) -> None:
    difference, level, power = given
    with pytest.raises(BadInput, match="difference, level and power"):
        problems_needed(difference, 0.1, 0.1, 1, level=level, power=power)
