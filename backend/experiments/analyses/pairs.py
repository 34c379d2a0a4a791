"""Arms in pairs: their costs at equal accuracy, and their differences at equal budgets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations

from backend.core.statistics.intervals import BOOTSTRAP_METHOD, PAIRED_METHOD, compare_pairs
from backend.core.statistics.pareto import CostCurve, cost_ratio
from backend.core.statistics.testing import holm
from backend.experiments.analysis import Findings, analysis
from backend.experiments.cells import find_shared_problems
from backend.experiments.charts import Plan, Row
from backend.experiments.curves import arrays
from backend.experiments.material import Material, finite

NEARLY = 0.95
"""The part of the lower of two best accuracies at which costs are compared."""
DRAWS = 400


def has_pairs(material: Material) -> bool:
    """Whether two arms share two problems."""
    problems = find_shared_problems(material.cells, material.arms)
    return len(problems) > 1 and len(material.arms) > 1


@analysis(
    "pairs",
    "Arms in pairs",
    order=10,
    charts={
        "cost at equal accuracy": Plan(
            "pair",
            ("times cheaper",),
            "",
            "how many times cheaper the first is (1: the same cost)",
            kind="intervals",
            logarithmic=True,
            bands=True,
            method=BOOTSTRAP_METHOD,
        )
    },
    allows=has_pairs,
)
def find_pairs(material: Material) -> Findings | None:
    """All pairs of arms on the problems that all have; None for fewer than two of either."""
    if not has_pairs(material):
        return None
    problems = find_shared_problems(material.cells, material.arms)
    curves = {arm: arrays(material.cells, arm, material.axis, problems) for arm in material.arms}
    pairs = list(combinations(material.arms, 2))
    return Findings(
        "How many times cheaper one arm is at the accuracy that both nearly reach, and their "
        "difference at equal budgets.",
        "Many pairs are many chances for luck: the last p is corrected for the number of lines by "
        "Holm's method, and is the one to go by where no pair was chosen beforehand. An arm that "
        f"starts above the accuracy has no measured cost for it. Differences have {PAIRED_METHOD}.",
        {
            "cost at equal accuracy": [cost_row(curves, *pair) for pair in pairs],
            "difference at equal budget": correct(
                [row for pair in pairs for row in difference_rows(material, *pair, problems)]
            ),
        },
    )


def correct(rows: Sequence[Row]) -> list[Row]:
    """The rows with their p-values corrected for their number."""
    corrected = holm([row["p"] for row in rows])
    return [{**row, "p by Holm": p} for row, p in zip(rows, corrected, strict=True)]


def cost_row(curves: Mapping[str, CostCurve], one: str, other: str) -> Row:
    """How many times cheaper `one` is where both nearly reach the lower of their best
    accuracies."""
    best = [float(curves[arm].accuracies.mean(1).max()) for arm in (one, other)]
    target = NEARLY * min(best)
    found = cost_ratio(curves[one], curves[other], target, draws=DRAWS)
    return {
        "pair": f"{one} against {other}",
        "accuracy": target,
        "times cheaper": finite(found.ratio.value),
        "low": finite(found.ratio.low),
        "high": finite(found.ratio.high),
        "both reach it": found.known,
    }


def difference_rows(material: Material, one: str, other: str, problems: Sequence[str]) -> list[Row]:
    """The accuracy of `one` less that of `other`, at each budget that both have."""
    rows = list[Row]()
    for budget in sorted({budget for _, budget in material.cells}):
        if (one, budget) not in material.cells or (other, budget) not in material.cells:
            continue
        first, second = material.cells[one, budget], material.cells[other, budget]
        found = compare_pairs(
            [first[p].credit for p in problems], [second[p].credit for p in problems]
        )
        rows.append(
            {
                "one": one,
                "less": other,
                "budget": budget,
                "difference": found.difference.value,
                "low": found.difference.low,
                "high": found.difference.high,
                "p": found.p,
                "better on": found.better,
                "worse on": found.worse,
            }
        )
    return rows
