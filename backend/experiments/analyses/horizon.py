"""How far a model gets: accuracy against the number of steps a problem needs.

If every step succeeds with the same chance q and every step counts, a problem of n steps is solved
with chance q^n, so that the length solved half of the time is ln .5 / ln q. Per-step accuracies
that look alike are horizons far apart: .99 reaches 69 steps, .999 reaches 693 (Sinha et al. 2025,
"The Illusion of Diminishing Returns", arXiv 2509.09677). Where steps are not alike (later ones
harder, mistakes repaired), the curve leaves q^n, and the table shows it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from backend.core.errors import BadInput
from backend.experiments.analysis import Findings, analysis
from backend.experiments.charts import Plan
from backend.experiments.material import Material
from backend.experiments.rules import SampledPool


@analysis(
    "horizon",
    "How far a single chain gets",
    order=120,
    paper="Sinha et al. 2025, arXiv 2509.09677",
    charts={
        "accuracy": Plan(
            "steps",
            ("accuracy", "fitted"),
            "steps that the problem needs",
            "share of solutions that are right",
        ),
        "steps": Plan(
            "step",
            ("right",),
            "step of the solution",
            "share right, of those right until then",
        ),
    },
)
def find_horizon(material: Material) -> Findings | None:
    """Accuracy of single samples against the steps that a problem needs."""
    lengths = count_by_length(material)
    law = horizon(lengths)
    if law is None:
        return None
    rows = [
        {
            "steps": one.steps,
            "solutions": one.solutions,
            "accuracy": one.right / one.solutions,
            "fitted": law.per_step**one.steps,
        }
        for one in lengths
    ]
    solutions = [one for several in material.solutions.values() for one in several]
    stays = survival([one.first_wrong for one in solutions], [one.steps for one in solutions])
    half = "none" if law.half is None else f"{law.half:.1f}"
    return Findings(
        f"If every step were right with the same chance, {law.per_step:.3f}, half of the problems "
        f"of {half} steps would be solved.",
        "Steps are not alike, and some mistakes are repaired: compare the fitted column with the "
        "measured one.",
        {
            "accuracy": rows,
            "steps": [{"step": at, "right": value} for at, value in enumerate(stays, 1)],
        },
    )


def count_by_length(material: Material) -> list[Length]:
    """Samples of the problems whose steps are known, by the number of steps."""
    pools: dict[int, list[SampledPool]] = {}
    for problem, pool in material.pools.items():
        if problem in material.needed:
            pools.setdefault(material.needed[problem], []).append(pool)
    return [
        Length(
            steps,
            float(sum(len(pool.right) for pool in several)),
            float(sum(pool.right.sum() for pool in several)),
        )
        for steps, several in sorted(pools.items())
    ]


class Length(NamedTuple):
    """Solutions of problems that need `steps` steps: how many there are, and how many of them are
    right (a mean credit times the number)."""

    steps: int
    solutions: float
    right: float


class Horizon(NamedTuple):
    """The chance q that fits best by likelihood, and the length solved half of the time; None where
    q is 1 and there is no end to it."""

    per_step: float
    half: float | None


def horizon(lengths: Sequence[Length]) -> Horizon | None:
    """q by maximum likelihood over all lengths; None without solutions."""
    for each in lengths:
        if each.steps < 1 or not 0 <= each.right <= each.solutions:
            raise BadInput(
                "length",
                given=tuple(each),
                accepted="at least one step, right ones from 0 to the number of solutions",
            )
    answered = [each for each in lengths if each.solutions > 0]
    if not answered:
        return None
    if all(each.right == 0 for each in answered):
        return Horizon(0.0, 0.0)
    if all(each.right == each.solutions for each in answered):
        return Horizon(1.0, None)

    def cost(log_q: float) -> float:
        return -sum(
            each.right * each.steps * log_q
            + (each.solutions - each.right) * math.log(-math.expm1(each.steps * log_q))
            for each in answered
        )

    from scipy.optimize import minimize_scalar  # heavy: imported when something is fitted

    log_q = float(
        minimize_scalar(cost, bounds=(-20.0, -1e-9), method="bounded", options={"xatol": 1e-12}).x
    )
    return Horizon(math.exp(log_q), math.log(0.5) / log_q)


def survival(first_wrong: Sequence[int | None], lengths: Sequence[int]) -> list[float]:
    """The chance that step i, counted from 1, is right where all before it were: one number a step,
    by the solutions that got so far.

    `first_wrong` is the index, from 0, of a solution's first wrong step, None where all are right;
    `lengths` how many steps it has.
    """
    if len(first_wrong) != len(lengths):
        raise BadInput(
            "solutions",
            given=f"{len(first_wrong)} first mistakes for {len(lengths)} lengths",
            accepted="one of each a solution",
        )
    found = []
    for step in range(max(lengths, default=0)):
        here = [
            wrong
            for wrong, length in zip(first_wrong, lengths, strict=True)
            if length > step and (wrong is None or wrong >= step)
        ]
        if not here:
            break
        found.append(sum(wrong is None or wrong > step for wrong in here) / len(here))
    return found
