"""What is left of an experiment, and about what it will cost: strategies run dry
(`backend.runs.estimate`), times the tasks that are not done.

The cost of one solution is what was measured, where it was; before that it is a guess, and the
sentence says so.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

from backend.core.errors import ArboretumError
from backend.core.spec import RunSpec
from backend.experiments.plan import tasks, unit_tasks
from backend.experiments.shards import Folder
from backend.experiments.spec import SOLUTIONS, Experiment, cell_of
from backend.experiments.sweep import units
from backend.runs.estimate import Typical, estimate

GUESS = Typical()
TOKENS_PER_S = 1500.0


class About(NamedTuple):
    """Tasks that are planned, done, failed and left, by arm too; generated tokens and seconds of
    what is left, at `tokens_per_s`."""

    planned: int
    done: int
    failed: int
    left: int
    by_arm: Mapping[str, int]
    tokens: int
    seconds: float
    sentence: str


def estimate_sweep(
    experiment: Experiment, folder: Folder, tokens_per_s: float = TOKENS_PER_S
) -> About:
    """Estimate what is left of an experiment. It blocks for the dry runs, a second or so for many
    arms."""
    sizes, measured = sizes_of(experiment, folder)
    ended, well = folder.read_done_keys(), folder.read_done_keys(failed=False)
    wanted = {task.key: task for task in (*unit_tasks(experiment), *tasks(experiment, sizes))}
    left = [task for key, task in wanted.items() if key not in ended]
    by_arm = Counter(name for task in left for name in task.arms)
    tokens = sum(
        cost_of(task.spec, sizes.get(task.cell, GUESS.steps * GUESS.tokens)) for task in left
    )
    basis = "measured" if measured else "guessed"
    done = sum(key in ended for key in wanted)
    sentence = (
        f"{len(left):,} of {len(wanted):,} tasks are left: about {tokens:,.0f} tokens, the "
        f"length of a solution {basis}."
    )
    failed = sum(key in ended and key not in well for key in wanted)
    return About(
        len(wanted),
        done,
        failed,
        len(left),
        dict(by_arm),
        round(tokens),
        round(tokens / tokens_per_s, 1),
        sentence,
    )


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
