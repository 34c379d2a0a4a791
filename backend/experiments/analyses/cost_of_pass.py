"""What one right answer costs: the cost of pass (Erol et al. 2025, arXiv 2504.13359).

For problem i and arm m the expected price of a first right answer, tried again and again, is v_i(m)
= mean cost / mean credit, infinite where nothing was right. It takes for granted that somebody sees
whether an answer is right; with a verifier that errs, see `imperfect_verifier`. The frontier of a
set of arms is V_i = min over m of v_i(m), and no more than what a person costs; an arm is worth
what the frontier would rise by without it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from backend.core.errors import BadInput
from backend.core.statistics.weights import Floats
from backend.experiments.analyses.pareto import has_costs
from backend.experiments.analysis import Findings, analysis
from backend.experiments.cells import find_shared_problems
from backend.experiments.charts import Plan, Row
from backend.experiments.costs import AXES
from backend.experiments.material import Material, finite


@analysis(
    "cost of pass",
    "What one right answer costs",
    order=70,
    paper="Erol et al. 2025, arXiv 2504.13359",
    charts={
        "arms": Plan(
            "budget",
            ("median over solved",),
            "{budget}",
            "cost of a right answer",
            by="arm",
            logarithmic=True,
        )
    },
    allows=has_costs,
)
def find_cost_of_pass(material: Material) -> Findings | None:
    """What each arm pays for one right answer, and which arm would be missed most."""
    if not has_costs(material):
        return None
    problems = find_shared_problems(material.cells, material.arms)
    rows, by_place = list[Row](), {}
    for arm, budget in material.places:
        here = material.cells[arm, budget]
        values = cost_of_pass(
            np.array([here[problem].costs[material.axis] for problem in problems]),
            np.array([here[problem].credit for problem in problems]),
        )
        by_place[f"{arm} at {budget:g}"] = values
        solved = values[np.isfinite(values)]
        rows.append(
            {
                "arm": arm,
                "budget": budget,
                "solved": len(solved) / len(problems),
                "median cost of a right answer": finite(float(np.median(values))),
                "median over solved": float(np.median(solved)) if len(solved) else None,
            }
        )
    person = price_of_a_person(material)
    missed = [
        {"arm": name, "dearer without it": value}
        for name, value in sorted(
            pass_frontier(by_place, person).missed.items(), key=lambda item: -item[1]
        )
        if value > 1.0
    ]
    cheapest = missed[0]["arm"] if missed else "none in particular"
    return Findings(
        f"Over {len(material.arms)} arms, {cheapest} would be missed most on the frontier of "
        "cheapest right answers.",
        "Takes for granted that somebody sees which answer is right. A person stands in at "
        f"{person:,.0f} of {AXES[material.axis]} where no arm solves it.",
        {"arms": rows, "missed": missed},
    )


def price_of_a_person(material: Material) -> float:
    """A hundred times the dearest cell."""
    costs = [cell.costs[material.axis] for by in material.cells.values() for cell in by.values()]
    return 100.0 * max(float(np.nanmax(costs)), 1.0)


def cost_of_pass(costs: Floats, credited: Floats) -> Floats:
    """v_i, one number a problem, possibly infinite. `costs` and `credited` have one number a
    problem: the means over its runs."""
    if costs.shape != credited.shape:
        raise BadInput(
            "costs and credits",
            given=f"{costs.shape} and {credited.shape} numbers",
            accepted="one of each a problem",
        )
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(credited > 0.0, costs / credited, np.inf)


class CostFrontier(NamedTuple):
    """The mean over problems of the least cost of pass, which arm gives it on each problem (None: a
    person), and by arm how many times dearer the frontier would be without it, 1 where it is not
    missed."""

    value: float
    holders: tuple[str | None, ...]
    missed: Mapping[str, float]


def pass_frontier(passes: Mapping[str, Floats], person: float) -> CostFrontier:
    """The frontier of arms, each with one v_i a problem, and a person who solves any problem for
    `person`."""
    if not passes or not person > 0.0 or len({len(values) for values in passes.values()}) != 1:
        raise BadInput(
            "arms and the price of a person",
            given=(list(passes), person),
            accepted="arms on the same problems, and a price above 0",
        )
    names, table = list(passes), np.stack(list(passes.values()))
    value = _mean_of_least(table, person)
    least = np.minimum(table.min(0), person)
    holders = tuple(
        next((name for name, row in zip(names, table, strict=True) if row[i] == least[i]), None)
        for i in range(table.shape[1])
    )
    missed = {
        name: _mean_of_least(np.delete(table, at, 0), person) / value
        for at, name in enumerate(names)
    }
    return CostFrontier(value, holders, missed)


def _mean_of_least(table: Floats, person: float) -> float:
    return float(np.minimum(table.min(0, initial=np.inf), person).mean())
