"""Rules on many pools at once against one pool counted exactly."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from backend.core.statistics.estimators import (
    Group,
    best_of_k,
    majority_at_k,
    pass_at_k,
    weighted_at_k,
)
from backend.core.statistics.subsets import (
    BLANK,
    DECIDED,
    Votes,
    best_at_ks,
    by_sum_then_size,
    draws,
    pass_at_ks,
    subsets,
    votes_at_ks,
)

Column = NDArray[Any]


def pools(count: int, n: int, seed: int = 0) -> tuple[Column, Column, Column]:
    """Classes, verdicts and scores in tenths: some right classes, a tail of wrong ones, some
    blanks."""
    rng = np.random.default_rng(seed)
    right = rng.random((count, n)) < rng.beta(0.8, 1.0, count)[:, None]
    groups = np.where(right, 0, np.minimum(rng.zipf(1.7, (count, n)), 12))
    blank = rng.random((count, n)) < 0.05
    return np.where(blank, BLANK, groups), right & ~blank, rng.integers(0, 11, (count, n)) / 10


def majority_of(groups: Column, right: Column, k: int) -> float:
    names, sizes = np.unique(groups[groups >= 0], return_counts=True)
    good = [bool(right[groups == name].any()) for name in names]
    parts = [
        [int(size) for size, one in zip(sizes, good, strict=True) if one is wanted]
        for wanted in (True, False)
    ]
    return majority_at_k(parts[0], parts[1], int((groups < 0).sum()), k)


def weighted_of(groups: Column, right: Column, scores: Column, k: int) -> float:
    names = np.unique(groups[groups >= 0])
    members = [
        Group(bool(right[groups == name].any()), scores[groups == name].tolist()) for name in names
    ]
    return weighted_at_k(members, int((groups < 0).sum()), k)


def test_coverage_and_best_of_k_of_many_pools_are_those_of_each() -> None:
    groups, right, scores = pools(40, 23)
    scores[scores == 0.3] = np.nan
    ks = (1, 2, 5, 16, 22, 23)
    covered, best = pass_at_ks(23, right.sum(axis=1), ks), best_at_ks(scores, right, ks)
    for row in range(len(groups)):
        assert covered[row] == pytest.approx(
            [pass_at_k(23, int(right[row].sum()), k) for k in ks], abs=1e-12
        )
        known = [None if math.isnan(score) else float(score) for score in scores[row]]
        assert best[row] == pytest.approx(
            [best_of_k(known, right[row].astype(float).tolist(), k) for k in ks], abs=1e-12
        )


@pytest.mark.parametrize("weighted", [False, True])
def test_a_drawn_vote_is_the_counted_one_within_its_standard_error_and_exact_at_one_and_at_all(
    weighted: bool,
) -> None:
    groups, right, scores = pools(120, 40)
    ks = (1, 2, 5, 13, 30, 40)
    strength = by_sum_then_size(np.rint(scores * 10).astype(np.int64)) if weighted else None
    found = votes_at_ks(groups, right, ks, strength)
    for column, k in enumerate(ks):
        counted = np.array(
            [
                weighted_of(*row, k) if weighted else majority_of(*row[:2], k)
                for row in zip(groups, right, scores, strict=True)
            ]
        )
        off = found[:, column] - counted
        if k in (1, 40):
            assert np.abs(off).max() < 1e-12
            continue
        assert abs(off.mean()) < 4.0 * math.sqrt(
            (counted * (1.0 - counted)).mean() / draws(k) / len(groups)
        )
        assert np.abs(off).max() < 4.5 / (2.0 * math.sqrt(draws(k)))


def test_a_pool_that_is_not_drawn_is_decided_indeed() -> None:
    groups, right, _ = pools(200, 100, seed=3)
    votes, decided = Votes(groups, right, None), 0
    for k in (16, 50, 90):
        for row in np.flatnonzero(votes.doubt(k) < DECIDED):
            decided += 1
            assert majority_of(groups[row], right[row], k) == pytest.approx(
                votes.leading[row], abs=DECIDED
            )
    assert decided > 100


def test_sorting_subsets_and_counting_them_into_classes_agree() -> None:
    groups, right, scores = pools(30, 60, seed=5)
    for strength in (None, by_sum_then_size(np.rint(scores * 10).astype(np.int64))):
        votes, which, places = Votes(groups, right, strength), np.arange(30), subsets(60, 7, 20)
        given = None if votes.strength is None else votes.strength[:, places]
        assert (
            votes._by_sorting(which, votes.groups[:, places], given).tolist()
            == votes._by_class(which, votes.groups[:, places], given).tolist()
        )


def test_a_pool_has_the_same_figures_in_any_company_and_a_pool_of_blanks_has_none() -> None:
    groups, right, _ = pools(20, 50, seed=7)
    groups[4], right[4] = BLANK, False
    ks = (2, 11, 50)
    together = votes_at_ks(groups, right, ks)
    assert (
        np.array_equal(together[3:6], votes_at_ks(groups[3:6], right[3:6], ks))
        and not together[4].any()
    )


def test_the_subsets_of_one_shuffle_are_disjoint_and_hold_no_place_twice() -> None:
    drawn = subsets(20, 6, 7)
    assert drawn.shape == (7, 6) and all(len(set(row)) == 6 for row in drawn.tolist())
    assert len({place for row in drawn[:3].tolist() for place in row}) == 18
