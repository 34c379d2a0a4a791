"""What perplexity consistency and RPC would achieve with k samples of a pool (Zhou et al. 2025,
arXiv 2510.15444; the rules themselves are in `backend.judging.selectors.perplexity`).

A subset is judged as the selector judges it, ties by expected credit. Pruning fits a mixture to
each subset, so no closed form exists: `draws` random subsets are judged, fixed by `SEED`, and all
of them where there are no more than that (k = n above all), which is exact. k = 1 is the share of
right samples, exactly. A draw is unbiased with
credit in [0, 1]: the standard error is at most 1 / (2 sqrt(draws)) for one pool, 0.125 at 16, and
that divided by sqrt(P) for the mean over P pools.

A pool keeps no texts. Samples of one answer with as many tokens and the same mean log-probability
count as one text. Where some samples have a probability and only others an answer, nobody wins
here, while the selector takes the best score.
"""

from __future__ import annotations

import math
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from backend.core.statistics.subsets import BLANK, SEED, Flags
from backend.core.statistics.weibull import fit
from backend.core.statistics.weights import Floats

DRAWS = 16
"""Subsets of a pool that are judged; a fit takes some milliseconds."""
FEWEST = 8
"""Below this number of solutions with a probability nothing is pruned."""


class Solutions(NamedTuple):
    """Samples as these rules see them, shape (n,): classes (`BLANK`: no readable answer), whether
    right, p = exp(mean log-probability), NaN where there is none, and numbers of the texts, equal
    for equal texts."""

    groups: NDArray[Any]
    right: Flags
    chances: Floats
    texts: NDArray[Any]

    def some(self, places: NDArray[Any]) -> Solutions:
        return Solutions(*(column[places] for column in self))


def texts(groups: NDArray[Any], tokens: NDArray[Any], logprobs: Floats) -> NDArray[Any]:
    """Numbers of the texts of one pool; samples without log-probability are all different."""
    known = ~np.isnan(logprobs)
    numbers = np.arange(len(groups))
    if known.any():
        rows = np.column_stack([groups[known], tokens[known], logprobs[known]])
        numbers[known] = len(groups) + np.unique(rows, axis=0, return_inverse=True)[1].ravel()
    return numbers


def consistency_at_k(pool: Solutions, k: int, *, pruned: bool, draws: int = DRAWS) -> float:
    """Expected credit of perplexity consistency of k samples; `pruned` makes it RPC."""
    n = len(pool.groups)
    if k == 1:  # whatever a single sample says is what it is worth
        return float((pool.right & (pool.groups != BLANK)).mean())
    right = {int(group) for group in pool.groups[pool.right & (pool.groups != BLANK)]}
    found = [credit(pool.some(places), right, pruned) for places in choose_subsets(n, k, draws)]
    return math.fsum(found) / len(found)


def choose_subsets(n: int, k: int, draws: int) -> list[NDArray[Any]]:
    """All subsets where there are at most `draws`, else so many random ones."""
    if math.comb(n, k) <= draws:
        return [np.array(places) for places in combinations(range(n), k)]
    rng = np.random.default_rng((SEED, n, k))
    return [rng.permutation(n)[:k] for _ in range(draws)]


def credit(subset: Solutions, right: set[int], pruned: bool) -> float:
    """The share of right classes among those that win; 0 where nothing can be voted for."""
    known = ~np.isnan(subset.chances)
    if not known.any():  # the selector's stand-in: every solution has one vote
        voters, weights = subset.groups != BLANK, np.ones(len(known))
    else:
        voters, weights = (
            distinct(subset.texts, keep_likely(subset, known) if pruned else known)
            & (subset.groups != BLANK),
            subset.chances,
        )
    sums = {
        int(group): math.fsum(weights[voters & (subset.groups == group)])
        for group in np.unique(subset.groups[voters])
    }
    top = max(sums.values(), default=0.0)
    leaders = [group in right for group, total in sums.items() if total == top]
    return sum(leaders) / len(leaders) if leaders else 0.0


def keep_likely(subset: Solutions, known: Flags) -> Flags:
    """Who is left after pruning: an unlikely solution goes whose probability is below the mean,
    unless nothing with an answer would be left."""
    values = subset.chances[known]
    mixture = fit(values) if len(values) >= FEWEST else None
    if mixture is None:
        return known
    left = known.copy()
    left[known] = ~((mixture.posterior(values) < 0.5) & (values < math.fsum(values) / len(values)))
    return left if (subset.groups[left] != BLANK).any() else known


def distinct(texts: NDArray[Any], voting: Flags) -> Flags:
    """One voter of each text."""
    first = np.zeros(len(texts), dtype=bool)
    places = np.flatnonzero(voting)
    first[places[np.unique(texts[places], return_index=True)[1]]] = True
    return first


__all__ = ["DRAWS", "FEWEST", "Solutions", "consistency_at_k", "texts"]
