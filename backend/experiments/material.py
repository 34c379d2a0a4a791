"""Reads a folder into what the analyses are made from."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping

from backend import problems
from backend.errors import ArboretumError
from backend.experiments.analyses import ACCEPTED_FROM, Material, Solution
from backend.experiments.curves import FREE, Cells, Prices, cells, keys_of, sampled
from backend.experiments.shards import Folder
from backend.experiments.spec import Experiment, cell_of
from backend.problems import SETS
from backend.problems.base import Problem


def material(
    folder: Folder, *, axis: str = "generated_tokens", within: str = "", threshold: float = ACCEPTED_FROM, wrong_costs: float = 1.0,
    prices: Prices = FREE, find: Callable[[str], Problem] = problems.problem,
) -> Material:
    """Everything that the folder holds; `within` leaves out other cells than that one, such as `ledger/3`."""
    experiment = folder.experiment
    found = restricted(cells(folder, experiment, prices), within)
    pooled = next((arm for arm in experiment.arms if arm.pooled), None)
    keys = keys_of(experiment, pooled) if pooled else set()
    table = folder.samples(keys) if keys else None
    names = {} if table is None else dict(zip(table.column("key").to_pylist(), table.column("problem").to_pylist(), strict=True))
    pools = {} if table is None else {names[key]: pool for key, pool in sampled(table).items() if inside(names[key], within)}
    solutions: dict[str, list[Solution]] = {}
    for row in table.select(["problem", "steps", "first_wrong", "correct"]).to_pylist() if table is not None else ():
        if row["problem"] in pools:
            solutions.setdefault(row["problem"], []).append(Solution(row["steps"], row["first_wrong"], row["correct"]))
    needed = {problem: steps for problem in pools if (steps := steps_needed(problem, find)) is not None}
    return Material(
        experiment, found, pools, solutions, needed, reading(folder, experiment), axis=axis, threshold=threshold, wrong_costs=wrong_costs
    )


def restricted(found: Cells, within: str) -> Cells:
    """The cells of one kind of problem; all of them for an empty name."""
    if not within:
        return found
    parts = {place: {problem: cell for problem, cell in by.items() if inside(problem, within)} for place, by in found.items()}
    return {place: by for place, by in parts.items() if by}


def inside(problem: str, within: str) -> bool:
    return not within or cell_of(problem) == within


def steps_needed(problem_id: str, find: Callable[[str], Problem]) -> int | None:
    """The steps of a written right solution; None where the set has no author."""
    try:
        problem = find(problem_id)
        return len(SETS[problem.set].solution(problem, random.Random(0))) if problem.set in SETS else None
    except ArboretumError:
        return None


def reading(folder: Folder, experiment: Experiment) -> Mapping[str, tuple[float, float]]:
    """Prompt tokens and how many of them came from the prefix cache, by arm; arms that read one pool share its figures."""
    found: dict[str, tuple[float, float]] = {}
    served = {key: arm.name for arm in reversed(experiment.arms) if arm.pooled for key in keys_of(experiment, arm)}
    rows = folder.results().select(["key", "kind", "arm", "failure", "prompt_tokens", "cached_tokens"]).to_pylist()
    for row in rows:
        if row["failure"] is None and row["kind"] != "unit" and row["prompt_tokens"] is not None:
            arm = row["arm"] or served.get(row["key"], "")
            read, cached = found.get(arm, (0.0, 0.0))
            found[arm] = (read + row["prompt_tokens"], cached + row["cached_tokens"])
    return found


__all__ = ["material", "reading", "restricted", "steps_needed"]
