"""Solutions against verifications at equal cost: is a token better spent on one more solution or on
one more look at those there are?

What a pooled arm spends says where it stands in the grid: S is the number of samples, V the paths
scored for each of them. A vote has V = 0, a reward model that always says the same V = 1; a judge
whose verdicts on a solution are averaged has as many as it was asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from backend.core.statistics.intervals import Interval, mean_interval
from backend.experiments.analyses.base import Analysis, Material, Row
from backend.experiments.analyses.iso_cost import Cell, best_by_cost, cells, exponents
from backend.experiments.curves import shared_problems

ORACLE = "coverage"
DIGITS = 9
"""Accuracies that agree so far are equal: exact estimates differ in the last digits."""


class Way(NamedTuple):
    """A rule over the pool and how often it has every solution verified."""

    arm: str
    rule: str
    verifications: int

    @property
    def label(self) -> str:
        return f"V = {self.verifications}, {self.rule}"


def iso_costs(material: Material) -> Analysis | None:
    """The grid over what was measured, the pairs that no cheaper one beats, and how both numbers
    grow with the cost."""
    found = ways(material)
    ratios = [
        material.verifying[way.arm]
        for way in found
        if way.verifications and way.arm in material.verifying
    ]
    problems = shared_problems(material.cells, [way.arm for way in found])
    if len({way.verifications for way in found}) < 2 or not ratios or not problems:
        return None
    ratio = float(np.mean(ratios))
    measured = {way: accuracies(material, way, problems) for way in found}
    grid = {
        way: cells({(s, way.verifications): round(at.value, DIGITS) for s, at in by.items()}, ratio)
        for way, by in measured.items()
    }
    best = best_by_cost([cell for several in grid.values() for cell in several])
    rows: list[Row] = [
        {
            "way": way.label,
            "solutions": cell.solutions,
            "verifications": cell.verifications,
            "cost": cell.cost,
            "accuracy": cell.accuracy,
            "low": measured[way][cell.solutions].low,
            "high": measured[way][cell.solutions].high,
            "no cheaper one beats it": cell in best,
        }
        for way, several in grid.items()
        for cell in several
    ]
    grown = exponents(best)
    growth: list[Row] = [
        {"of": name, "exponent of the cost": value} for name, value in grown._asdict().items()
    ]
    return Analysis(
        "iso-cost",
        "Solutions against verifications at equal cost",
        told(ratio, best),
        "S solutions with V verifications each cost S (1 + \u03bbV) solutions, \u03bb the tokens "
        "that a verification reads over those that a "
        "solution takes; what came from a cache is not counted. A reward model always says the "
        "same, so with one V is 0 or 1, and V grows with "
        "nothing before a judge is asked several times.",
        "Singhi et al. 2025, arXiv 2504.01005",
        {"grid": rows, "growth": growth},
    )


def ways(material: Material) -> list[Way]:
    """The pooled arms that have cells, without the oracle, with the verifications of each solution
    that they spend."""
    found = []
    for arm in material.experiment.arms:
        by = next((by for (name, _), by in material.cells.items() if name == arm.name), {})
        spent = [
            (cell.costs.get("verifier_calls"), cell.costs.get("samples")) for cell in by.values()
        ]
        each = [calls / samples for calls, samples in spent if calls is not None and samples]
        if arm.pooled and arm.selector != ORACLE and each:
            found.append(Way(arm.name, arm.name, round(float(np.mean(each)))))
    return sorted(found, key=lambda way: way.verifications)


def accuracies(material: Material, way: Way, problems: Sequence[str]) -> dict[int, Interval]:
    """Accuracy by the number of solutions."""
    budgets = sorted(budget for arm, budget in material.cells if arm == way.arm)
    return {
        int(budget): mean_interval(
            [material.cells[way.arm, budget][problem].credit for problem in problems]
        )
        for budget in budgets
    }


def told(ratio: float, best: Sequence[Cell]) -> str:
    """What the grid says in words."""
    top, checked = best[-1], next((cell for cell in best if cell.verifications), None)
    when = (
        "voting without any is never beaten"
        if checked is None
        else f"it pays from a cost of {checked.cost:.1f} solutions on"
    )
    looks = {0: "without verification", 1: "each verified once"}.get(
        top.verifications, f"each verified {top.verifications} times"
    )
    return (
        f"One verification costs {ratio:.2f} of a solution; {when}. The most accurate pair is "
        f"{top.solutions} solutions {looks}: "
        f"{top.accuracy:.2f} at the cost of {top.cost:.1f} solutions."
    )


__all__ = ["iso_costs", "ways"]
