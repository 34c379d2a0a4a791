"""Rules at k samples of large pools, many pools at once: closed forms by tables, votes by drawing
subsets.

Pools of one size n lie in matrices of shape (P, n), one row a pool; every function returns shape
(P, K), one column a k. Coverage and best-of-k are the closed forms of `estimators`. Votes have
none, and counting them (`estimators.majority_at_k`, `weighted_at_k`) takes a time that grows faster
than n, so here they are estimated:

- k = 1 is the share of right samples, exactly;
- a pool whose leading class falls behind with a chance below `DECIDED` is not drawn: its credit is
  that of the leader. The chance is bounded by Bernstein's inequality, summed over the other
  classes; it holds for draws without replacement (Hoeffding 1963, section 6), and also for the n -
  k samples that are left out, whichever says more;
- else random subsets of k samples are drawn, `draws(k)` of them: `FEWEST` = 16 to `MOST` = 32. Each
  is unbiased, with credit in [0, 1], so the standard error is at most 1 / (2 sqrt(draws)) for one
  pool, 0.125 at 16 draws, and at most that divided by sqrt(P) for the mean over P pools.

The subsets are places in the pool, the same for all pools and fixed by `SEED`: a pool has the same
figures whatever other pools are beside it. The order of the samples must say nothing, as that of
independent draws does.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from backend.core.statistics.weights import Floats

Ints: TypeAlias = NDArray[np.int64]
Flags: TypeAlias = NDArray[np.bool_]
BLANK = -1
"""The class of a sample without a readable answer: drawn like the others, votes for nothing."""

DECIDED = 1e-3
FEWEST, MOST, ABOUT = 16, 32, 1024
"""Subsets drawn for a pool and a k: `ABOUT` samples' worth, within these bounds."""

SEED = 20_250_101
AT_ONCE = 1 << 18
"""Samples of subsets looked at together, so that they stay in the processor's cache."""

SHIFT = 44
"""Bits of a strength, below which a class is packed to be sorted with it: enough for pools of
100,000 and weights to 1000."""

SORTED_FROM = 4
"""From so many classes for a sample of the subset, subsets are sorted instead of counted into all
classes."""


def pass_table(n: int, k: int) -> Floats:
    """pass@k of pools of n with 0, 1, ... n right samples, shape (n + 1,)."""
    if k == 1:
        return np.arange(n + 1) / n
    left = np.maximum(0.0, 1.0 - k / np.arange(n, 0, -1))
    return 1.0 - np.concatenate(([1.0], np.cumprod(left)))


def pass_at_ks(n: int, right: NDArray[Any], ks: Sequence[int]) -> Floats:
    """`estimators.pass_at_k` for pools with these numbers of right samples, shape (P,)."""
    return np.stack([pass_table(n, k)[right] for k in ks], axis=1)


def best_at_ks(
    scores: Floats, right: Flags, ks: Sequence[int], answered: Flags | None = None
) -> Floats:
    """`estimators.best_of_k`; a score of NaN is none, and loses to those that are."""
    n = scores.shape[1]
    known = np.where(np.isnan(scores), -np.inf, scores)
    order = np.argsort(known, axis=1)
    if answered is not None:  # those without an answer first, whatever their scores
        order = np.lexsort((known, answered), axis=1)
    worth = np.take_along_axis(right, order, 1).astype(np.float64)
    starts = rises(np.take_along_axis(known, order, 1))
    if answered is not None:
        starts |= rises(np.take_along_axis(answered, order, 1))
    if not starts.all():
        at = np.flatnonzero(starts)
        sizes = np.diff(at, append=starts.size)
        worth = np.repeat(np.add.reduceat(worth.ravel(), at) / sizes, sizes).reshape(worth.shape)
    # the chance that all k are among the r lowest
    within = np.stack([1.0 - pass_table(n, k)[::-1] for k in ks])
    return np.asarray(worth @ np.diff(within, axis=1).T, dtype=np.float64)


def rises(ranked: NDArray[Any]) -> Flags:
    """Where a value differs from the one before it in its row; so does the first."""
    found = np.ones(ranked.shape, dtype=bool)
    found[:, 1:] = ranked[:, 1:] != ranked[:, :-1]
    return found


def by_sum_then_size(weights: Ints) -> Ints:
    """Strengths that compare sums of weights, shape (P, n), and at equal sums the number of
    samples."""
    return np.asarray(weights * (weights.shape[1] + 1) + 1, dtype=np.int64)


