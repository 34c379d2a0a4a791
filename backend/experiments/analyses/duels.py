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


def has_duels(material: Material) -> bool:
    """Whether two arms share two problems at a budget."""
    by_budget: dict[float, list[set[str]]] = {}
    for arm, budget in material.places:
        by_budget.setdefault(budget, []).append(set(material.cells[arm, budget]))
    pairs = (pair for several in by_budget.values() for pair in combinations(several, 2))
    return any(len(one & other) > 1 for one, other in pairs)


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
    allows=has_duels,
)
def find_duels(material: Material) -> Findings | None:
    """All pairs of arms at every budget that both have, on the problems that both have there."""
    runs = {place: runs_of(material, place) for place in material.places}
    rows = list[Row]()
    for one, other in combinations(material.arms, 2):
        for budget in sorted({budget for _, budget in material.places}):
            row = duel_row(runs.get((one, budget), {}), runs.get((other, budget), {}))
            if row is not None:
                rows.append({"pair": f"{one} against {other}", "budget": budget, **row})
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


def duel_row(first: Mapping[str, RunsInNumbers], second: Mapping[str, RunsInNumbers]) -> Row | None:
    """Two arms at one budget, their runs by problem; None where fewer than two problems have
    both."""
    problems = sorted(first.keys() & second.keys())
    if len(problems) < 2:
        return None
    duels = duel_all([first[p] for p in problems], [second[p] for p in problems])
    found = compare_pairs(
        [first[p].accuracy for p in problems], [second[p].accuracy for p in problems]
    )
    means = Duel(*duels.mean(axis=0).tolist())
    return {
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


class RunsInNumbers(NamedTuple):
    """The runs of an arm on one problem at a budget: credits and costs, shape (runs,), and the mean
    credit."""

    credits: Floats
    costs: Floats
    accuracy: float


def runs_of(material: Material, place: tuple[str, float]) -> dict[str, RunsInNumbers]:
    """The runs of an arm at a budget by problem: its repeats, or what stands for them."""
    cells = {problem: [cell] for problem, cell in material.cells.get(place, {}).items()}
    if place in material.repeats:
        cells = {problem: list(by.values()) for problem, by in material.repeats[place].items()}
    return {problem: as_runs(several, material.axis) for problem, several in cells.items()}


def as_runs(cells: Sequence[Cell], axis: str) -> RunsInNumbers:
    """RunsInNumbers in numbers, with their costs on an axis."""
    credits_ = np.array([cell.credit for cell in cells])
    costs = np.array([cell.costs[axis] for cell in cells])
    return RunsInNumbers(credits_, costs, float(credits_.mean()))


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
    return Duel(*duel_all([as_runs(first, axis)], [as_runs(second, axis)])[0].tolist())


def duel_all(first: Sequence[RunsInNumbers], second: Sequence[RunsInNumbers]) -> Floats:
    """The duels of two arms on each problem, shape (problems, fields of `Duel`). Problems with as
    many runs are counted together."""
    found = np.empty((len(first), len(Duel._fields)))
    shapes = [(len(a.credits), len(b.credits)) for a, b in zip(first, second, strict=True)]
    for shape in set(shapes):
        alike = [at for at, each in enumerate(shapes) if each == shape]
        one = np.stack([first[at].credits for at in alike])[:, :, None]
        other = np.stack([second[at].credits for at in alike])[:, None, :]
        paid = np.stack([first[at].costs for at in alike])[:, :, None]
        compared = np.stack([second[at].costs for at in alike])[:, None, :]
        wins, losses = one * (1.0 - other), (1.0 - one) * other
        ties = 1.0 - wins - losses
        cheaper = 0.5 + 0.5 * np.sign(compared - paid)
        parts = (wins, ties, losses, wins + ties * cheaper)
        found[alike] = np.stack([part.mean(axis=(1, 2)) for part in parts], axis=1)
    return found


__all__ = ["Duel", "duel"]
