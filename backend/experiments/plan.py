"""From an experiment to the runs that it takes, each of them once: pools and anytime runs serve
many cells.

A task is known by its key, a digest of its `RunSpec`: two arms that read the same pool share it,
and a task that is finished is never carried out again, whichever process finished it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Literal, NamedTuple

from backend.core.errors import BadInput
from backend.core.keys import digest
from backend.core.registry import STRATEGIES
from backend.core.spec import RunSpec
from backend.experiments.spec import SOLUTIONS, Arm, Experiment, cell_of
from backend.judging.rules import SELECTORS
from backend.judging.scorers import VERIFIERS
from backend.problems.base import Problem

Kind = Literal["unit", "pool", "search"]
CHAIN, POOL = "chain", "best_of_n"


class Task(NamedTuple):
    """One run. `arms` are those that it serves, `budgets` the budgets (all of them for a pool or an
    anytime run, one else, none for a unit), `unit` the tokens of one solution in its cell, where
    they are needed."""

    kind: Kind
    arms: tuple[str, ...]
    problem: str
    repeat: int
    budgets: tuple[float, ...]
    unit: float | None
    spec: RunSpec

    @property
    def key(self) -> str:
        return digest(self.spec.model_dump_json(exclude_defaults=True))

    @property
    def cell(self) -> str:
        return cell_of(self.problem)


def check(experiment: Experiment, find: Callable[[str], Problem]) -> None:
    """Raise `BadInput` or `ProblemError` for a name or parameter that does not exist, before
    anything is carried out."""
    for arm in experiment.arms:
        entry = STRATEGIES[arm.strategy]
        if arm.pooled and arm.strategy != POOL:
            raise BadInput(
                f"{arm.name}: strategy of a pooled arm", given=arm.strategy, accepted=POOL
            )
        if entry.roles:
            raise BadInput(
                f"{arm.name}: strategy",
                given=arm.strategy,
                accepted="one that needs no further model",
            )
        for at in range(len(experiment.budgets.values)):
            entry.parse(params_at(arm, at))
        if not arm.pooled and arm.selector is not None:
            SELECTORS[arm.selector].with_params(arm.selector_params)
        VERIFIERS[arm.verifier].parse(arm.verifier_params)
    for problem_id in experiment.problem_ids():
        find(problem_id)


def params_at(arm: Arm, at: int) -> dict[str, object]:
    """The parameters of an arm at the budget with this index."""
    return {**arm.params, **{name: values[at] for name, values in arm.by_budget.items()}}


def size(experiment: Experiment) -> int:
    """How many runs it takes, counted without measuring anything. Tasks that are the same run count
    once."""
    # so large a solution that no two budgets are rounded to one limit
    cells = {cell_of(problem): 1e6 for problem in experiment.problem_ids()}
    return len({task.key for task in (*unit_tasks(experiment), *tasks(experiment, cells))})


def unit_tasks(experiment: Experiment) -> Iterator[Task]:
    """Chains from which the cost of one solution is measured, with the models and sampling of the
    first arm; none where budgets are not in solutions."""
    if experiment.budgets.axis != SOLUTIONS:
        return
    first, seen = experiment.arms[0], dict[str, int]()
    for problem_id in experiment.problem_ids():
        cell = cell_of(problem_id)
        if seen.setdefault(cell, 0) < experiment.measured:
            seen[cell] += 1
            for chain in range(experiment.chains):
                yield Task(
                    "unit",
                    (),
                    problem_id,
                    chain,
                    (),
                    None,
                    spec_of(first, problem_id, chain, CHAIN, {}, {}),
                )


def tasks(experiment: Experiment, units: Mapping[str, float]) -> Iterator[Task]:
    """Repeat by repeat and problem by problem, all arms of a problem together: whenever this is
    stopped, no arm is more than a problem ahead of another. `units` are the tokens of one solution
    by cell."""
    for repeat in range(experiment.repeats):
        for problem_id in experiment.problem_ids():
            unit = units.get(cell_of(problem_id))
            yield from pools(experiment, problem_id, repeat, unit)
            for arm in experiment.arms:
                if not arm.pooled:
                    yield from searches(experiment, arm, problem_id, repeat, unit)


def pools(
    experiment: Experiment, problem_id: str, repeat: int, unit: float | None
) -> Iterator[Task]:
    """The pools of a problem, each for all arms that read it; arms that differ in the size of their
    pool share the largest."""
    groups: dict[str, list[Arm]] = {}
    for arm in experiment.arms:
        if arm.pooled:
            groups.setdefault(
                arm.model_dump_json(exclude={"name", "selector", "selector_params", "pool"}), []
            ).append(arm)
    for group in groups.values():
        size = max(experiment.pool_size(arm) for arm in group)
        spec = spec_of(
            group[0], problem_id, experiment.seed + repeat, POOL, {**group[0].params, "n": size}, {}
        )
        yield Task(
            "pool",
            tuple(arm.name for arm in group),
            problem_id,
            repeat,
            experiment.budgets.values,
            unit,
            spec,
        )


def searches(
    experiment: Experiment, arm: Arm, problem_id: str, repeat: int, unit: float | None
) -> Iterator[Task]:
    """The runs of an arm on a problem: one a budget, or one for all."""
    values, seed = experiment.budgets.values, experiment.seed + repeat
    for at, value in enumerate(values):
        if arm.anytime and at < len(values) - 1:
            continue
        served = values if arm.anytime else (value,)
        spec = spec_of(
            arm,
            problem_id,
            seed,
            arm.strategy,
            params_at(arm, at),
            limit(experiment, arm, value, unit),
        )
        yield Task("search", (arm.name,), problem_id, repeat, served, unit, spec)


def limit(experiment: Experiment, arm: Arm, value: float, unit: float | None) -> dict[str, float]:
    """The limit of the ledger that a budget is."""
    if experiment.budgets.axis != SOLUTIONS:
        return {experiment.budgets.axis: arm.slack * value}
    assert unit is not None, "units are measured before the tasks are planned"
    return {"generated_tokens": float(math.ceil(arm.slack * value * unit))}


def spec_of(
    arm: Arm,
    problem_id: str,
    seed: int,
    strategy: str,
    params: dict[str, object],
    budget: dict[str, float],
) -> RunSpec:
    pooled = strategy in (CHAIN, POOL) and arm.pooled
    return RunSpec.model_validate(
        {
            "strategy": strategy,
            "params": params,
            "problem": problem_id,
            "seed": seed,
            "budget": budget,
            "engine": arm.engine,
            "model": arm.model,
            "verifier": arm.verifier,
            "verifier_model": arm.verifier_model,
            "verifier_params": arm.verifier_params,
            "aggregation": arm.aggregation,
            "selector": None if pooled or strategy == CHAIN else arm.selector,
            "selector_params": {} if pooled or strategy == CHAIN else arm.selector_params,
            "sampling": arm.sampling,
            "splitting": arm.splitting,
        }
    )


__all__ = [
    "CHAIN",
    "POOL",
    "Task",
    "check",
    "limit",
    "params_at",
    "pools",
    "searches",
    "size",
    "tasks",
    "unit_tasks",
]
