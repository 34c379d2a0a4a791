"""The best arm for each difficulty and budget, and what choosing by difficulty brings (Snell et al.
2024, arXiv 2408.03314, section 3); the choice itself is in `backend.experiments.allocation`."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from backend.experiments.allocation import (
    OptionTable,
    allocate,
    cross_validate,
    options_of,
    uniform,
)
from backend.experiments.analyses.pareto import has_costs
from backend.experiments.analysis import Findings, analysis
from backend.experiments.cells import find_shared_problems
from backend.experiments.charts import Plan, Row
from backend.experiments.material import Material, groups
from backend.experiments.slices import THIRDS, thirds

OPTIMAL = Plan(
    "cost",
    ("by difficulty", "one arm for all", "by difficulty, unseen", "one arm, unseen"),
    "mean cost a problem: {axis}",
    "accuracy",
    logarithmic=True,
)


@analysis(
    "difficulty",
    "The best arm by difficulty",
    order=80,
    paper="Snell et al. 2024, arXiv 2408.03314, section 3",
    charts={
        "best": Plan(
            "budget",
            ("accuracy",),
            "{budget}",
            "accuracy of the best arm there",
            by="problems",
            logarithmic=True,
        ),
        "compute-optimal": OPTIMAL,
        "compute-optimal by success": OPTIMAL,
    },
    allows=has_costs,
)
def find_best_by_difficulty(material: Material) -> Findings | None:
    """The best arm of each kind of problem, and of each third by how often samples are right."""
    if not has_costs(material):
        return None
    problems = find_shared_problems(material.cells, material.arms)
    bins, options = thirds(material.pools, problems), options_of(material, problems)
    by_third = [(third, [p for p in problems if bins[p] == third]) for third in THIRDS if bins]
    tables = {
        "best": [
            row
            for name, members in [*groups(dict.fromkeys(problems)), *by_third]
            for row in best_rows(material, name, members)
        ],
        "compute-optimal": compute_optimal(options),
    }
    if bins:
        tables["compute-optimal by success"] = compute_optimal(
            options._replace(bins=[bins[problem] for problem in problems])
        )
    return Findings(
        "Difficulty is the set and level of a problem, or the third that it belongs to by how "
        "often the model's own samples are right; the unseen columns choose on one half of the "
        "problems and judge on the other.",
        "With few problems a cell the best arm of a cell is often luck, which is why the unseen "
        "columns are there. Measuring the difficulty is not charged, and the samples that measure "
        "it are those that rules over the pool are judged on.",
        tables,
    )


def best_rows(material: Material, name: str, members: Sequence[str]) -> list[Row]:
    """The best arm at every budget on some problems, which `name` names."""
    rows = list[Row]()
    for budget in sorted({budget for _, budget in material.places}):
        accuracy = {
            arm: float(np.mean([material.cells[arm, budget][p].credit for p in members]))
            for arm in material.arms
            if (arm, budget) in material.cells
        }
        best = max(accuracy, key=lambda arm: accuracy[arm])
        rows.append(
            {"problems": name, "budget": budget, "best arm": best, "accuracy": accuracy[best]}
        )
    return rows


def compute_optimal(options: OptionTable) -> list[Row]:
    """At every mean cost of an option: what choosing by difficulty and one option for all achieve,
    seen and unseen."""
    rows = list[Row]()
    for budget in sorted(set(np.round(options.costs.mean(1), 6))):
        chosen, one = allocate(options, budget), uniform(options, budget)
        checked = cross_validate(options, budget)
        if chosen is not None and one is not None:
            rows.append(
                {
                    "cost": float(budget),
                    "by difficulty": chosen.accuracy,
                    "one arm for all": one.accuracy,
                    "by difficulty, unseen": checked and checked.accuracy,
                    "one arm, unseen": checked and checked.uniform,
                }
            )
    return rows
