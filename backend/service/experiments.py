"""Experiments for the routes: state, curves, cells, matrix and analyses of a folder. Everything
here but `open_task` blocks for reading and computing."""

from __future__ import annotations

from collections import Counter
from typing import Any

from backend.core.errors import BadInput, NotFound
from backend.core.spec import RunSpec
from backend.core.statistics.intervals import METHOD, compare_pairs
from backend.experiments.costs import AXES, Prices, caveats
from backend.experiments.curves import curve
from backend.experiments.estimate import estimate_sweep
from backend.experiments.pool_estimates import keys_of
from backend.experiments.report import report
from backend.experiments.shards import Folder
from backend.experiments.slices import ALL, slices_of
from backend.experiments.spec import Experiment
from backend.messages import experiments as schemas
from backend.service.assembly import Services
from backend.service.experiment_numbers import band, point_of
from backend.service.experiment_view import ExperimentView, ReaderChoices

RESULT_COLUMNS = (
    "key",
    "problem",
    "repeat",
    "answer",
    "correct",
    "limit",
    "failure",
    "generated_tokens",
    "verifier_calls",
    "run",
)


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


def estimate_costs(services: Services, experiment: Experiment) -> schemas.About:
    """What an experiment would cost, or still will. Raises `ProblemError` and `BadInput` for
    problems from files that there are not."""
    experiment = services.sweeps.name_problems(experiment)
    try:
        folder = services.sweeps.folder(experiment.hash)
    except NotFound:
        folder = Folder(services.sweeps.root / experiment.hash)
    return schemas.About(**estimate_sweep(experiment, folder)._asdict())


def curves_of(
    services: Services, name: str, axis: str, slice: str, prices: Prices
) -> schemas.Curves:
    """All arms on one axis. Raises `NotFound`, and `BadInput` for an axis or a slice that there is
    not."""
    view = view_of(services, name)
    cells, belongs = view.cells_of(prices), view.members_of(slice)
    names = {arm for arm, _ in cells}
    drawn = [
        schemas.Curve(
            arm=arm.name,
            points=[point_of(point) for point in curve(cells, arm.name, axis, belongs)],
        )
        for arm in view.experiment.arms
        if arm.name in names
    ]
    return schemas.Curves(
        hash=name,
        axis=axis,
        counts=AXES.get(axis, ""),
        slice=slice,
        slices=slices_of(view.experiment),
        curves=drawn,
        notes=[f"Bands are {METHOD}.", *caveats(axis, prices)],
    )


def results_of(
    services: Services, name: str, arm: str, budget: float, limit: int
) -> schemas.Results:
    """The runs behind a point: its problems with what they cost and came to, the worst first."""
    view = view_of(services, name)
    cells = view.cells_of().get((arm, budget), {})
    pools = keys_behind(view.experiment, arm)
    found = [
        schemas.Result(
            **{column: row[column] for column in RESULT_COLUMNS},
            arm=arm,
            budget=budget,
            credit=cells[row["problem"]].credit,
        )
        for row in view.folder.results().to_pylist()
        if row["problem"] in cells
        and (row["key"] in pools if pools else (row["arm"], row["budget"]) == (arm, budget))
    ]
    return schemas.Results(
        total=len(found), results=sorted(found, key=lambda one: (one.credit, one.problem))[:limit]
    )


def keys_behind(experiment: Experiment, arm: str) -> set[str]:
    """The pools that an arm reads; none for a search."""
    return next(
        (keys_of(experiment, each) for each in experiment.arms if each.name == arm and each.pooled),
        set(),
    )


def matrix_of(services: Services, name: str, budget: float | None) -> schemas.Matrix:
    """Credit by problem and arm at a budget (the largest by default)."""
    view = view_of(services, name)
    experiment, cells = view.experiment, view.cells_of()
    budgets = sorted({each for _, each in cells})
    at = (
        budget
        if budget is not None
        else max((each for each in budgets if each in experiment.budgets.values), default=0.0)
    )
    if budgets and at not in budgets:
        raise BadInput("budget", given=at, accepted=", ".join(f"{each:g}" for each in budgets))
    arms = [arm.name for arm in experiment.arms if (arm.name, at) in cells]
    problems = [
        problem
        for problem in experiment.problem_ids()
        if any(problem in cells[arm, at] for arm in arms)
    ]
    rows = [
        [cells[arm, at][problem].credit if problem in cells[arm, at] else None for arm in arms]
        for problem in problems
    ]
    return schemas.Matrix(budget=at, budgets=budgets, arms=arms, problems=problems, rows=rows)


def compare_arms(
    services: Services, name: str, one: str, other: str, budget: float, slice: str
) -> schemas.PairedArms:
    """Two arms at a budget on the problems of a slice that both have. Raises `BadInput` for what
    there is not."""
    view = view_of(services, name)
    cells, belongs = view.cells_of(), view.members_of(slice)
    for arm in (one, other):
        if (arm, budget) not in cells:
            raise BadInput(
                "arm and budget",
                given=f"{arm} at {budget:g}",
                accepted=", ".join(f"{a} at {b:g}" for a, b in sorted(cells)),
            )
    first, second = cells[one, budget], cells[other, budget]
    both = [problem for problem in sorted(first.keys() & second.keys()) if belongs(problem)]
    found = compare_pairs([first[p].credit for p in both], [second[p].credit for p in both])
    return schemas.PairedArms(
        one=one,
        other=other,
        budget=budget,
        difference=band(found.difference),
        p=found.p,
        better=found.better,
        worse=found.worse,
        same=found.same,
    )


def analyses_of(services: Services, name: str, choices: ReaderChoices) -> schemas.Analyses:
    """All analyses that the results allow. Raises `NotFound`, and `BadInput` for an axis or a slice
    that there is not."""
    return view_of(services, name).analyses_of(choices)


def report_of(services: Services, name: str, axis: str) -> str:
    """The page of an experiment that opens anywhere. Raises as `analyses_of`."""
    view = view_of(services, name)
    return report(view.folder, view.material_of(ReaderChoices(axis)))


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
    "analyses_of",
    "compare_arms",
    "curves_of",
    "detail_of",
    "estimate_costs",
    "list_experiments",
    "matrix_of",
    "open_task",
    "report_of",
    "results_of",
]
