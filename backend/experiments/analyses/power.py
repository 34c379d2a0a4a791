"""How many repeats are needed: the power of a comparison of two arms, planned from what was
measured.

The difference of two arms over P problems with R repeats each varies by (between + within / R) / P:
`between` is how much the true differences of problems vary, `within` how much the difference of two
single runs of one problem does. More repeats make only the second part smaller. A true difference
is found with the chance `POWER` where that variance is at most (difference / (1.96 + 0.84))^2
(`backend.core.statistics.testing`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import NamedTuple

import numpy as np

from backend.core.statistics.testing import LEVEL, POWER, problems_needed, repeats_needed
from backend.core.statistics.weights import Floats
from backend.experiments.analyses.duels import runs_of
from backend.experiments.analysis import Findings, analysis
from backend.experiments.charts import Plan, Row
from backend.experiments.material import Material

APART = 4
"""A pool of n samples tells how much a draw of k varies where n is at least this many times k."""
TO_FIND = (0.02, 0.05, 0.1)
"""Differences of accuracy that one may want to find."""


def has_noise(material: Material) -> bool:
    """Whether the runs of any pair of arms can be told apart from their problems."""
    return any(power_rows(material, *pair) for pair in combinations(material.arms, 2))


@analysis(
    "power",
    "How many repeats are needed",
    order=13,
    charts={
        "repeats": Plan(
            "difference to find",
            ("problems needed",),
            "difference of accuracy to find",
            "problems needed",
            by="pair",
        )
    },
    allows=has_noise,
)
def find_power(material: Material) -> Findings | None:
    """The pairs of arms whose runs can be told apart from their problems, at the largest budget at
    which they can."""
    rows = [row for pair in combinations(material.arms, 2) for row in power_rows(material, *pair)]
    if not rows:
        return None
    fifths = [row for row in rows if row["difference to find"] == TO_FIND[1]]
    enough = sum(row["repeats needed"] is not None for row in fifths)
    return Findings(
        f"A difference of {TO_FIND[1]:g} can be found by more repeats on these problems in {enough} "
        f"of {len(fifths)} pairs; the others need more problems.",
        f"Assumed: problems are drawn at random from all that are meant, repeats are independent, the "
        f"mean is about normal, the variances stay as measured; two-sided level {LEVEL:g}, power "
        f"{POWER:g}, one comparison (many need more). A pooled arm counts as single draws of its k "
        f"samples, right with the chance that its pool gives, at a k of at most 1/{APART} of it; a "
        "search needs two repeats at least to be told of.",
        {"repeats": rows},
    )


def power_rows(material: Material, one: str, other: str) -> list[Row]:
    """What one pair needs, for each difference that one may want to find."""
    budget = max(usable(material, one) & usable(material, other), default=None)
    if budget is None:
        return []
    noise = noise_of(
        credits_by_problem(material, (one, budget)),
        credits_by_problem(material, (other, budget)),
        [name in pooled_arms(material) for name in (one, other)],
    )
    if noise is None:
        return []
    return [
        {
            "pair": f"{one} against {other}",
            "budget": budget,
            "difference to find": difference,
            "repeats needed": repeats_needed(
                difference, noise.between, noise.within, noise.problems
            ),
            "problems needed": problems_needed(
                difference, noise.between, noise.within, noise.repeats
            ),
            "repeats there are": noise.repeats,
            "problems there are": noise.problems,
            "between problems": noise.between,
            "within a problem": noise.within,
        }
        for difference in TO_FIND
    ]


def credits_by_problem(material: Material, place: tuple[str, float]) -> dict[str, Floats]:
    """What each run of an arm at a budget came to, shape (runs,) a problem."""
    return {problem: runs.credits for problem, runs in runs_of(material, place).items()}


def usable(material: Material, name: str) -> set[float]:
    """The budgets of an arm at which single runs can be told of."""
    budgets = {budget for arm, budget in material.places if arm == name}
    arm = next(arm for arm in material.experiment.arms if arm.name == name)
    if not arm.pooled:
        return budgets
    return {budget for budget in budgets if APART * budget <= material.experiment.pool_size(arm)}


def pooled_arms(material: Material) -> set[str]:
    return {arm.name for arm in material.experiment.arms if arm.pooled}


class Noise(NamedTuple):
    """The variances `between` problems and `within` one of the difference of two arms, and how many
    problems and repeats (of the arm with fewer) they are known from."""

    between: float
    within: float
    problems: int
    repeats: int


def noise_of(
    first: Mapping[str, Floats], second: Mapping[str, Floats], pooled: Sequence[bool]
) -> Noise | None:
    """The parts of the variance, unbiased, from the credits of the runs by problem; None where fewer than two problems have both arms, or
    where a search has no repeat."""
    problems = sorted(first.keys() & second.keys())
    sides = [[runs[problem] for problem in problems] for runs in (first, second)]
    seen = [min((len(runs) for runs in side), default=0) for side in sides]
    if len(problems) < 2 or any(
        count < 2 and not drawn for count, drawn in zip(seen, pooled, strict=True)
    ):
        return None
    means = np.array([[float(runs.mean()) for runs in side] for side in sides])
    within = np.array(
        [
            [run_variance(runs, drawn=drawn) for runs in side]
            for side, drawn in zip(sides, pooled, strict=True)
        ]
    )
    # a pool's figure is an exact mean over its draws, so that it holds no noise of single ones
    noise = [
        0.0 if drawn else float(np.mean([v / len(runs) for v, runs in zip(row, side, strict=True)]))
        for row, side, drawn in zip(within, sides, pooled, strict=True)
    ]
    between = float((means[0] - means[1]).var(ddof=1)) - sum(noise)
    return Noise(max(0.0, between), float(within.mean(axis=1).sum()), len(problems), min(seen))


def run_variance(runs: Floats, *, drawn: bool) -> float:
    """The variance of one run of a problem: of a draw from a pool c (1 - c), of a search the
    variance of its repeats."""
    if drawn:
        return float((runs * (1.0 - runs)).mean())
    return float(runs.var(ddof=1))


__all__ = ["Noise", "noise_of"]
