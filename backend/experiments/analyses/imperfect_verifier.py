"""Resampling until an imperfect verifier accepts: the ceiling it has, and after how many attempts
to stop (Stroebl, Kapoor and Narayanan 2024, "Inference Scaling fLaws", arXiv 2411.17501).

A problem of type t has the share pi_t; a sample is right with chance r_t. The verifier accepts a
right one with chance c_t (completeness) and rejects a wrong one with chance s_t (soundness). One
attempt is

    accepted and right  c r
    accepted and wrong  (1 - r)(1 - s)
    rejected            beta = (1 - c) r + s (1 - r)

Symbols: v_right what a right accepted answer is worth, v_wrong (at most 0) what a wrong one costs,
price of one sample.

    U(K) = sum over k = 1..K and t of
               pi_t beta_t^(k-1) (v_right c_t r_t + v_wrong (1 - r_t)(1 - s_t) - price)

An attempt counts by the chance that it is reached, pi_t beta_t^(k-1); the published notebook takes
the posterior there, which counts it twice over.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from backend.core.errors import BadInput
from backend.core.statistics.weights import Floats
from backend.experiments.analysis import Findings, analysis
from backend.experiments.charts import Plan
from backend.experiments.material import Material
from backend.experiments.rules import SampledPool

MOST = 64
"""Attempts that are looked at."""


@analysis(
    "imperfect",
    "Resampling under an imperfect verifier",
    order=50,
    paper="Stroebl et al. 2024, arXiv 2411.17501",
    reads=("wrong_costs", "threshold"),
    charts={
        "attempts": Plan(
            "k",
            ("value", "accuracy"),
            "attempts until one is accepted",
            "value; accuracy of accepted answers",
        ),
        "problems": Plan(
            "right",
            ("false positives",),
            "share of samples that are right, by problem",
            "share of wrong samples accepted",
            kind="points",
        ),
    },
)
def find_attempts(material: Material) -> Findings | None:
    """Resampling until the verifier accepts, over pools that it scored."""
    by_problem = count_accepted(material.pools, material.threshold)
    if not by_problem:
        return None
    kinds = [one.kind(1.0 / len(by_problem)) for one in by_problem.values()]
    made = attempts(kinds, MOST, v_wrong=-material.wrong_costs)
    best = best_attempts(kinds, MOST, v_wrong=-material.wrong_costs)
    ceilings = [ceiling(kind) for kind in kinds]
    known = [value for value in ceilings if value is not None]
    points = [
        {
            "problem": problem,
            "right": kind.right,
            "false positives": 1.0 - kind.soundness,
            "false negatives": 1.0 - kind.completeness,
            "ceiling": limit,
        }
        for problem, kind, limit in zip(by_problem, kinds, ceilings, strict=True)
    ]
    at_best = (
        f"accepted answers are right {float(np.mean(known)):.0%} of the time at best, the mean "
        f"ceiling over {len(known)} problems where anything is accepted"
        if known
        else "nothing is accepted from that score on"
    )
    return Findings(
        f"If a wrong accepted answer costs {material.wrong_costs:g} times what a right one is "
        f"worth, stop after {best} of {MOST} attempts; {at_best}.",
        f"The verifier is taken to accept from a score of {material.threshold:g}; chances are "
        "shares of one pool, and every problem counts the same.",
        {
            "attempts": [
                {"k": a.k, "value": a.value, "accuracy": a.accuracy, "reached": a.reached}
                for a in made
            ],
            "problems": points,
        },
    )


def count_accepted(pools: Mapping[str, SampledPool], threshold: float) -> dict[str, Counted]:
    """The samples that a verifier accepts from a score on, by problem; without pools that it scored
    nothing of."""
    return {
        problem: Counted(
            len(pool.right),
            int(pool.right.sum()),
            int(((pool.scores >= threshold) & (pool.right > 0)).sum()),
            int(((pool.scores >= threshold) & (pool.right == 0)).sum()),
        )
        for problem, pool in pools.items()
        if not np.isnan(pool.scores).all()
    }


class ProblemKind(NamedTuple):
    """Problems of one type: their share, and the chances of the module docstring, all in [0, 1]."""

    share: float
    right: float
    completeness: float
    soundness: float

    @property
    def accepted_right(self) -> float:
        return self.completeness * self.right

    @property
    def accepted_wrong(self) -> float:
        return (1.0 - self.right) * (1.0 - self.soundness)

    @property
    def rejected(self) -> float:
        return 1.0 - self.accepted_right - self.accepted_wrong


def ceiling(kind: ProblemKind) -> float | None:
    """The chance that an accepted answer is right, whatever the number of attempts; None where
    nothing is ever accepted."""
    accepted = kind.accepted_right + kind.accepted_wrong
    return kind.accepted_right / accepted if accepted > 0 else None


class Attempt(NamedTuple):
    """The k-th attempt: the chance that it is reached, what all up to it are worth together, how
    often an answer accepted by then is right (None before any), and what is believed of the kinds
    where it is reached."""

    k: int
    reached: float
    value: float
    accuracy: float | None
    belief: tuple[float, ...]


def attempts(
    kinds: Sequence[ProblemKind],
    most: int,
    *,
    v_right: float = 1.0,
    v_wrong: float = 0.0,
    price: float = 0.0,
) -> list[Attempt]:
    """The attempts 1 to `most`. Raises `BadInput` unless the shares add up to 1, every chance is in
    [0, 1], v_wrong <= 0 <= v_right and price >= 0."""
    _require(kinds, v_right, v_wrong, price)
    shares, right, wrong, rejected = (
        np.asarray(column)
        for column in zip(
            *((k.share, k.accepted_right, k.accepted_wrong, k.rejected) for k in kinds), strict=True
        )
    )
    reach, value, good, bad, found = shares, 0.0, 0.0, 0.0, list[Attempt]()
    for k in range(1, most + 1):
        value += float(reach @ (v_right * right + v_wrong * wrong - price))
        good, bad = good + float(reach @ right), bad + float(reach @ wrong)
        here = float(reach.sum())
        found.append(
            Attempt(
                k,
                here,
                value,
                good / (good + bad) if good + bad > 0 else None,
                tuple(map(float, _normalise(reach))),
            )
        )
        reach = reach * rejected
    return found


def best_attempts(
    kinds: Sequence[ProblemKind],
    most: int,
    *,
    v_right: float = 1.0,
    v_wrong: float = 0.0,
    price: float = 0.0,
) -> int:
    """K*, the number of attempts that is worth most, the least of several; 0 where even one attempt
    costs more than it brings."""
    values = [0.0] + [
        each.value for each in attempts(kinds, most, v_right=v_right, v_wrong=v_wrong, price=price)
    ]
    return int(np.argmax(values))


class Counted(NamedTuple):
    """The samples of one problem in a pool: how many there are, how many are right, and how many of
    the right and of the wrong ones are accepted."""

    samples: int
    right: int
    accepted_right: int
    accepted_wrong: int

    def kind(self, share: float) -> ProblemKind:
        """The chances as shares of the pool; a verifier that had nothing to accept or reject counts
        as perfect there."""
        wrong = self.samples - self.right
        return ProblemKind(
            share,
            self.right / self.samples,
            self.accepted_right / self.right if self.right else 1.0,
            1.0 - self.accepted_wrong / wrong if wrong else 1.0,
        )


def _normalise(weights: Floats) -> Floats:
    total = float(weights.sum())
    return np.asarray(
        weights / total if total > 0 else np.full(len(weights), 1.0 / len(weights)),
        dtype=np.float64,
    )


def _require(kinds: Sequence[ProblemKind], v_right: float, v_wrong: float, price: float) -> None:
    if (
        not kinds
        or any(not 0.0 <= chance <= 1.0 for kind in kinds for chance in kind)
        or abs(sum(k.share for k in kinds) - 1.0) > 1e-9
    ):
        raise BadInput(
            "kinds of problems",
            given=[tuple(kind) for kind in kinds],
            accepted="shares that add up to 1, chances from 0 to 1",
        )
    if v_right < 0 or v_wrong > 0 or price < 0:
        raise BadInput(
            "values",
            given=(v_right, v_wrong, price),
            accepted="v_right from 0, v_wrong up to 0, price from 0",
        )
