"""Two arms on one problem, a run of each: who wins?

A right run beats a wrong one. Over a random problem, and a random run of each arm there, the one
wins with some chance, loses with some, and the rest are ties, which count half in the win rate: it
is (1 + difference of the accuracies) / 2, with the same evidence. Ties by correctness are broken by
cost in a second rate: of two right runs, or two wrong ones, the cheaper wins.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import NamedTuple

import numpy as np

from backend.core.statistics.intervals import PAIRED_METHOD, compare_pairs
from backend.core.statistics.testing import holm
from backend.core.statistics.weights import Floats
from backend.experiments.analysis import Findings, analysis
from backend.experiments.cells import Cell
from backend.experiments.charts import Plan, Row
from backend.experiments.material import Material

LARGEST = "largest budget of both"


@analysis(
    "duels",
    "Duels of two arms",
    order=11,
    charts={
        LARGEST: Plan(
            "pair",
            ("win rate",),
            "",
            "win rate of the first, ties half",
            kind="intervals",
            bands=True,
            method=PAIRED_METHOD,
            neutral=0.5,
        )
    },
)
def find_duels(material: Material) -> Findings | None:
    """All pairs of arms at every budget that both have, on the problems that both have there."""
    rows = [
        row
        for one, other in combinations(material.arms, 2)
        for budget in sorted({budget for _, budget in material.places})
        if (row := duel_row(material, one, other, budget)) is not None
    ]
    if not rows:
        return None
    corrected = holm([row["p"] for row in rows])
    told = [{**row, "p by Holm": p} for row, p in zip(rows, corrected, strict=True)]
    largest = {row["pair"]: row for row in told}  # budgets rise
    sure = sum(p <= 0.05 for p in corrected)
    return Findings(
        f"{sure} of {len(rows)} duels are decided, counting all of them (p by Holm at most 0.05).",
        "Ties count half. A win rate says nothing of how often both fail; the columns of wins, ties "
        "and losses do. Arms that read one pool count as if each drew its own. Bands are "
        f"{PAIRED_METHOD}, p is that of the sign-flip test.",
        {LARGEST: list(largest.values()), "all budgets": told},
    )


def duel_row(material: Material, one: str, other: str, budget: float) -> Row | None:
    """One pair at one budget; None where fewer than two problems have both."""
    first, second = (runs_of(material, (arm, budget)) for arm in (one, other))
    problems = sorted(first.keys() & second.keys())
    if len(problems) < 2:
        return None
    duels = [duel(first[p], second[p], material.axis) for p in problems]
    found = compare_pairs(mean_credits(first, problems), mean_credits(second, problems))
    means = Duel(*(float(np.mean(column)) for column in zip(*duels, strict=True)))
    return {
        "pair": f"{one} against {other}",
        "budget": budget,
        "win rate": (1.0 + found.difference.value) / 2.0,
        "low": (1.0 + found.difference.low) / 2.0,
        "high": (1.0 + found.difference.high) / 2.0,
        "wins": means.wins,
        "ties": means.ties,
        "losses": means.losses,
        "win rate, ties to the cheaper": means.thrifty if np.isfinite(means.thrifty) else None,
        "problems": len(problems),
        "p": found.p,
    }


def runs_of(material: Material, place: tuple[str, float]) -> dict[str, Sequence[Cell]]:
    """The runs of an arm at a budget by problem: its repeats, or what stands for them."""
    if place in material.repeats:
        return {problem: list(by.values()) for problem, by in material.repeats[place].items()}
    return {problem: [cell] for problem, cell in material.cells.get(place, {}).items()}


class Duel(NamedTuple):
    """Chances in [0, 1] over a random run of each arm: that the first alone is right, that both or
    none are, that the second alone is; `thrifty` is the win rate where ties go to the cheaper run
    (half, where they cost the same), NaN where a cost is not known."""

    wins: float
    ties: float
    losses: float
    thrifty: float


def duel(first: Sequence[Cell], second: Sequence[Cell], axis: str) -> Duel:
    """All pairs of runs of one problem; a credit between 0 and 1 is the chance to be right."""
    one, other = (credits_of(runs)[:, None] for runs in (first, second))
    wins, losses = one * (1.0 - other.T), (1.0 - one) * other.T
    ties = 1.0 - wins - losses
    paid, compared = (
        np.array([cell.costs[axis] for cell in runs])[:, None] for runs in (first, second)
    )
    cheaper = 0.5 + 0.5 * np.sign(compared.T - paid)
    return Duel(*(float(part.mean()) for part in (wins, ties, losses, wins + ties * cheaper)))


def mean_credits(runs: Mapping[str, Sequence[Cell]], problems: Sequence[str]) -> list[float]:
    """The accuracy of an arm on each problem."""
    return [float(credits_of(runs[problem]).mean()) for problem in problems]


def credits_of(runs: Sequence[Cell]) -> Floats:
    return np.array([cell.credit for cell in runs], dtype=np.float64)


__all__ = ["Duel", "duel"]
