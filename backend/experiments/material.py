"""Reads a folder into what the analyses are made from."""

from __future__ import annotations

import random
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace

import numpy as np

from backend import problems
from backend.core.errors import ArboretumError
from backend.experiments.analyses.table import ACCEPTED_FROM, Material, Solution
from backend.experiments.curves import FREE, Cells, Prices, cells, keys_of
from backend.experiments.pools import read
from backend.experiments.rules import Sampled
from backend.experiments.shards import Folder
from backend.experiments.spec import Arm, Experiment, cell_of
from backend.problems import SETS
from backend.problems.base import Problem

SOLUTIONS_READ = 1024
"""Solutions of a pool whose steps are analysed; each of them becomes an object."""


def material(
    folder: Folder,
    *,
    axis: str = "generated_tokens",
    within: str = "",
    threshold: float = ACCEPTED_FROM,
    wrong_costs: float = 1.0,
    prices: Prices = FREE,
    find: Callable[[str], Problem] = problems.problem,
) -> Material:
    """Everything that the folder holds; `within` leaves out other cells than that one, such as
    `ledger/3`."""
    experiment = folder.experiment
    found = restricted(cells(folder, experiment, prices), within)
    pooled = next((arm for arm in experiment.arms if arm.pooled), None)
    pools, solutions = pooled_material(folder, experiment, pooled, within) if pooled else ({}, {})
    answered = answers(folder, within)
    asked = pools.keys() | {problem for by in answered.values() for problem in by}
    needed = {
        problem: steps
        for problem in sorted(asked)
        if (steps := steps_needed(problem, find)) is not None
    }
    return Material(
        experiment,
        found,
        pools,
        solutions,
        answered,
        needed,
        reading(folder, experiment),
        verifying(folder, experiment),
        axis=axis,
        threshold=threshold,
        wrong_costs=wrong_costs,
    )


def pooled_material(
    folder: Folder, experiment: Experiment, arm: Arm, within: str
) -> tuple[dict[str, Sampled], dict[str, list[Solution]]]:
    """The pools that an arm reads by problem, and the first `SOLUTIONS_READ` solutions of each; of
    a problem with repeats the last one."""
    keys = keys_of(experiment, arm)
    rows = folder.results().select(["key", "problem"])
    names = dict(
        zip(rows.column("key").to_pylist(), rows.column("problem").to_pylist(), strict=True)
    )
    found = read(
        folder,
        ["correct", "group", "score", "tokens", "steps", "first_wrong"],
        {key for key in keys if inside(names.get(key, ""), within)},
    )
    pools, solutions = {}, dict[str, list[Solution]]()
    for at, key in enumerate(found.keys):
        one = found.one(at)
        pools[names[key]] = Sampled(
            *(one[name].astype(np.float64) for name in ("correct", "score", "group", "tokens"))
        )
        told = zip(
            *(one[name][:SOLUTIONS_READ].tolist() for name in ("steps", "first_wrong", "correct")),
            strict=True,
        )
        solutions.setdefault(names[key], []).extend(
            Solution(steps, None if wrong < 0 else wrong, right) for steps, wrong, right in told
        )
    return pools, solutions


def restricted(found: Cells, within: str) -> Cells:
    """The cells of one kind of problem; all of them for an empty name."""
    if not within:
        return found
    parts = {
        place: {problem: cell for problem, cell in by.items() if inside(problem, within)}
        for place, by in found.items()
    }
    return {place: by for place, by in parts.items() if by}


def narrowed(whole: Material, problems: Collection[str]) -> Material:
    """The same of some problems only; what is told of arms as a whole stays."""
    answered = {
        place: {problem: one for problem, one in by.items() if problem in problems}
        for place, by in whole.answered.items()
    }
    return replace(
        whole,
        cells={
            place: {problem: cell for problem, cell in by.items() if problem in problems}
            for place, by in whole.cells.items()
        },
        pools={problem: pool for problem, pool in whole.pools.items() if problem in problems},
        answered=answered,
        solutions={
            problem: several for problem, several in whole.solutions.items() if problem in problems
        },
    )


def inside(problem: str, within: str) -> bool:
    return not within or cell_of(problem) == within


def steps_needed(problem_id: str, find: Callable[[str], Problem]) -> int | None:
    """The steps of a written right solution; None where the set has no author."""
    try:
        problem = find(problem_id)
        return (
            len(SETS[problem.set].solution(problem, random.Random(0)))
            if problem.set in SETS
            else None
        )
    except ArboretumError:
        return None


def reading(folder: Folder, experiment: Experiment) -> Mapping[str, tuple[float, float]]:
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


def answers(
    folder: Folder, within: str
) -> Mapping[tuple[str, float], Mapping[str, list[Solution]]]:
    """What searches answered, by arm and budget, then by problem; one without an answer has no
    step."""
    found: dict[tuple[str, float], dict[str, list[Solution]]] = {}
    for row in (
        folder.results()
        .select(["kind", "arm", "budget", "problem", "failure", "steps", "first_wrong", "correct"])
        .to_pylist()
    ):
        if row["kind"] == "search" and row["failure"] is None and inside(row["problem"], within):
            told = Solution(row["steps"] or 0, row["first_wrong"], row["correct"] is True)
            found.setdefault((row["arm"], row["budget"]), {}).setdefault(row["problem"], []).append(
                told
            )
    return found


def verifying(folder: Folder, experiment: Experiment) -> Mapping[str, float]:
    """Tokens that a verifier reads for one path over those that one solution takes, by pooled arm;
    absent where nothing was scored."""
    rows = [
        row
        for row in folder.results().to_pylist()
        if row["kind"] == "pool" and row["failure"] is None and row["verifier_calls"]
    ]
    found = {}
    for arm in (arm for arm in experiment.arms if arm.pooled):
        mine = keys_of(experiment, arm)
        read, calls, made, drawn = (
            sum(row[name] for row in rows if row["key"] in mine)
            for name in ("verifier_tokens", "verifier_calls", "generated_tokens", "model_calls")
        )
        if calls and made and drawn:
            found[arm.name] = (read / calls) / (made / drawn)
    return found


__all__ = ["material", "narrowed", "reading", "restricted", "steps_needed"]
