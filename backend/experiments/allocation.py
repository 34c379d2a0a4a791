"""The best arm for each difficulty at a budget: compute-optimal allocation (Snell et al. 2024,
arXiv 2408.03314, section 3).

Problems are put into bins of difficulty. An option is an arm at one of its budgets; in bin b it
costs cost_b and gives accuracy acc_b. For a budget C a problem, on average, solve

    max  sum over b of w_b acc_b(option_b)    so that    sum over b of w_b cost_b(option_b) <= C

by walking up the concave hulls of the bins in the order of gain a cost. That is exact at the
corners; between two corners the last step is taken in part, which is a coin tossed for the problems
of that bin. Chosen and judged on the same problems the choice looks better than it is, so
`cross_validate` chooses on one half and judges on the other, both ways round.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from backend.core.errors import BadInput
from backend.core.statistics.pareto import CostPoint, hull
from backend.core.statistics.weights import Floats
from backend.experiments.material import Material
from backend.experiments.spec import cell_of


class OptionTable(NamedTuple):
    """`costs` and `accuracies` of each option on each problem, shape (options, problems), with the
    options' names and the problems' bins."""

    names: Sequence[str]
    costs: Floats
    accuracies: Floats
    bins: Sequence[str]

    def of(self, problems: Sequence[int]) -> OptionTable:
        """The table of some problems only."""
        at = list(problems)
        return OptionTable(
            self.names, self.costs[:, at], self.accuracies[:, at], [self.bins[i] for i in at]
        )


def options_of(material: Material, problems: Sequence[str]) -> OptionTable:
    """Every arm at every budget as an option on some problems, binned by set and level."""
    places = material.places
    return OptionTable(
        [f"{arm} at {budget:g}" for arm, budget in places],
        np.array(
            [[material.cells[place][p].costs[material.axis] for p in problems] for place in places]
        ),
        np.array([[material.cells[place][p].credit for p in problems] for place in places]),
        [cell_of(p) for p in problems],
    )


class BinChoice(NamedTuple):
    """What a bin gets: `option`, or with chance `share` the dearer `other` (None where there is no
    coin to toss)."""

    option: str
    other: str | None
    share: float


class Allocation(NamedTuple):
    """The choice for each bin, and the mean cost and accuracy a problem that it comes to."""

    choices: Mapping[str, BinChoice]
    cost: float
    accuracy: float


def allocate(table: OptionTable, budget: float) -> Allocation | None:
    """The best allocation whose mean cost is at most `budget`; None where even the cheapest options
    cost more."""
    _require(table)
    bins = sorted(set(table.bins))
    corners = {name: _corners(table, name) for name in bins}
    weight = {name: sum(each == name for each in table.bins) / len(table.bins) for name in bins}
    at = dict.fromkeys(bins, 0)
    spent = sum(weight[name] * corners[name][0][1].cost for name in bins)
    if spent > budget * (1.0 + 1e-12):
        return None
    partly: tuple[str, float] | None = None
    while steps := [
        (name, *_step(corners[name], at[name]))
        for name in bins
        if at[name] + 1 < len(corners[name])
    ]:
        name, cost, _ = max(steps, key=lambda step: (step[2] / step[1], step[0]))
        if spent + weight[name] * cost > budget:
            partly = (name, (budget - spent) / (weight[name] * cost))
            break
        at[name], spent = at[name] + 1, spent + weight[name] * cost
    return _allocation_of(table, corners, weight, at, partly)


def uniform(table: OptionTable, budget: float) -> Allocation | None:
    """The best single option for all problems whose mean cost is at most `budget`: what there is
    without knowing the difficulty."""
    _require(table)
    means = [
        CostPoint(float(cost), float(accuracy))
        for cost, accuracy in zip(table.costs.mean(1), table.accuracies.mean(1), strict=True)
    ]
    within = [i for i, point in enumerate(means) if point.cost <= budget * (1.0 + 1e-12)]
    if not within:
        return None
    best = max(within, key=lambda i: (means[i].accuracy, -means[i].cost, -i))
    return Allocation(
        dict.fromkeys(sorted(set(table.bins)), BinChoice(table.names[best], None, 0.0)),
        *means[best],
    )


class Judged(NamedTuple):
    """An allocation chosen on other problems than it was judged on: mean cost, accuracy, and the
    accuracy of the single option chosen the same way."""

    cost: float
    accuracy: float
    uniform: float


def cross_validate(table: OptionTable, budget: float) -> Judged | None:
    """Two halves of each bin's problems, every other one; None where a half is empty or allows no
    choice."""
    halves = _halves(table.bins)
    if not all(halves):
        return None
    found: list[tuple[float, float, float, int]] = []
    for chosen_on, judged_on in (halves, halves[::-1]):
        seen, unseen = table.of(chosen_on), table.of(judged_on)
        best, single = allocate(seen, budget), uniform(seen, budget)
        if best is None or single is None or not set(unseen.bins) <= set(best.choices):
            return None
        found.append(
            (*judge(unseen, best.choices), judge(unseen, single.choices)[1], len(judged_on))
        )
    weights = [each[-1] for each in found]
    return Judged(
        *(float(np.average([each[i] for each in found], weights=weights)) for i in range(3))
    )


def judge(table: OptionTable, choices: Mapping[str, BinChoice]) -> tuple[float, float]:
    """Mean cost and accuracy of choices on a table's problems; a coin counts as its expectation."""
    names = {name: at for at, name in enumerate(table.names)}
    cost = accuracy = 0.0
    for problem, name in enumerate(table.bins):
        choice = choices[name]
        for option, share in ((choice.option, 1.0 - choice.share), (choice.other, choice.share)):
            if option is not None:
                cost += share * float(table.costs[names[option], problem])
                accuracy += share * float(table.accuracies[names[option], problem])
    return cost / len(table.bins), accuracy / len(table.bins)


