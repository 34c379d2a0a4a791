"""From results to cells: one number a problem for every arm and budget.

A pooled arm is computed from its samples (`backend.experiments.rules`), for every k up to its pool;
its cost is that of k samples. Repeats of a problem are averaged. A result without an answer counts
as wrong; one that failed counts as not there.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import NamedTuple, TypeAlias

import numpy as np

from backend.experiments.costs import FREE, PoolShare, Prices, costs_of
from backend.experiments.pool_estimates import budgets_of, estimate_rule, pool_keys
from backend.experiments.pools import read
from backend.experiments.rules import ALWAYS, RULES
from backend.experiments.shards import Estimates, Folder
from backend.experiments.spec import Arm, Experiment

Row: TypeAlias = Mapping[str, object]
"""A result as it is stored, by column."""


class Cell(NamedTuple):
    """An arm at a budget on one problem: credit in [0, 1] and costs by axis, the mean over repeats,
    and whether it answered. `n` is how many samples or repeats stand behind it."""

    credit: float
    answered: float
    costs: Mapping[str, float]
    n: int


Cells = Mapping[tuple[str, float], Mapping[str, Cell]]
"""By arm and budget, then by problem."""
Repeats: TypeAlias = Mapping[tuple[str, float], Mapping[str, Mapping[int, Cell]]]
"""The same by repeat, before those of a problem are averaged."""
Filling: TypeAlias = defaultdict[tuple[str, float], defaultdict[str, dict[int, Cell]]]


def read_cells(
    folder: Folder, experiment: Experiment | None = None, prices: Prices = FREE
) -> Cells:
    """All cells that the results of a folder fill; `experiment` is its description, where it has
    been read already."""
    return average(read_repeats(folder, experiment, prices))


def average(repeats: Repeats) -> Cells:
    """The cells with the repeats of each problem as one."""
    return {
        place: {problem: mean_of(list(several.values())) for problem, several in by.items()}
        for place, by in repeats.items()
    }


def read_repeats(
    folder: Folder, experiment: Experiment | None = None, prices: Prices = FREE
) -> Repeats:
    """The cells of every repeat by itself."""
    experiment = experiment or folder.experiment
    found: Filling = defaultdict(lambda: defaultdict(dict))
    by_pool: dict[str, Row] = {}
    for row in folder.results().drop_columns(["spec"]).to_pylist():
        if row["failure"] is not None or row["kind"] == "unit":
            continue
        if row["kind"] == "pool":
            by_pool[row["key"]] = row
        else:
            by_repeat = found[row["arm"], row["budget"]][row["problem"]]
            by_repeat[row["repeat"]] = cell_of_run(row, prices)
    arms = [arm for arm in experiment.arms if arm.pooled]
    if arms and by_pool:
        add_pool_cells(found, folder, experiment, arms, by_pool, prices)
    return found


def add_pool_cells(
    found: Filling,
    folder: Folder,
    experiment: Experiment,
    arms: Sequence[Arm],
    rows: Mapping[str, Row],
    prices: Prices,
) -> None:
    """Add the cells of the pooled `arms` to `found`; `rows` are the results of the pools by key.
    Estimates that had to be computed are stored in the folder."""
    keys, known, fresh = pool_keys(experiment), folder.estimates(), Estimates()
    needed = {name for arm in arms for name in RULES[str(arm.selector)].reads}
    pools = read(folder, [*ALWAYS, *sorted(needed)], rows.keys())
    paid = {
        verified: [costs_of(rows[key], prices, verified=verified) for key in pools.keys]
        for verified in (True, False)
    }
    for arm in arms:
        mine = [pool for pool, key in enumerate(pools.keys) if arm.name in keys.get(key, ())]
        ks, rule = budgets_of(experiment, arm), str(arm.selector)
        estimates = estimate_rule(pools.of(mine), rule, ks, known, fresh)
        for pool, (credits_, shares) in zip(mine, estimates, strict=True):
            row = rows[pools.keys[pool]]
            n, problem = int(pools.sizes[pool]), str(row["problem"])
            repeat = int(str(row["repeat"]))
            whole = paid[RULES[rule].verified][pool]
            for k, credit, share in zip(ks, credits_, shares, strict=True):
                cell = Cell(credit, share, PoolShare(whole, k, n), n)
                found[arm.name, float(k)][problem][repeat] = cell
    if fresh:
        folder.keep_estimates(fresh)


def cell_of_run(row: Row, prices: Prices) -> Cell:
    """The cell of one finished search."""
    right, answered = float(row["correct"] is True), float(row["answer"] is not None)
    return Cell(right, answered, costs_of(row, prices), 1)


def mean_of(several: Sequence[Cell]) -> Cell:
    """Repeats of one problem as one."""
    if len(several) == 1:
        return several[0]
    axes = several[0].costs
    return Cell(
        float(np.mean([each.credit for each in several])),
        float(np.mean([each.answered for each in several])),
        {axis: float(np.mean([each.costs[axis] for each in several])) for axis in axes},
        sum(each.n for each in several),
    )


def find_shared_problems(cells: Cells, arms: Sequence[str]) -> list[str]:
    """The problems that all budgets of all these arms have."""
    sets = [set(by) for (name, _), by in cells.items() if name in arms]
    return sorted(set.intersection(*sets)) if sets else []


__all__ = [
    "Cell",
    "Cells",
    "Repeats",
    "average",
    "find_shared_problems",
    "mean_of",
    "read_cells",
    "read_repeats",
]
