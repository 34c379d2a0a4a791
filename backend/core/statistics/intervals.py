"""How sure a figure is that was measured on some problems, and whether two arms differ: problems
are drawn again, never single samples.

Solutions of one problem are no independent evidence, so every figure is first one number a problem
(an exact estimate, `estimators`), and its interval comes from drawing problems with replacement (a
bootstrap clustered by problem). Two arms are compared on the problems that both have: the interval
is of the mean difference, and the test flips the signs of the differences (a paired permutation
test), which asks nothing of their distribution.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import NamedTuple, TypeVar

import numpy as np

from backend.core.errors import BadInput
from backend.core.statistics.weights import Floats, FloatsLike

T = TypeVar("T")
DRAWS = 2000
MOST_EXACT = 12
"""Differences other than 0 up to which all 2^n flips are counted; beyond, `FLIPS` are drawn."""
FLIPS = 20_000
MANY = 1000
"""Problems from which the bootstrap draws them one by one."""


class Interval(NamedTuple):
    """A figure with its 95 % interval; NaN where nothing is known."""

    value: float
    low: float
    high: float


UNKNOWN = Interval(math.nan, math.nan, math.nan)


def interval(
    problems: Sequence[T], figure: Callable[[Sequence[T]], float], draws: int = 1000, seed: int = 0
) -> Interval:
    """`figure` of all problems, and the percentile interval of it over problems drawn with
    replacement; NaN draws are left out."""
    rng, drawn = random.Random(seed), []
    for _ in range(draws):
        value = figure(rng.choices(problems, k=len(problems)))
        if not math.isnan(value):
            drawn.append(value)
    drawn.sort()
    if not drawn:
        return UNKNOWN
    return Interval(
        figure(problems),
        drawn[int(0.025 * len(drawn))],
        drawn[min(len(drawn) - 1, int(0.975 * len(drawn)))],
    )


def resample_means(values: Floats, draws: int = DRAWS, seed: int = 0) -> Floats:
    """Means over problems drawn with replacement. `values`: shape (..., problems); returns shape
    (draws, ...), the same draws for every row, so that what is computed from several rows stays
    paired."""
    count = values.shape[-1]
    return np.asarray(
        np.moveaxis(values @ resample_counts(count, draws, seed).T / count, -1, 0), dtype=np.float64
    )


def resample_counts(count: int, draws: int, seed: int) -> Floats:
    """How often each of `count` problems is drawn, shape (draws, count). With `MANY` problems or
    more they are drawn one by one, which is faster there and has the same distribution."""
    if count < MANY:
        return _resample_few(count, draws, seed)
    rng = np.random.default_rng(seed)
    counts = np.empty((draws, count))
    for row in counts:
        row[:] = np.bincount(rng.integers(0, count, count, dtype=np.int32), minlength=count)
    return counts


@lru_cache(maxsize=4)
def _resample_few(count: int, draws: int, seed: int) -> Floats:
    """`resample_counts` of fewer than `MANY` problems, kept: a report asks hundreds of times for
    those of the same problems."""
    rng = np.random.default_rng(seed)
    counts = rng.multinomial(count, np.full(count, 1.0 / count), size=draws).astype(np.float64)
    counts.flags.writeable = False
    return counts


def mean_interval(values: FloatsLike, draws: int = DRAWS, seed: int = 0) -> Interval:
    """The mean of one number a problem with its percentile interval; one problem says nothing of
    the others, so its interval is NaN."""
    numbers = np.asarray(values, dtype=np.float64)
    if not len(numbers):
        return UNKNOWN
    mean = float(numbers.mean())
    if len(numbers) == 1:
        return Interval(mean, math.nan, math.nan)
    low, high = np.quantile(resample_means(numbers, draws, seed), (0.025, 0.975))
    return Interval(mean, float(low), float(high))


def mean_intervals(rows: Sequence[FloatsLike], draws: int = DRAWS, seed: int = 0) -> list[Interval]:
    """`mean_interval` of several figures of the same problems, from the same draws."""
    numbers = np.asarray(rows, dtype=np.float64)
    if numbers.ndim < 2 or numbers.shape[1] < 2:
        return [mean_interval(row, draws, seed) for row in numbers]
    lows, highs = np.quantile(resample_means(numbers, draws, seed), (0.025, 0.975), axis=0)
    return [
        Interval(float(row.mean()), float(low), float(high))
        for row, low, high in zip(numbers, lows, highs, strict=True)
    ]


class Paired(NamedTuple):
    """One arm less the other on the same problems: the mean difference with its interval, the
    chance `p` of a difference at least as large where the arms do not differ (two-sided), and on
    how many problems the one was better, worse, or the same."""

    difference: Interval
    p: float
    better: int
    worse: int
    same: int


def compare_pairs(one: FloatsLike, other: FloatsLike, draws: int = DRAWS, seed: int = 0) -> Paired:
    """Compare two arms on the same problems, one number a problem each, in the same order. Raises
    `BadInput` for different numbers of problems."""
    first, second = np.asarray(one, dtype=np.float64), np.asarray(other, dtype=np.float64)
    if first.shape != second.shape or first.ndim != 1:
        raise BadInput(
            "arms",
            given=f"{first.shape} and {second.shape} numbers",
            accepted="one number a problem each, of the same problems",
        )
    difference = first - second
    better, worse = int((difference > 0).sum()), int((difference < 0).sum())
    found = mean_interval(difference, draws, seed)
    return Paired(
        found, sign_flip_p(difference, seed), better, worse, len(difference) - better - worse
    )


def sign_flip_p(differences: FloatsLike, seed: int = 0) -> float:
    """The two-sided p-value of the sign-flip test: the share of all ways to give the differences
    signs whose sum is at least as far from 0.

    Up to `MOST_EXACT` differences other than 0 all ways are counted; beyond, (1 + hits) / (1 +
    FLIPS) of random ones, which is never 0. Without a difference p is 1.
    """
    moved = np.asarray(differences, dtype=np.float64)
    moved = moved[moved != 0.0]
    if not len(moved):
        return 1.0
    reached = abs(float(moved.sum())) * (1.0 - 1e-12)
    if len(moved) <= MOST_EXACT:
        ways = np.arange(2 ** len(moved))[:, None] >> np.arange(len(moved)) & 1
        return float((np.abs((2.0 * ways - 1.0) @ moved) >= reached).mean())
    signs = 2.0 * np.random.default_rng(seed).integers(0, 2, size=(FLIPS, len(moved))) - 1.0
    return float(((np.abs(signs @ moved) >= reached).sum() + 1) / (FLIPS + 1))


__all__ = [
    "Interval",
    "Paired",
    "compare_pairs",
    "interval",
    "mean_interval",
    "mean_intervals",
    "resample_means",
    "sign_flip_p",
]