def _corners(table: OptionTable, name: str) -> list[tuple[str, CostPoint]]:
    at = [i for i, each in enumerate(table.bins) if each == name]
    points = [
        CostPoint(float(c), float(a))
        for c, a in zip(table.costs[:, at].mean(1), table.accuracies[:, at].mean(1), strict=True)
    ]
    return [(table.names[i], points[i]) for i in hull(points)]


def _step(corners: Sequence[tuple[str, CostPoint]], at: int) -> tuple[float, float]:
    here, there = corners[at][1], corners[at + 1][1]
    return there.cost - here.cost, there.accuracy - here.accuracy


def _allocation_of(
    table: OptionTable,
    corners: Mapping[str, Sequence[tuple[str, CostPoint]]],
    weight: Mapping[str, float],
    at: Mapping[str, int],
    partly: tuple[str, float] | None,
) -> Allocation:
    choices = {name: BinChoice(corners[name][at[name]][0], None, 0.0) for name in corners}
    if partly is not None and partly[1] > 0.0:
        name, share = partly
        choices[name] = BinChoice(choices[name].option, corners[name][at[name] + 1][0], share)
    return Allocation(choices, *judge(table, choices))


def _halves(bins: Sequence[str]) -> tuple[list[int], list[int]]:
    halves: tuple[list[int], list[int]] = ([], [])
    for name in sorted(set(bins)):
        for place, problem in enumerate(i for i, each in enumerate(bins) if each == name):
            halves[place % 2].append(problem)
    return halves


def _require(table: OptionTable) -> None:
    shape = (len(table.names), len(table.bins))
    if not all(shape) or table.costs.shape != shape or table.accuracies.shape != shape:
        raise BadInput(
            "table",
            given=f"{table.costs.shape} costs, {table.accuracies.shape} accuracies",
            accepted=f"{shape} of each, not empty",
        )


__all__ = [
    "Allocation",
    "BinChoice",
    "Judged",
    "OptionTable",
    "allocate",
    "cross_validate",
    "judge",
    "options_of",
    "uniform",
]
