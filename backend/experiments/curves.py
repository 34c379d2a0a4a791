"""From cells to curves: means with bands over problems, one point a budget."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from backend.core.errors import BadInput
from backend.core.statistics.intervals import Interval, accuracy_intervals
from backend.core.statistics.pareto import CostCurve
from backend.experiments.cells import Cells
from backend.experiments.costs import AXES


class Point(NamedTuple):
    """A point of a curve: the budget, the mean cost on the axis, accuracy with its band over
    problems, the share without an answer, problems and samples or runs behind it."""

    budget: float
    cost: float
    accuracy: Interval
    unanswered: float
    problems: int
    n: int


def curve(
    found: Cells, arm: str, axis: str, problems: Callable[[str], bool] = lambda _problem: True
) -> list[Point]:
    """The points of an arm by rising budget, over the problems that all its budgets have. Raises
    `BadInput` for an axis that does not exist."""
    if axis not in AXES:
        raise BadInput("axis", given=axis, accepted=", ".join(AXES))
    mine = {budget: by for (name, budget), by in found.items() if name == arm}
    shared = (
        sorted(
            problem
            for problem in set.intersection(*(set(by) for by in mine.values()))
            if problems(problem)
        )
        if mine
        else []
    )
    by_budget = (
        [[mine[budget][problem] for problem in shared] for budget in sorted(mine)] if shared else []
    )
    bands = accuracy_intervals([[cell.credit for cell in here] for here in by_budget])
    return [
        Point(
            budget,
            float(np.mean([cell.costs[axis] for cell in here])),
            band,
            float(np.mean([1.0 - cell.answered for cell in here])),
            len(here),
            sum(cell.n for cell in here),
        )
        for budget, here, band in zip(sorted(mine) if shared else (), by_budget, bands, strict=True)
    ]


def arrays(found: Cells, arm: str, axis: str, problems: Sequence[str]) -> CostCurve:
    """An arm on some problems as `sampling.pareto` takes it: costs and credits, shape (budgets,
    problems), by rising budget."""
    mine = [(budget, by) for (name, budget), by in sorted(found.items()) if name == arm]
    return CostCurve(
        np.array([[by[problem].costs[axis] for problem in problems] for _, by in mine]),
        np.array([[by[problem].credit for problem in problems] for _, by in mine]),
    )


__all__ = ["Point", "arrays", "curve"]
