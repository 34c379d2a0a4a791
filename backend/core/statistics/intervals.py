"""How sure a figure is that was measured on some problems, and whether two arms differ: the
evidence is in the problems, never in single samples.

Solutions of one problem are no independent evidence, so every figure is first one number in [0, 1]
a problem (an exact estimate, `estimators`). Its interval is Wilson's (1927, by the score test),
which stays right near 0 and 1, with the *effective* number of problems in place of their number
(the design effect of survey statistics, Kish 1965): n numbers whose mean is m vary at most as n
single draws do, by m (1 - m); where they vary less, by v, they say as much as n m (1 - m) / v
single draws. Near 0 and 1 v itself is hardly known, for a rare failure may not have been seen yet.
There it is drawn towards m (1 - m) with the weight exp(-4/3 n m (1 - m)). With one draw a problem
this is Wilson's interval itself. `python -m benchmarks.coverage` simulates how often the intervals
hold the truth: beside the bootstrap (percentile and BCa), which holds it too seldom there.

Two arms are compared on the problems that both have. Where one was better, by how much, is one
number in [0, 1] a problem; where it was worse, another. Each has its interval as above (the weight
with the share of problems that moved in place of m), and the two together are that of the mean
difference (square-and-add: Newcombe 1998, method 10; with their
correlation, Zou and Donner 2008). The test flips the signs of the differences (a paired permutation
test), which asks nothing of their distribution.

Figures that are no mean of numbers in [0, 1] (a ratio of costs, an AUROC) have percentile intervals
over problems drawn with replacement (a bootstrap clustered by problem).
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from functools import lru_cache
from statistics import NormalDist
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from backend.core.errors import BadInput
from backend.core.statistics.weights import Floats, FloatsLike

T = TypeVar("T")
METHOD = "95 % Wilson intervals over problems, by their effective number"
"""What intervals of accuracies are called where they are shown."""
PAIRED_METHOD = "95 % square-and-add intervals of paired differences over problems"
"""What intervals of differences are called where they are shown."""
BOOTSTRAP_METHOD = "95 % percentile bootstrap intervals over problems"
"""What intervals of all other figures are called where they are shown."""
LEVEL = 0.95
SQUARE = NormalDist().inv_cdf((1.0 + LEVEL) / 2.0) ** 2
"""The square of the normal quantile of an interval: 1.96^2."""
TRUST = 4.0 / 3.0
"""How soon the variance that was seen is believed; by simulation, so that intervals hold the truth
in 93 to 97 % of the cases whatever Beta distribution problems have."""
DRAWS = 2000
MOST_EXACT = 12
"""Differences other than 0 up to which all 2^n flips are counted; beyond, `FLIPS` are drawn."""
FLIPS = 20_000
MANY = 1000
"""Problems from which the bootstrap draws them one by one."""
ROUNDING = 1e-9
"""How far beyond 1 a credit may lie that was added up from many shares."""


class Interval(NamedTuple):
    """A figure with its 95 % interval; NaN where nothing is known."""

    value: float
    low: float
    high: float


UNKNOWN = Interval(math.nan, math.nan, math.nan)


def accuracy_interval(values: FloatsLike) -> Interval:
    """The mean of one number in [0, 1] a problem, shape (problems,), with its interval as the
    module's docstring has it.

    One problem says nothing of the others, so its interval is NaN. Raises `BadInput` for numbers
    outside [0, 1].
    """
    return accuracy_intervals([values])[0]


def accuracy_intervals(rows: Sequence[FloatsLike]) -> list[Interval]:
    """`accuracy_interval` of several figures of equally many problems."""
    numbers = np.asarray(rows, dtype=np.float64)
    if not numbers.size:
        return [UNKNOWN] * len(numbers)
    if not (numbers.min() >= 0.0 and numbers.max() <= 1.0 + ROUNDING):
        raise BadInput(
            "values",
            given=f"{numbers.min():g} to {numbers.max():g}",
            accepted="numbers from 0 to 1",
        )
    means, lows, highs = wilson_ends(np.minimum(numbers, 1.0))
    return [Interval(*map(float, ends)) for ends in zip(means, lows, highs, strict=True)]


def wilson_ends(numbers: Floats, telling: Floats | None = None) -> tuple[Floats, Floats, Floats]:
    """Means of each row, shape (..., problems) to (...), with the lower and upper ends of their
    intervals; NaN for one problem. `telling` is the share of problems, in [0, 1], by which the
    variance is known; None: the mean."""
    count, mean = numbers.shape[-1], numbers.mean(axis=-1)
    if count < 2:
        nothing = np.full(mean.shape, np.nan)
        return mean, nothing, nothing
    most = mean * (1.0 - mean)
    seen = np.minimum(numbers.var(axis=-1, ddof=1), most)
    known = most if telling is None else telling * (1.0 - telling)
    doubt = np.exp(-TRUST * count * known)
    variance = doubt * most + (1.0 - doubt) * seen
    # the variance of one number over that of one draw: 1 / n of it is 1 / (effective number)
    design = np.divide(variance, most, out=np.ones_like(most), where=most > 0.0)
    wide = SQUARE * design / count
    centre = (mean + wide / 2.0) / (1.0 + wide)
    half = np.sqrt(wide * most + wide**2 / 4.0) / (1.0 + wide)
    # rounding must not put the mean outside of its own interval
    low, high = np.maximum(centre - half, 0.0), np.minimum(centre + half, 1.0)
    return mean, np.minimum(low, mean), np.maximum(high, mean)


def difference_interval(differences: FloatsLike) -> Interval:
    """The mean of one difference in [-1, 1] a problem with its interval, from -1 to 1: gains and
    losses have an interval each, which are put together by square and add.

    NaN for one problem. Raises `BadInput` for numbers outside [-1, 1].
    """
    moved = np.asarray(differences, dtype=np.float64)
    if not len(moved):
        return UNKNOWN
    if not np.abs(moved).max() <= 1.0 + ROUNDING:
        raise BadInput(
            "differences",
            given=f"{moved.min():g} to {moved.max():g}",
            accepted="numbers from -1 to 1",
        )
    low, high = square_and_add(np.clip(moved, -1.0, 1.0))
    return Interval(float(moved.mean()), float(low), float(high))


def square_and_add(differences: Floats) -> tuple[Floats, Floats]:
    """The ends of the intervals of the mean of each row, shape (..., problems) to (...)."""
    gains, losses = np.maximum(differences, 0.0), np.maximum(-differences, 0.0)
    gain, least_gain, most_gain = wilson_ends(gains, share_above_zero(gains))
    loss, least_loss, most_loss = wilson_ends(losses, share_above_zero(losses))
    together = correlate(gains, losses)

    def reach(up: Floats, down: Floats) -> Floats:
        square = up**2 + down**2 - 2.0 * together * up * down
        return np.asarray(np.sqrt(np.maximum(square, 0.0)), dtype=np.float64)

    low = gain - loss - reach(gain - least_gain, most_loss - loss)
    high = gain - loss + reach(most_gain - gain, loss - least_loss)
    return np.maximum(low, -1.0), np.minimum(high, 1.0)


def share_above_zero(rows: Floats) -> Floats:
    """The share of each row that is above 0, at most a half: were it more, the variance is known
    no less."""
    return np.asarray(np.minimum((rows > 0.0).mean(axis=-1), 0.5), dtype=np.float64)


def correlate(one: Floats, other: Floats) -> Floats:
    """Pearson's correlation of each two rows; 0 where one of them does not vary."""
    first = one - one.mean(axis=-1, keepdims=True)
    second = other - other.mean(axis=-1, keepdims=True)
    scale = np.sqrt((first**2).sum(axis=-1) * (second**2).sum(axis=-1))
    shared = (first * second).sum(axis=-1)
    found = np.divide(shared, scale, out=np.zeros_like(shared), where=scale > 0.0)
    return np.asarray(found, dtype=np.float64)


