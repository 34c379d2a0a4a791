"""Which arms at which budgets nobody beats: the frontier of cost and accuracy."""

from __future__ import annotations

from backend.core.statistics.pareto import CostPoint, frontier, on_frontier
from backend.experiments.allocation import options_of
from backend.experiments.analysis import Findings, analysis
from backend.experiments.cells import find_shared_problems
from backend.experiments.charts import Plan
from backend.experiments.material import Material

DRAWS = 400


def has_costs(material: Material) -> bool:
    """Whether all arms share a problem, and any cost is known on the axis."""
    return material.knows_costs and bool(find_shared_problems(material.cells, material.arms))


@analysis(
    "pareto",
    "What nobody beats",
    order=20,
    charts={
        "options": Plan(
            "cost",
            ("accuracy",),
            "mean cost a problem: {axis}",
            "accuracy",
            by="on the frontier",
            kind="points",
            logarithmic=True,
        )
    },
    allows=has_costs,
)
def find_frontier(material: Material) -> Findings | None:
    """Every arm at every budget, and whether anything is cheaper and more accurate."""
    if not has_costs(material):
        return None
    problems = find_shared_problems(material.cells, material.arms)
    options = options_of(material, problems)
    points = [
        CostPoint(float(cost), float(accuracy))
        for cost, accuracy in zip(options.costs.mean(1), options.accuracies.mean(1), strict=True)
    ]
    chance = on_frontier(options.costs, options.accuracies, draws=DRAWS)
    there = set(frontier(points))
    rows = [
        {
            "option": name,
            "cost": point.cost,
            "accuracy": point.accuracy,
            "on the frontier": at in there,
            "chance of it": float(chance[at]),
        }
        for at, (name, point) in enumerate(zip(options.names, points, strict=True))
    ]
    return Findings(
        f"{len(there)} of {len(rows)} options are on the frontier of cost and accuracy.",
        "The chance is the share of draws of problems in which an option is on the frontier.",
        {"options": sorted(rows, key=lambda row: row["cost"])},
    )
