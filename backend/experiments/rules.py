"""Rules of a pooled arm: what each achieves with k samples, one pool or many of one size at once.

Up to `EXACT_UP_TO` samples a vote is counted exactly; larger pools, and those whose scores have too
many different sums, are estimated by drawing subsets (`backend.core.statistics.subsets`).
Perplexity consistency and RPC are always drawn (`backend.core.statistics.consistency`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from backend.core.errors import BadInput
from backend.core.statistics.consistency import Solutions, consistency_at_k, texts
from backend.core.statistics.estimators import Group, majority_at_k, weighted_at_k
from backend.core.statistics.subsets import (
    BLANK,
    best_at_ks,
    by_sum_then_size,
    pass_at_ks,
    votes_at_ks,
)
from backend.core.statistics.weights import Floats

Columns: TypeAlias = Mapping[str, NDArray[Any]]
EXACT_UP_TO = 256
"""Samples of a pool up to which a vote is counted exactly: 0.01 s a k there, and growing faster
than the pool."""
REFUSED_DRAWS = 1024
"""Subsets of a small pool that are drawn where an exact count is refused: a standard error of at
most 0.016."""
SCORE_DIGITS = 2
"""Digits of a score in a weighted vote: an exact count of all sums needs few of them."""
CHANCE_DIGITS = 8
"""Digits of a probability where many pools of different texts are voted on at once."""


class SampledPool(NamedTuple):
    """A pool in numbers. `scores` NaN where there is none; `group` -1 for a sample without a
    readable answer."""

    right: Floats
    scores: Floats
    group: Floats
    tokens: Floats


def coverage(many: Columns, ks: Sequence[int]) -> Floats:
    """At least one of k is right."""
    return pass_at_ks(many["correct"].shape[1], many["correct"].sum(axis=1), ks)


def any_answer(many: Columns, ks: Sequence[int]) -> Floats:
    """At least one of k has a readable answer."""
    return pass_at_ks(many["group"].shape[1], (many["group"] != BLANK).sum(axis=1), ks)


def choose_best(many: Columns, ks: Sequence[int]) -> Floats:
    """The highest score among the samples with a readable answer."""
    return best_at_ks(many["score"], many["correct"], ks, many["group"] != BLANK)


def likeliest(many: Columns, ks: Sequence[int]) -> Floats:
    """The lowest perplexity, whether it has an answer or not."""
    return best_at_ks(many["logprob"], many["correct"], ks)


def likeliest_answers(many: Columns, ks: Sequence[int]) -> Floats:
    """The sample with the lowest perplexity has a readable answer."""
    return best_at_ks(many["logprob"], many["group"] != BLANK, ks)


def answers_by_chance(many: Columns, ks: Sequence[int]) -> Floats:
    """A vote by probability names an answer: where any sample of the subset has a probability, one
    with a probability has to have an answer too; else any answer will do."""
    n, told, known = many["group"].shape[1], many["group"] != BLANK, ~np.isnan(many["logprob"])

    def any_of(which: NDArray[Any]) -> Floats:
        return pass_at_ks(n, which.sum(axis=1), ks)

    return any_of(told & known) + any_of(told | known) - any_of(known)


def choose_majority(many: Columns, ks: Sequence[int]) -> Floats:
    if many["group"].shape[1] > EXACT_UP_TO:
        return votes_at_ks(many["group"], many["correct"], ks)
    rows = [
        (many["group"][at : at + 1], many["correct"][at : at + 1])
        for at in range(len(many["group"]))
    ]
    return np.concatenate([count_exactly(*row, ks) for row in rows])


def count_exactly(groups: NDArray[Any], right: NDArray[Any], ks: Sequence[int]) -> Floats:
    """The majority of one pool, drawn where counting is refused. Shape (1, K)."""
    try:
        return np.array([[majority_at_k(*classes(groups[0], right[0]), k) for k in ks]])
    except BadInput:
        return votes_at_ks(groups, right, ks, fewest=REFUSED_DRAWS)


def choose_weighted(many: Columns, ks: Sequence[int]) -> Floats:
    if many["group"].shape[1] > EXACT_UP_TO:
        return draw_by_score(many, ks)
    rows = [
        {name: column[at : at + 1] for name, column in many.items()}
        for at in range(len(many["group"]))
    ]
    return np.concatenate([weigh_exactly(row, ks) for row in rows])


def consistent(many: Columns, ks: Sequence[int]) -> Floats:
    return by_chance(many, ks, pruned=False)


def choose_pruned(many: Columns, ks: Sequence[int]) -> Floats:
    return by_chance(many, ks, pruned=True)


def classes(group: NDArray[Any], right: NDArray[Any]) -> tuple[list[int], list[int], int]:
    """Sizes of the right and the wrong classes of a pool, and its blank samples."""
    names, sizes = np.unique(group[group >= 0], return_counts=True)
    good = np.isin(names, group[right > 0])
    return sizes[good].tolist(), sizes[~good].tolist(), int((group < 0).sum())


def draw_by_score(many: Columns, ks: Sequence[int], fewest: int = 0) -> Floats:
    hundredths = np.rint(np.nan_to_num(many["score"]) * 10**SCORE_DIGITS).astype(np.int64)
    return votes_at_ks(many["group"], many["correct"], ks, by_sum_then_size(hundredths), fewest)


def weigh_exactly(one: Columns, ks: Sequence[int]) -> Floats:
    """The weighted vote of one pool, drawn where counting is refused. Shape (1, K)."""
    [group], [right], [score] = one["group"], one["correct"], one["score"]
    groups = []
    for name in np.unique(group[group >= 0]):
        inside = group == name
        weights = [
            None if math.isnan(value) else round(float(value), SCORE_DIGITS)
            for value in score[inside]
        ]
        groups.append(Group(bool(right[inside].any()), weights))
    try:
        return np.array([[weighted_at_k(groups, int((group < 0).sum()), k) for k in ks]])
    except BadInput:
        return draw_by_score(one, ks, REFUSED_DRAWS)


def by_chance(many: Columns, ks: Sequence[int], *, pruned: bool) -> Floats:
    """Perplexity consistency, with or without pruning; large pools in which no text occurs twice
    are plain votes by probability."""
    found = np.empty((len(many["group"]), len(ks)))
    for at, (group, right, tokens, logprob) in enumerate(
        zip(*(many[name] for name in ("group", "correct", "tokens", "logprob")), strict=True)
    ):
        chances = np.exp(np.minimum(logprob, 0.0))
        pool = Solutions(group, right, chances, texts(group, tokens, logprob))
        plain = (
            not pruned
            and len(group) > EXACT_UP_TO
            and not np.isnan(chances).any()
            and len(np.unique(pool.texts)) == len(group)
        )
        if plain:
            strength = np.rint(chances * 10**CHANCE_DIGITS).astype(np.int64)
            found[at] = votes_at_ks(group[None], right[None], ks, strength[None])[0]
        else:
            found[at] = [consistency_at_k(pool, k, pruned=pruned) for k in ks]
    return found


class PoolRule(NamedTuple):
    """What a rule reads of a sample besides its verdict and class, its credit at several k, shape
    (pools, K), and whether that is kept because it takes long; `verified`: it needs the verifier's
    scores; `answered`: the chance that what it chooses has a readable answer, of the same shape."""

    reads: tuple[str, ...]
    credit: Callable[[Columns, Sequence[int]], Floats]
    kept: bool = False
    verified: bool = False
    answered: Callable[[Columns, Sequence[int]], Floats] = any_answer


ALWAYS = ("correct", "group")
RULES: Mapping[str, PoolRule] = {
    "best": PoolRule(("score",), choose_best, verified=True),
    "weighted": PoolRule(("score",), choose_weighted, kept=True, verified=True),
    "majority": PoolRule((), choose_majority, kept=True),
    "coverage": PoolRule((), coverage),
    "perplexity": PoolRule(("logprob",), likeliest, answered=likeliest_answers),
    "perplexity_consistency": PoolRule(
        ("logprob", "tokens"), consistent, kept=True, answered=answers_by_chance
    ),
    "rpc": PoolRule(("logprob", "tokens"), choose_pruned, kept=True, answered=answers_by_chance),
}


def credits_at_ks(
    credit: Callable[[Columns, Sequence[int]], Floats],
    pools: Sequence[SampledPool],
    ks: Sequence[int],
) -> Floats:
    """What a rule, such as `choose_best`, achieves with k samples of each pool: shape (pools, K).
    Those of one size are counted together."""
    found = np.empty((len(pools), len(ks)))
    sizes = np.array([len(pool.right) for pool in pools])
    for size in np.unique(sizes):
        alike = np.flatnonzero(sizes == size)
        found[alike] = credit(as_columns([pools[at] for at in alike]), ks)
    return found


def majority(pool: SampledPool, k: int) -> float:
    """The majority of k of one pool."""
    return float(credits_at_ks(choose_majority, [pool], (k,))[0, 0])


def as_columns(pools: Sequence[SampledPool]) -> Columns:
    """Pools of one size as a batch."""
    return {
        "correct": np.stack([pool.right for pool in pools]) > 0,
        "group": np.stack([pool.group for pool in pools]).astype(np.int32),
        "score": np.stack([pool.scores for pool in pools]),
    }


__all__ = [
    "ALWAYS",
    "EXACT_UP_TO",
    "RULES",
    "Columns",
    "PoolRule",
    "SampledPool",
    "any_answer",
    "choose_best",
    "choose_majority",
    "coverage",
    "credits_at_ks",
    "majority",
]
