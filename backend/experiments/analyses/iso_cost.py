"""Solutions against verifications at equal cost: is a token better spent on one more solution or on
one more look at those there are (Singhi et al. 2025, "When To Solve, When To Verify", arXiv
2504.01005)?

S solutions with V verifications each cost C(S, V) = S (1 + lambda V) solutions, lambda the tokens
of a verification over those of a solution. At every cost the best pair is read off the grid; log
S_best = alpha log C + c and log V_best = beta log C + c' are fitted over the costs.

What a pooled arm spends says where it stands in the grid: S is the number of samples, V the paths
scored for each of them. A vote has V = 0, a reward model that always says the same V = 1; a judge
whose verdicts on a solution are averaged has as many as it was asked for.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from backend.core.errors import BadInput
from backend.core.statistics.intervals import Interval, accuracy_interval
from backend.experiments.analysis import Findings, analysis
from backend.experiments.cells import find_shared_problems
from backend.experiments.charts import ACCURACY, Plan, Row
from backend.experiments.material import Material

ORACLE = "coverage"

DIGITS = 9
"""Accuracies that agree so far are equal: exact estimates differ in the last digits."""


@analysis(
    "iso-cost",
    "Solutions against verifications at equal cost",
    order=90,
    paper="Singhi et al. 2025, arXiv 2504.01005",
    charts={
        "grid": (
            Plan(
                "cost",
                ("accuracy",),
                "cost in solutions, S (1 + \u03bbV)",
                ACCURACY,
                by="way",
                logarithmic=True,
                bands=True,
            ),
            Plan("solutions", ("accuracy",), "solutions S", "", by="way", kind="grid"),
        )
    },
)
def find_iso_costs(material: Material) -> Findings | None:
    """The grid over what was measured, the pairs that no cheaper one beats, and how both numbers
    grow with the cost."""
    found = ways(material)
    verifying = [
        material.verifying[way.arm]
        for way in found
        if way.verifications and way.arm in material.verifying
    ]
    problems = find_shared_problems(material.cells, [way.arm for way in found])
    if len({way.verifications for way in found}) < 2 or not verifying or not problems:
        return None
    ratio = float(np.mean(verifying))
    measured = {way: accuracies(material, way, problems) for way in found}
    grid = {
        way: pairs({(s, way.verifications): round(at.value, DIGITS) for s, at in by.items()}, ratio)
        for way, by in measured.items()
    }
    best = best_by_cost([pair for several in grid.values() for pair in several])
    return Findings(
        in_words(ratio, best),
        "S solutions with V verifications each cost S (1 + \u03bbV) solutions, \u03bb the tokens "
        "that a verification reads over those that a solution takes; what came from a cache is not "
        "counted. A reward model always says the same, so with one V is 0 or 1, and V grows with "
        "nothing before a judge is asked several times.",
        {
            "grid": [
                row_of(way, pair, measured[way][pair.solutions], pair in best)
                for way, several in grid.items()
                for pair in several
            ],
            "growth": [
                {"of": name, "exponent of the cost": value}
                for name, value in exponents(best)._asdict().items()
            ],
        },
    )


def row_of(way: Way, pair: CostPair, measured: Interval, best: bool) -> Row:
    """A pair as a line of the table; `measured` is its accuracy with all digits."""
    return {
        "way": way.label,
        "solutions": pair.solutions,
        "verifications": pair.verifications,
        "cost": pair.cost,
        "accuracy": pair.accuracy,
        "low": measured.low,
        "high": measured.high,
        "no cheaper one beats it": best,
    }


class Way(NamedTuple):
    """A rule over the pool and how often it has every solution verified."""

    arm: str
    rule: str
    verifications: int

    @property
    def label(self) -> str:
        return f"V = {self.verifications}, {self.rule}"


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
        int(budget): accuracy_interval(
            [material.cells[way.arm, budget][problem].credit for problem in problems]
        )
        for budget in budgets
    }


def in_words(ratio: float, best: Sequence[CostPair]) -> str:
    """What the grid says in words."""
    top, checked = best[-1], next((pair for pair in best if pair.verifications), None)
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


class CostPair(NamedTuple):
    """A pair with its cost in solutions and its accuracy."""

    solutions: int
    verifications: int
    cost: float
    accuracy: float


def pairs(accuracies: Mapping[tuple[int, int], float], ratio: float) -> list[CostPair]:
    """The grid by rising cost. `accuracies` by (S, V), `ratio` is lambda. Raises `BadInput` for S
    below 1, V below 0 or a negative ratio."""
    if ratio < 0 or any(s < 1 or v < 0 for s, v in accuracies):
        raise BadInput(
            "grid",
            given=(sorted(accuracies), ratio),
            accepted="at least 1 solution, verifications and ratio from 0",
        )
    found = [
        CostPair(s, v, s * (1.0 + ratio * v), accuracy) for (s, v), accuracy in accuracies.items()
    ]
    return sorted(found, key=lambda pair: (pair.cost, -pair.accuracy))


def best_by_cost(grid: Sequence[CostPair]) -> list[CostPair]:
    """The pairs that are more accurate than all that cost no more."""
    found: list[CostPair] = []
    for pair in sorted(grid, key=lambda one: (one.cost, -one.accuracy)):
        if not found or pair.accuracy > found[-1].accuracy:
            found.append(pair)
    return found


class Exponents(NamedTuple):
    """How S and V grow with the cost: S ~ C^alpha, V ~ C^beta; None where fewer than two costs
    tell."""

    solutions: float | None
    verifications: float | None


def exponents(best: Sequence[CostPair]) -> Exponents:
    """Straight lines through the logarithms of the best pairs; for V those without verification
    tell nothing."""
    return Exponents(
        _slope([(pair.cost, pair.solutions) for pair in best]),
        _slope([(pair.cost, pair.verifications) for pair in best if pair.verifications > 0]),
    )


def _slope(pairs: Sequence[tuple[float, float]]) -> float | None:
    if len({cost for cost, _ in pairs}) < 2:
        return None
    logs = np.asarray([(math.log(cost), math.log(count)) for cost, count in pairs])
    return float(np.polyfit(logs[:, 0], logs[:, 1], 1)[0])