def draws(k: int) -> int:
    """Subsets of k samples that a pool is judged by."""
    return min(max(ABOUT // k, FEWEST), MOST)


def votes_at_ks(
    groups: NDArray[Any],
    right: Flags,
    ks: Sequence[int],
    strength: Ints | None = None,
    fewest: int = FEWEST,
) -> Floats:
    """Expected credit of the vote: the class with the greatest sum of `strength` wins, equal ones
    share the win.

    `groups`: classes from 0, `BLANK` for none, shape (P, n). `strength`: what each sample gives,
    whole numbers from 0 that a subset adds up to less than 2^`SHIFT`; None is one each, the
    majority. At least `fewest` subsets are drawn.
    """
    pools = Votes(groups, right, strength)
    found = np.empty((len(groups), len(ks)))
    for column, k in enumerate(ks):
        found[:, column] = pools.leading
        if k == 1:
            found[:, column] = (right & (groups != BLANK)).mean(axis=1)
        elif k < pools.n:
            open_ = np.flatnonzero(pools.doubt(k) >= DECIDED)
            found[open_, column] = pools.draw_credits(open_, k, max(draws(k), fewest))
    return found


def subsets(n: int, k: int, count: int) -> Ints:
    """Places of `count` random subsets, shape (count, k): those of one shuffle are disjoint."""
    rng, each = np.random.default_rng((SEED, n, k)), n // k
    shuffles = [rng.permutation(n)[: each * k].reshape(each, k) for _ in range(-(-count // each))]
    return np.asarray(np.concatenate(shuffles)[:count], dtype=np.int64)


class Votes:
    """Pools of one size before their vote."""

    def __init__(self, groups: NDArray[Any], right: Flags, strength: Ints | None) -> None:
        self.n = groups.shape[1]
        self.classes = int(groups.max(initial=BLANK)) + 1
        self.groups = np.where(groups == BLANK, self.classes, groups).astype(np.int64)
        self.strength = None if strength is None else np.where(groups == BLANK, 0, strength)
        self.right = self._sum(right) > 0
        self.right[:, self.classes] = False
        sizes = self._sum(None)
        sizes[:, self.classes] = 0.0
        total, self.mean = sizes, sizes / self.n
        self.square = self.mean
        if self.strength is not None:
            given = self.strength / max(1, int(self.strength.max(initial=1)))
            total, self.mean, self.square = (
                self._sum(self.strength),
                self._sum(given) / self.n,
                self._sum(given**2) / self.n,
            )
        self.top = total.argmax(axis=1)
        self.leading = share_credit(total[:, None, :], self.right)

    def _sum(self, values: NDArray[Any] | None) -> Floats:
        """Sums by pool and class, the blank ones last."""
        width = self.classes + 1
        places = self.groups + np.arange(len(self.groups))[:, None] * width
        sums = np.bincount(
            places.ravel(), None if values is None else values.ravel(), len(self.groups) * width
        )
        return sums.reshape(len(self.groups), width).astype(np.float64)

    def doubt(self, k: int) -> Floats:
        """A bound of the chance that the leader of k samples is not that of the pool, shape (P,).
        Classes without weight count once, as one."""
        rows = np.arange(len(self.groups))
        gap = self.mean[rows, self.top][:, None] - self.mean
        variance = self.square[rows, self.top][:, None] + self.square - gap**2
        least = 2.0 * min(k, self.n - k) * variance + 2.0 / 3.0 * (1.0 + gap) * k * gap
        chance = np.exp(-((k * gap) ** 2) / np.maximum(least, 1e-300))
        chance[:, :-1][self.square[:, :-1] == 0.0] = 0.0
        chance[rows, self.top] = 0.0
        return np.asarray(chance.sum(axis=1), dtype=np.float64)

    def draw_credits(self, which: Ints, k: int, count: int) -> Floats:
        """The mean credit of `count` subsets of each of these pools, a few pools at a time."""
        places, found = subsets(self.n, k, count), np.empty(len(which))
        step, judged = (
            max(1, AT_ONCE // (count * k)),
            self._by_sorting if self.classes > SORTED_FROM * k else self._by_class,
        )
        for at in range(0, len(which), step):
            some = which[at : at + step]
            strength = None if self.strength is None else self.strength[some][:, places]
            found[at : at + step] = judged(some, self.groups[some][:, places], strength) / count
        return found

    def _by_class(self, which: Ints, groups: Ints, strength: Ints | None) -> Floats:
        """Summed credit of subsets, shape (pools, subsets, k), by counting into all classes."""
        pools, many, _ = groups.shape
        width = self.classes + 1
        places = groups + (np.arange(pools * many) * width).reshape(pools, many, 1)
        sums = np.bincount(
            places.ravel(), None if strength is None else strength.ravel(), pools * many * width
        ).reshape(pools, many, width)
        sums[:, :, self.classes] = 0
        return share_credit(sums, self.right[which])

    def _by_sorting(self, which: Ints, groups: Ints, strength: Ints | None) -> Floats:
        """The same by sorting each subset: takes no longer where there are many classes."""
        pools, many, k = groups.shape
        packed = np.sort(groups << SHIFT | (1 if strength is None else strength), axis=2).ravel()
        named = packed >> SHIFT
        starts = np.ones(len(named), dtype=bool)
        starts[1:] = named[1:] != named[:-1]
        starts[::k] = True
        at = np.flatnonzero(starts)
        sums = np.add.reduceat(packed & ((1 << SHIFT) - 1), at)
        sums[named[at] == self.classes] = 0
        subset = at // k
        top = np.maximum.reduceat(sums, np.flatnonzero(np.diff(subset, prepend=-1)))
        wins = (sums == top[subset]) & (sums > 0)
        good = wins & self.right[which[subset // many], named[at]]
        ties = np.bincount(subset, wins, pools * many)
        return np.asarray(
            (np.bincount(subset, good, pools * many) / np.maximum(ties, 1.0))
            .reshape(pools, many)
            .sum(axis=1),
            dtype=np.float64,
        )


def share_credit(sums: NDArray[Any], right: Flags) -> Floats:
    """Credit of the classes with the greatest sum above 0, added up over subsets: `sums` (P,
    subsets, classes), `right` (P, classes)."""
    top = sums.max(axis=2, keepdims=True)
    winners = (sums == top) & (top > 0)
    ties = winners.sum(axis=2)
    good = np.matmul(winners.astype(np.float32), right[:, :, None].astype(np.float32))[:, :, 0]
    return np.asarray((good / np.maximum(ties, 1)).sum(axis=1), dtype=np.float64)


__all__ = [
    "BLANK",
    "DECIDED",
    "FEWEST",
    "best_at_ks",
    "by_sum_then_size",
    "draws",
    "pass_at_ks",
    "pass_table",
    "subsets",
    "votes_at_ks",
]
