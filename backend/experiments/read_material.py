"""Reads the folder of an experiment into what its analyses are made from."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping

import numpy as np

from backend import problems
from backend.core.errors import ArboretumError
from backend.experiments.cells import Repeats, average, read_repeats
from backend.experiments.costs import FREE, Prices
from backend.experiments.material import ACCEPTED_FROM, Material, StoredSolution
from backend.experiments.pool_estimates import keys_of
from backend.experiments.pools import read
from backend.experiments.rules import SampledPool
from backend.experiments.shards import Folder
from backend.experiments.slices import ALL, cells_of_kind, of_kind
from backend.experiments.spec import Arm, Experiment
from backend.problems import SETS
from backend.problems.base import Problem

SOLUTIONS_READ = 1024
"""Solutions of a pool whose steps are analysed; each of them becomes an object."""


def read_material(
    folder: Folder,
    *,
    axis: str = "generated_tokens",
    slice: str = ALL,
    threshold: float = ACCEPTED_FROM,
    wrong_costs: float = 1.0,
    prices: Prices = FREE,
    find: Callable[[str], Problem] = problems.problem,
    repeats: Repeats | None = None,
) -> Material:
    """Everything that the folder holds of the problems of one kind, such as `ledger/3`, or of all.
    `axis`, `threshold` and `wrong_costs` are choices of the reader; `find` looks problems up;
    `repeats` are all cells at these prices, where they have been read already."""
    experiment = folder.experiment
    pooled = next((arm for arm in experiment.arms if arm.pooled), None)
    pools, solutions = read_pools(folder, experiment, pooled, slice) if pooled else ({}, {})
    answered = read_answers(folder, slice)
    asked = pools.keys() | {problem for by in answered.values() for problem in by}
    steps = {problem: steps_needed(problem, find) for problem in sorted(asked)}
    repeats = cells_of_kind(repeats or read_repeats(folder, experiment, prices), slice)
    return Material(
        experiment,
        average(repeats),
        pools,
        solutions,
        answered,
        {problem: count for problem, count in steps.items() if count is not None},
        tokens_read(folder, experiment),
        costs_of_verifying(folder, experiment),
        repeats=repeats,
        axis=axis,
        threshold=threshold,
        wrong_costs=wrong_costs,
        prices=prices,
    )


def read_pools(
    folder: Folder, experiment: Experiment, arm: Arm, slice: str
) -> tuple[dict[str, SampledPool], dict[str, list[StoredSolution]]]:
    """The pools that an arm reads by problem, and the first `SOLUTIONS_READ` solutions of each; of
    a problem with repeats the last one."""
    rows = folder.results().select(["key", "problem"])
    problem_of = dict(
        zip(rows.column("key").to_pylist(), rows.column("problem").to_pylist(), strict=True)
    )
    found = read(
        folder,
        ["correct", "group", "score", "tokens", "steps", "first_wrong"],
        {key for key in keys_of(experiment, arm) if of_kind(problem_of.get(key, ""), slice)},
    )
    pools, solutions = {}, dict[str, list[StoredSolution]]()
    for at, key in enumerate(found.keys):
        one, problem = found.one(at), problem_of[key]
        pools[problem] = SampledPool(
            *(one[name].astype(np.float64) for name in ("correct", "score", "group", "tokens"))
        )
        columns = (
            one[name][:SOLUTIONS_READ].tolist() for name in ("steps", "first_wrong", "correct")
        )
        solutions.setdefault(problem, []).extend(
            StoredSolution(steps, None if wrong < 0 else wrong, right)
            for steps, wrong, right in zip(*columns, strict=True)
        )
    return pools, solutions


def read_answers(
    folder: Folder, slice: str
) -> Mapping[tuple[str, float], Mapping[str, list[StoredSolution]]]:
    """What searches answered, by arm and budget, then by problem; one without an answer has no
    step."""
    columns = ["kind", "arm", "budget", "problem", "failure", "steps", "first_wrong", "correct"]
    found: dict[tuple[str, float], dict[str, list[StoredSolution]]] = {}
    for row in folder.results().select(columns).to_pylist():
        if row["kind"] == "search" and row["failure"] is None and of_kind(row["problem"], slice):
            solution = StoredSolution(row["steps"] or 0, row["first_wrong"], row["correct"] is True)
            by = found.setdefault((row["arm"], row["budget"]), {})
            by.setdefault(row["problem"], []).append(solution)
    return found


def steps_needed(problem_id: str, find: Callable[[str], Problem]) -> int | None:
    """The steps of a written right solution; None where the set has no author."""
    try:
        problem = find(problem_id)
        if problem.set not in SETS:
            return None
        return len(SETS[problem.set].solution(problem, random.Random(0)))
    except ArboretumError:
        return None


def tokens_read(folder: Folder, experiment: Experiment) -> Mapping[str, tuple[float, float]]:
    """Prompt tokens and how many of them came from the prefix cache, by arm; arms that read one
    pool share its figures."""
    found: dict[str, tuple[float, float]] = {}
    served = {
        key: arm.name
        for arm in reversed(experiment.arms)
        if arm.pooled
        for key in keys_of(experiment, arm)
    }
    rows = (
        folder.results()
        .select(["key", "kind", "arm", "failure", "prompt_tokens", "cached_tokens"])
        .to_pylist()
    )
    for row in rows:
        if row["failure"] is None and row["kind"] != "unit" and row["prompt_tokens"] is not None:
            arm = row["arm"] or served.get(row["key"], "")
            read, cached = found.get(arm, (0.0, 0.0))
            found[arm] = (read + row["prompt_tokens"], cached + row["cached_tokens"])
    return found


def costs_of_verifying(folder: Folder, experiment: Experiment) -> Mapping[str, float]:
    """Tokens that a verifier reads for one path over those that one solution takes, by pooled arm;
    absent where nothing was scored."""
    counted = ("verifier_tokens", "verifier_calls", "generated_tokens", "model_calls")
    rows = [
        row
        for row in folder.results().select(["key", "kind", "failure", *counted]).to_pylist()
        if row["kind"] == "pool" and row["failure"] is None and row["verifier_calls"]
    ]
    found = {}
    for arm in (arm for arm in experiment.arms if arm.pooled):
        mine = keys_of(experiment, arm)
        read, calls, made, drawn = (
            sum(row[name] for row in rows if row["key"] in mine) for name in counted
        )
        if calls and made and drawn:
            found[arm.name] = (read / calls) / (made / drawn)
    return found


__all__ = ["read_material", "steps_needed"]
