"""What one right answer costs: the cost of pass (Erol et al. 2025, arXiv 2504.13359).

For problem i and arm m the expected price of a first right answer, tried again and again, is v_i(m)
= mean cost / mean credit, infinite where nothing was right. It takes for granted that somebody sees
whether an answer is right; with a verifier that errs, see `imperfect`. The frontier of a set of
arms is V_i = min over m of v_i(m), and no more than what a person costs; an arm is worth what the
frontier would rise by without it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from backend.core.errors import BadInput
from backend.core.statistics.weights import Floats


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


class Frontier(NamedTuple):
    """The mean over problems of the least cost of pass, which arm gives it on each problem (None: a
    person), and by arm how many times dearer the frontier would be without it, 1 where it is not
    missed."""

    value: float
    holders: tuple[str | None, ...]
    missed: Mapping[str, float]


def pass_frontier(passes: Mapping[str, Floats], person: float) -> Frontier:
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
    return Frontier(value, holders, missed)


def _mean_of_least(table: Floats, person: float) -> float:
    return float(np.minimum(table.min(0, initial=np.inf), person).mean())


__all__ = ["Frontier", "cost_of_pass", "pass_frontier"]
