"""What rules achieve with k samples of a pool, for the pools of an experiment. What takes long to
count is taken from the estimates that its folder keeps."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from backend.core.statistics.weights import Floats
from backend.experiments.plan import pools
from backend.experiments.pools import PoolBatch, Pools, side_by_side
from backend.experiments.rules import RULES
from backend.experiments.shards import Estimates
from backend.experiments.spec import Arm, Experiment


class RuleOnPool(NamedTuple):
    """What a rule achieves on one pool: at each k its credit, and the chance that it gives an
    answer, all in [0, 1]."""

    credits: Sequence[float]
    answered: Sequence[float]


def estimate_rule(
    pools: Pools, name: str, ks: Sequence[int], known: Estimates, fresh: Estimates
) -> list[RuleOnPool]:
    """The rule `name` on every pool, in their order. Credits that take long are looked up in
    `known`; those that had to be counted are added to `fresh`."""
    rule = RULES[name]

    def estimate(batch: PoolBatch) -> list[RuleOnPool]:
        keys = [pools.keys[pool] for pool in batch.which]
        found = read_credits(known, name, keys, ks) if rule.kept else None
        if found is None:
            found = rule.credit(batch.columns, ks)
        elif 1 in ks:  # folders of before may hold drawn estimates at k = 1
            found[:, ks.index(1)] = rule.credit(batch.columns, (1,))[:, 0]
        shares = rule.answered(batch.columns, ks).tolist()
        return [RuleOnPool(*both) for both in zip(found.tolist(), shares, strict=True)]

    batches = list(pools.batches())
    by_pool: dict[int, RuleOnPool] = {}
    for batch, several in zip(batches, side_by_side(estimate, batches), strict=True):
        by_pool.update(zip(batch.which.tolist(), several, strict=True))
    if rule.kept:
        for pool, one in by_pool.items():
            places = ((pools.keys[pool], name, k) for k in ks)
            every = dict(zip(places, one.credits, strict=True))
            fresh.update({place: value for place, value in every.items() if place not in known})
    return [by_pool[pool] for pool in range(len(pools.keys))]


def read_credits(
    known: Estimates, rule: str, keys: Sequence[str], ks: Sequence[int]
) -> Floats | None:
    """The credits of a rule on the pools `keys`, one row a pool; None where any is not known."""
    try:
        return np.array([[known[key, rule, k] for k in ks] for key in keys])
    except KeyError:
        return None


def budgets_of(experiment: Experiment, arm: Arm) -> list[int]:
    """Numbers of samples at which a pooled arm is read: the powers of two up to the pool, and the
    budgets where they are in solutions."""
    size = experiment.pool_size(arm)
    powers = {2**power for power in range(int(math.log2(size)) + 1)}
    asked = (
        {int(value) for value in experiment.budgets.values}
        if experiment.budgets.axis == "solutions"
        else set()
    )
    return sorted(powers | {k for k in asked if k <= size})


def pool_keys(experiment: Experiment) -> dict[str, tuple[str, ...]]:
    """The pools of an experiment by key, each with the arms that read it. Those of other problems
    and repeats differ from the first in these alone, so that only one a group of arms is planned.
    """
    problems, found = experiment.problem_ids(), {}
    for task in pools(experiment, problems[0], 0, None):
        for repeat in range(experiment.repeats):
            for problem in problems:
                spec = task.spec.model_copy(
                    update={"problem": problem, "seed": experiment.seed + repeat}
                )
                found[task._replace(spec=spec).key] = task.arms
    return found


def keys_of(experiment: Experiment, arm: Arm) -> set[str]:
    """The keys of the pools that an arm reads."""
    return {key for key, arms in pool_keys(experiment).items() if arm.name in arms}


__all__ = ["RuleOnPool", "budgets_of", "estimate_rule", "keys_of", "pool_keys"]
