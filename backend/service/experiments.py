"""Experiments for the routes: which there are, how they stand, and what is asked of them. What takes
long to compute is asked of processes of their own; `list_experiments` and `detail_of` block for
reading."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

from backend.core.errors import NotFound
from backend.core.spec import RunSpec
from backend.experiments.shards import Folder
from backend.experiments.slices import ALL, slices_of
from backend.experiments.spec import Experiment
from backend.messages import experiments as schemas
from backend.service.assembly import Services
from backend.service.experiment_questions import Asked, EstimateQuestion, ExperimentQuestion
from backend.service.experiment_view import ExperimentView


def view_of(services: Services, name: str) -> ExperimentView:
    """An experiment by its hash. Raises `NotFound`."""
    return ExperimentView(services.sweeps.folder(name), services.results)


def list_experiments(services: Services) -> schemas.ExperimentList:
    """All experiments with their state."""
    views = [ExperimentView(folder, services.results) for folder in services.sweeps.folders()]
    return schemas.ExperimentList(
        experiments=[schemas.ExperimentInfo(**info_of(services, view)) for view in views]
    )


def info_of(services: Services, view: ExperimentView) -> dict[str, Any]:
    """The state of one experiment, the fields of `ExperimentInfo`."""
    experiment, name = view.experiment, view.folder.path.name
    standing, counts = services.sweeps.standing(name), view.task_counts()
    progress, active = standing.progress, standing.status == "running"
    return {
        "hash": name,
        "name": experiment.name,
        "note": experiment.note,
        "status": standing.status,
        "reason": standing.reason,
        "phase": progress.phase if progress else "",
        "done": progress.done if progress else counts.ended - counts.failed,
        "planned": progress.total if progress else view.task_count(),
        "failed": progress.failed if progress else counts.failed,
        "rate": progress.rate if progress and active else None,
        "left_s": progress.left_s if progress and active else None,
        "problems": len(experiment.problem_ids()),
        "arms": [arm.name for arm in experiment.arms],
        "axis": experiment.budgets.axis,
        "budgets": list(experiment.budgets.values),
        "shipped": services.sweeps.is_shipped(view.folder),
    }


def detail_of(services: Services, name: str) -> schemas.ExperimentDetail:
    """One experiment with its description. Raises `NotFound`."""
    view = view_of(services, name)
    causes = Counter(
        row["failure"]
        for row in view.folder.results().select(["failure"]).to_pylist()
        if row["failure"] is not None
    )
    return schemas.ExperimentDetail(
        **info_of(services, view),
        experiment=view.experiment,
        made_with=view.folder.setups(),
        failures=dict(causes.most_common(20)),
        cells=slices_of(view.experiment)[1:],
    )


async def ask(services: Services, name: str, asked: Asked) -> bytes:
    """The answer to a heavy question about an experiment, from a process that computes. Raises
    `NotFound`, and what the question raises."""
    folder = services.sweeps.folder(name)
    state = await asyncio.to_thread(folder.state_of_results)
    return await services.desk.answer(ExperimentQuestion(str(folder.path.resolve()), state, asked))


async def estimate_costs(services: Services, experiment: Experiment) -> bytes:
    """What an experiment would cost, or still will (`schemas.About` as JSON). Raises `ProblemError`
    and `BadInput` for problems from files that there are not."""
    experiment = await asyncio.to_thread(services.sweeps.name_problems, experiment)
    try:
        folder = services.sweeps.folder(experiment.hash)
    except NotFound:
        folder = Folder(services.sweeps.root / experiment.hash)
    state = await asyncio.to_thread(folder.state_of_results)
    return await services.desk.answer(
        EstimateQuestion(str(folder.path.resolve()), state, experiment.model_dump_json())
    )


async def open_task(services: Services, name: str, key: str) -> int:
    """Carry out a task once more as a run in the store, where its whole trace can be seen: the same
    seeds give the same run. Raises `NotFound`."""
    folder = services.sweeps.folder(name)
    row = next(
        (row for row in folder.results().select(["key", "spec"]).to_pylist() if row["key"] == key),
        None,
    )
    if row is None:
        raise NotFound("task", key)
    return await services.jobs.submit(RunSpec.model_validate_json(row["spec"]))


__all__ = [
    "ALL",
    "ask",
    "detail_of",
    "estimate_costs",
    "list_experiments",
    "open_task",
]
