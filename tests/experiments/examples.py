"""Small experiments on the scripted engine."""

from __future__ import annotations

from pathlib import Path

from backend.engines.models import Models
from backend.experiments.shards import Folder
from backend.experiments.spec import Experiment, parse_experiment
from backend.experiments.sweep import Progress, Sweep

HEAD = """
name = "small"
measured = 2
chains = 2
[[problems]]
set = "countdown"
level = 1
first_seed = 7
count = {count}
[budgets]
axis = "solutions"
values = [1, 2, 4]
"""
POOLED = """
[[arms]]
name = "{rule}"
strategy = "best_of_n"
selector = "{rule}"
engine = "scripted"
pooled = true
"""
BEAM = """
[[arms]]
name = "beam"
strategy = "beam_search"
engine = "scripted"
by_budget = { n = [1, 2, 4], beam_width = [1, 1, 2] }
slack = 1.5
"""
MCTS = """
[[arms]]
name = "mcts"
strategy = "mcts"
engine = "scripted"
anytime = true
"""


def small(count: int = 3, *, extra: str = "") -> Experiment:
    """Two pooled rules, a beam for each budget, and an anytime tree search on `count` problems."""
    return parse_experiment(
        HEAD.format(count=count)
        + POOLED.format(rule="majority")
        + POOLED.format(rule="coverage")
        + BEAM
        + MCTS
        + extra
    )


async def carried_out(
    experiment: Experiment, root: Path, **options: object
) -> tuple[Folder, Progress]:
    """The folder of an experiment after a sweep."""
    folder, models = Folder.of(root, experiment), Models()
    try:
        return folder, await Sweep(experiment, folder, models, **options).carry_out()  # type: ignore[arg-type]
    finally:
        await models.close()
