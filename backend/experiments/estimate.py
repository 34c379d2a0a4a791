"""What is left of an experiment, and about what it will cost: strategies run dry
(`backend.runs.estimate`), times the tasks that are not done.

Tokens and seconds are those of finished tasks of the same arms and budgets, where there are any;
before that the cost of one solution is what was measured, or a guess, and the sentence says so.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping
from functools import lru_cache
from statistics import fmean
from typing import NamedTuple

from backend.core.errors import ArboretumError
from backend.core.spec import RunSpec
from backend.experiments.plan import Task, tasks, unit_tasks
from backend.experiments.shards import Folder
from backend.experiments.spec import SOLUTIONS, Experiment, cell_of
from backend.experiments.sweep import AT_ONCE, units
from backend.runs.estimate import Typical, estimate

GUESS = Typical()
TOKENS_PER_S = 1500.0
"""Generated tokens a second of all tasks in flight together, before any has finished."""


class About(NamedTuple):
    """Tasks that are planned, done, failed (they are not done) and left, by arm too; generated
    tokens and seconds of what is left, at `tokens_per_s` where no finished task says how long one
    takes."""

    planned: int
    done: int
    failed: int
    left: int
    by_arm: Mapping[str, int]
    tokens: int
    seconds: float
    sentence: str


class Spent(NamedTuple):
    """What finished tasks took on the average: generated tokens, and seconds while others were in
    flight."""

    tokens: float
    seconds: float


def estimate_sweep(
    experiment: Experiment, folder: Folder, tokens_per_s: float = TOKENS_PER_S
) -> About:
    """What is left, from what finished tasks of the same arms and budgets took. Arms without one
    are run dry, which blocks for a second or so where there are many."""
    sizes, measured = sizes_of(experiment, folder)
    ended, well = folder.read_done_keys(), folder.read_done_keys(failed=False)
    wanted = {task.key: task for task in (*unit_tasks(experiment), *tasks(experiment, sizes))}
    left = [task for key, task in wanted.items() if key not in ended]
    by_arm = Counter(name for task in left for name in task.arms)
    spent = mean_spent(folder, wanted)
    tokens, seconds, seen = 0.0, 0.0, 0
    for task in left:
        known = spent.get(kind_of(task)) or spent.get(kind_of(task)._replace(cell=""))
        seen += known is not None
        took = known or guess(task, sizes, spent, tokens_per_s)
        tokens, seconds = tokens + took.tokens, seconds + took.seconds
    done, failed = (sum(key in some for key in wanted) for some in (well, ended - well))
    side_by_side = max(1, min(AT_ONCE, len(left)))
    return About(
        len(wanted),
        done,
        failed,
        len(left),
        dict(by_arm),
        round(tokens),
        round(seconds / side_by_side, 1),
        in_words(len(left), len(wanted), failed, tokens, seen, measured=measured),
    )


def in_words(
    left: int, planned: int, failed: int, tokens: float, seen: int, *, measured: bool
) -> str:
    """What is left, and what that is known from."""
    broke = f" {failed:,} failed and are tried again on request only." if failed else ""
    if not left:
        return f"0 of {planned:,} tasks are left.{broke}"
    told = "measured" if measured else "guessed"
    how = (
        "from finished tasks of the same arms and budgets"
        if seen == left
        else f"from the length of a solution, {told}"
        if not seen
        else f"for {seen:,} of them from finished tasks of the same arms and budgets, for the "
        f"others from the length of a solution, {told}"
    )
    return f"{left:,} of {planned:,} tasks are left: about {tokens:,.0f} tokens, {how}.{broke}"


class Alike(NamedTuple):
    """What tasks have in common that cost about the same: kind, arms, budgets and cell (empty: any
    cell)."""

    kind: str
    arms: tuple[str, ...]
    budgets: tuple[float, ...]
    cell: str


def kind_of(task: Task) -> Alike:
    return Alike(task.kind, task.arms, task.budgets, task.cell)


def mean_spent(folder: Folder, wanted: Mapping[str, Task]) -> Mapping[Alike, Spent]:
    """What finished tasks took, by what they have in common: their cell counting, and over all
    cells."""
    by_key: dict[str, Spent] = {}
    columns = ["key", "failure", "generated_tokens", "seconds"]
    for row in folder.results().select(columns).to_pylist():
        if row["key"] in wanted and row["failure"] is None and row["seconds"] is not None:
            before = by_key.get(row["key"], Spent(0.0, 0.0))
            # the largest budget of a run that serves several is what it took
            by_key[row["key"]] = Spent(
                max(before.tokens, row["generated_tokens"] or 0.0),
                max(before.seconds, row["seconds"]),
            )
    groups: dict[Alike, list[Spent]] = {}
    for key, took in by_key.items():
        alike = kind_of(wanted[key])
        for one in (alike, alike._replace(cell="")):
            groups.setdefault(one, []).append(took)
    return {
        one: Spent(*(fmean(each) for each in zip(*many, strict=True)))
        for one, many in groups.items()
    }


def guess(
    task: Task, sizes: Mapping[str, float], spent: Mapping[Alike, Spent], tokens_per_s: float
) -> Spent:
    """What a task may take of which none like it has finished: tokens by a dry run, seconds by the
    speed of other finished tasks, else as if `AT_ONCE` tasks shared `tokens_per_s`."""
    tokens = cost_of(task.spec, sizes.get(task.cell, GUESS.steps * GUESS.tokens))
    others = [took for took in spent.values() if took.tokens]
    each = (
        sum(took.seconds for took in others) / sum(took.tokens for took in others)
        if others
        else AT_ONCE / tokens_per_s
    )
    return Spent(tokens, tokens * each)


def sizes_of(experiment: Experiment, folder: Folder) -> tuple[dict[str, float], bool]:
    """Tokens of one solution by cell, and whether they were measured."""
    if experiment.budgets.axis == SOLUTIONS:
        try:
            return units(folder, experiment), True
        except ArboretumError:
            pass
    return {
        cell_of(problem): float(GUESS.steps * GUESS.tokens) for problem in experiment.problem_ids()
    }, False


def cost_of(spec: RunSpec, size: float) -> float:
    """About the generated tokens of a task."""
    dry = spec.model_copy(update={"problem": "ledger/1/0", "seed": 0})
    return _dry(dry.model_dump_json(), max(1, round(size / GUESS.steps)))


@lru_cache(maxsize=4096)
def _dry(spec: str, tokens: int) -> float:
    return float(
        asyncio.run(
            estimate(RunSpec.model_validate_json(spec), Typical(tokens=tokens))
        ).generated_tokens
    )


__all__ = ["About", "cost_of", "estimate_sweep", "sizes_of"]
