"""What the evaluation table counts: pure functions from judged solutions to numbers.

A *first mistake* is the first step with a kind; steps up to and including it have a right prefix,
and only those enter the reward model's AUROC. Every figure of a cell is a mean of one number per
problem, so intervals come from resampling problems (a bootstrap clustered by problem): solutions of
one problem are no independent evidence.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from backend.core.statistics import ranking
from backend.core.statistics.estimators import best_of_k, majority_at_k, pass_at_k

T = TypeVar("T")
Scores = tuple[float, ...]


@dataclass(frozen=True)
class JudgedSample:
    """One solution: whether its answer is right, the answer, each step's kind of mistake (None:
    good), a step score per verifier."""

    correct: bool
    answer: str | None
    text: str
    kinds: tuple[str | None, ...]
    scores: Mapping[str, Scores] = field(default_factory=dict)

    @property
    def first_mistake(self) -> int | None:
        """Index of the first wrong step, counted from 0."""
        return next((i for i, kind in enumerate(self.kinds) if kind is not None), None)


def mean(values: Sequence[float]) -> float:
    """The mean, NaN of nothing."""
    return sum(values) / len(values) if values else math.nan


def pass_at(samples: Sequence[JudgedSample], k: int) -> float:
    """Chance that k of the samples, drawn without replacement, hold a right one."""
    return pass_at_k(len(samples), sum(s.correct for s in samples), k)


def majority(samples: Sequence[JudgedSample]) -> float:
    """Whether the commonest answer is right: 1 or 0, and the share of right ones where several are
    equally common."""
    votes = Counter(s.answer for s in samples if s.answer is not None)
    right = {s.answer for s in samples if s.correct}
    good = [count for answer, count in votes.items() if answer in right]
    bad = [count for answer, count in votes.items() if answer not in right]
    return majority_at_k(good, bad, len(samples) - sum(votes.values()), len(samples))


def distinct_right(samples: Sequence[JudgedSample]) -> float:
    """Number of right solutions that differ in what they write and whose every step is good."""
    return float(len({s.text for s in samples if s.correct and s.first_mistake is None}))


def best_of(
    samples: Sequence[JudgedSample], k: int, score: Callable[[JudgedSample], float]
) -> float:
    """Expected correctness of the best-scored of k samples drawn without replacement; equal scores
    share the win."""
    return best_of_k([score(s) for s in samples], [float(s.correct) for s in samples], k)


class Steps(NamedTuple):
    """Scored steps whose prefix is right, as columns: score, whether it is good, depth from 0, kind
    of mistake or an empty text."""

    scores: NDArray[np.float64]
    good: NDArray[np.bool_]
    depths: NDArray[np.int64]
    kinds: NDArray[np.str_]

    def where(self, chosen: NDArray[np.bool_]) -> Steps:
        """The rows that the mask keeps."""
        return Steps(
            self.scores[chosen], self.good[chosen], self.depths[chosen], self.kinds[chosen]
        )


def score_steps(samples: Sequence[JudgedSample], verifier: str) -> Steps:
    """Every step with a right prefix: up to and including the first mistake."""
    rows = [
        (score, sample.kinds[depth] is None, depth, sample.kinds[depth] or "")
        for sample in samples
        for depth, score in enumerate(sample.scores[verifier])
        if sample.first_mistake is None or depth <= sample.first_mistake
    ]
    scores, good, depths, kinds = zip(*rows, strict=True) if rows else ((), (), (), ())
    return Steps(
        np.array(scores, float), np.array(good, bool), np.array(depths, int), np.array(kinds, str)
    )


def join_steps(parts: Sequence[Steps]) -> Steps:
    """The steps of several problems."""
    return Steps(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def auroc(steps: Steps) -> float:
    """Chance that a good step scores above a bad one, ties half; NaN if one side is empty."""
    return ranking.auroc(steps.scores, steps.good)


AGGREGATIONS: Mapping[str, Callable[[Scores], float]] = {
    "last": lambda scores: scores[-1],
    "min": min,
    "mean": mean,
    "prod": math.prod,
}


def rank_by(verifier: str, aggregation: str) -> Callable[[JudgedSample], float]:
    """A solution's score by a verifier, its steps aggregated; a solution without a step comes
    last.
    """
    fold = AGGREGATIONS[aggregation]
    return lambda sample: fold(sample.scores[verifier]) if sample.scores.get(verifier) else -1.0
