"""Solutions against verifications at equal cost (Singhi et al. 2025, "When To Solve, When To
Verify", arXiv 2504.01005).

S solutions with V verifications each cost C(S, V) = S (1 + lambda V) solutions, lambda the tokens
of a verification over those of a solution. At every cost the best pair is read off the grid; log
S_best = alpha log C + c and log V_best = beta log C + c' are fitted over the costs.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from backend.core.errors import BadInput


class Cell(NamedTuple):
    """A pair with its cost in solutions and its accuracy."""

    solutions: int
    verifications: int
    cost: float
    accuracy: float


def cells(accuracies: Mapping[tuple[int, int], float], ratio: float) -> list[Cell]:
    """The grid by rising cost. `accuracies` by (S, V), `ratio` is lambda. Raises `BadInput` for S
    below 1, V below 0 or a negative ratio."""
    if ratio < 0 or any(s < 1 or v < 0 for s, v in accuracies):
        raise BadInput(
            "grid",
            given=(sorted(accuracies), ratio),
            accepted="at least 1 solution, verifications and ratio from 0",
        )
    found = [Cell(s, v, s * (1.0 + ratio * v), accuracy) for (s, v), accuracy in accuracies.items()]
    return sorted(found, key=lambda cell: (cell.cost, -cell.accuracy))


def best_by_cost(grid: Sequence[Cell]) -> list[Cell]:
    """The cells that are more accurate than all that cost no more."""
    found: list[Cell] = []
    for cell in sorted(grid, key=lambda one: (one.cost, -one.accuracy)):
        if not found or cell.accuracy > found[-1].accuracy:
            found.append(cell)
    return found


class Exponents(NamedTuple):
    """How S and V grow with the cost: S ~ C^alpha, V ~ C^beta; None where fewer than two costs
    tell."""

    solutions: float | None
    verifications: float | None


def exponents(best: Sequence[Cell]) -> Exponents:
    """Straight lines through the logarithms of the best cells; for V those without verification
    tell nothing."""
    return Exponents(
        _slope([(cell.cost, cell.solutions) for cell in best]),
        _slope([(cell.cost, cell.verifications) for cell in best if cell.verifications > 0]),
    )


def _slope(pairs: Sequence[tuple[float, float]]) -> float | None:
    if len({cost for cost, _ in pairs}) < 2:
        return None
    logs = np.asarray([(math.log(cost), math.log(count)) for cost, count in pairs])
    return float(np.polyfit(logs[:, 0], logs[:, 1], 1)[0])


__all__ = ["Cell", "Exponents", "best_by_cost", "cells", "exponents"]