def bootstrap_interval(
    problems: Sequence[T], figure: Callable[[Sequence[T]], float], draws: int = 1000, seed: int = 0
) -> Interval:
    """`figure` of all problems, and the percentile interval of it over problems drawn with
    replacement; NaN draws are left out. For figures that are no mean of numbers in [0, 1]."""
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


class Paired(NamedTuple):
    """One arm less the other on the same problems: the mean difference with its interval, the
    chance `p` of a difference at least as large where the arms do not differ (two-sided), and on
    how many problems the one was better, worse, or the same."""

    difference: Interval
    p: float
    better: int
    worse: int
    same: int


def compare_pairs(one: FloatsLike, other: FloatsLike, seed: int = 0) -> Paired:
    """Compare two arms on the same problems, one number in [0, 1] a problem each, in the same
    order. Raises `BadInput` for different numbers of problems, and for other numbers."""
    first, second = np.asarray(one, dtype=np.float64), np.asarray(other, dtype=np.float64)
    if first.shape != second.shape or first.ndim != 1:
        raise BadInput(
            "arms",
            given=f"{first.shape} and {second.shape} numbers",
            accepted="one number a problem each, of the same problems",
        )
    difference = first - second
    better, worse = int((difference > 0).sum()), int((difference < 0).sum())
    found = difference_interval(difference)
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
    sums = add_with_signs(moved, _random_flips(len(moved), seed))
    return float(((np.abs(sums) >= reached).sum() + 1) / (FLIPS + 1))


def add_with_signs(values: Floats, packed: NDArray[np.uint8]) -> Floats:
    """The sum of `values` with the signs of each row of `packed`, eight to a byte (1: plus). What
    eight values add up to is looked up by their byte: a row takes one addition a byte."""
    width = 8 * packed.shape[1]
    padded = np.concatenate([values, np.zeros(width - len(values))]).reshape(-1, 8)
    bits = np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1)
    by_byte = (2.0 * bits - 1.0) @ padded.T  # shape (256, bytes)
    return np.asarray(np.take_along_axis(by_byte, packed, axis=0).sum(axis=1), dtype=np.float64)


@lru_cache(maxsize=64)
def _random_flips(count: int, seed: int) -> NDArray[np.uint8]:
    """`FLIPS` rows of `count` random bits, eight to a byte, kept: reports compare many pairs."""
    bits = np.random.default_rng(seed).integers(0, 2, size=(FLIPS, count))
    return np.packbits(bits.astype(np.uint8), axis=1)


__all__ = [
    "BOOTSTRAP_METHOD",
    "METHOD",
    "PAIRED_METHOD",
    "Interval",
    "Paired",
    "accuracy_interval",
    "accuracy_intervals",
    "add_with_signs",
    "bootstrap_interval",
    "compare_pairs",
    "difference_interval",
    "resample_means",
    "sign_flip_p",
    "square_and_add",
    "wilson_ends",
]
