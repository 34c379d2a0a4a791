"""Experiments for the routes: state, curves, cells, matrix and analyses of a folder. Everything
here blocks for reading and computing.

What a folder says is kept in memory until it changes: its shards are only ever added to, so their
number says whether it did.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import asdict
from functools import lru_cache
from pathlib import Path
from typing import Any

from backend.core.errors import BadInput, NotFound
from backend.core.spec import RunSpec
from backend.core.statistics.intervals import paired
from backend.experiments.analyses.arms import THIRDS, thirds
from backend.experiments.analyses.charts import charts
from backend.experiments.analyses.table import ACCEPTED_FROM, Material, analyses
from backend.experiments.curves import AXES, Cells, Prices, cells, curve, keys_of
from backend.experiments.estimate import estimated
from backend.experiments.material import inside, material, narrowed
from backend.experiments.plan import size
from backend.experiments.report import report
from backend.experiments.shards import RESULTS, Folder
from backend.experiments.spec import Experiment, cell_of
from backend.messages import experiments as schemas
from backend.service.assembly import Services
from backend.service.experiment_numbers import band, plain, point_of

ALL = "all"
SHOWN = (
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


def listed(services: Services) -> schemas.ExperimentList:
    """All experiments with their state."""
    return schemas.ExperimentList(
        experiments=[
            schemas.ExperimentInfo(**info(services, folder)) for folder in services.sweeps.folders()
        ]
    )


def info(services: Services, folder: Folder) -> dict[str, Any]:
    """The state of one experiment."""
    experiment, name = described(folder), folder.path.name
    standing, (done, failed) = services.sweeps.standing(name), counted(folder.path, version(folder))
    progress = standing.progress
    return {
        "hash": name,
        "name": experiment.name,
        "note": experiment.note,
        "status": standing.status,
        "reason": standing.reason,
        "phase": progress.phase if progress else "",
        "done": progress.done if progress else done,
        "planned": progress.total if progress else planned(folder.path),
        "failed": failed,
        "rate": progress.rate if progress and progress.here else None,
        "left_s": progress.left_s if progress else None,
        "problems": len(experiment.problem_ids()),
        "arms": [arm.name for arm in experiment.arms],
        "axis": experiment.budgets.axis,
        "budgets": list(experiment.budgets.values),
        "shipped": services.sweeps.is_shipped(folder),
    }


def detail(services: Services, name: str) -> schemas.ExperimentDetail:
    """One experiment with its description. Raises `NotFound`."""
    folder = services.sweeps.folder(name)
    causes = Counter(
        row["failure"]
        for row in folder.results().select(["failure"]).to_pylist()
        if row["failure"] is not None
    )
    experiment = described(folder)
    return schemas.ExperimentDetail(
        **info(services, folder),
        experiment=experiment,
        made_with=folder.setups(),
        failures=dict(causes.most_common(20)),
        cells=slices(experiment)[1:],
    )


def about(services: Services, experiment: Experiment) -> schemas.About:
    """What it would cost, or still will."""
    try:
        folder = services.sweeps.folder(experiment.hash)
    except NotFound:
        folder = Folder(services.sweeps.root / experiment.hash)
    return schemas.About(**estimated(experiment, folder)._asdict())


def described(folder: Folder) -> Experiment:
    return folder.experiment


def slices(experiment: Experiment) -> list[str]:
    """What curves can be restricted to: everything, one kind of problem, or, where samples tell how
    hard a problem is, a third by difficulty."""
    problems = experiment.problem_ids()
    hard = (
        THIRDS
        if any(arm.pooled for arm in experiment.arms) and len(problems) >= 2 * len(THIRDS)
        else ()
    )
    return [ALL, *dict.fromkeys(cell_of(problem) for problem in problems), *hard]


def curves(services: Services, name: str, axis: str, part: str, prices: Prices) -> schemas.Curves:
    """All arms on one axis. Raises `NotFound`, and `BadInput` for an axis or a slice that there is
    not."""
    folder = services.sweeps.folder(name)
    experiment, found = described(folder), seen(folder.path, version(folder), prices)
    belongs, names = member(folder, part), {arm for arm, _ in found}
    drawn = [
        schemas.Curve(
            arm=arm.name,
            points=[point_of(point) for point in curve(found, arm.name, axis, belongs)],
        )
        for arm in experiment.arms
        if arm.name in names
    ]
    return schemas.Curves(
        hash=name,
        axis=axis,
        counts=AXES.get(axis, ""),
        slice=part,
        slices=slices(experiment),
        curves=drawn,
    )


def results(services: Services, name: str, arm: str, budget: float, limit: int) -> schemas.Results:
    """The runs behind a point: its problems with what they cost and came to."""
    folder = services.sweeps.folder(name)
    found = seen(folder.path, version(folder), Prices()).get((arm, budget), {})
    pooled = keys_behind(described(folder), arm)
    told = [
        schemas.Result(
            **{key: row[key] for key in SHOWN},
            arm=arm,
            budget=budget,
            credit=found[row["problem"]].credit,
        )
        for row in folder.results().to_pylist()
        if row["problem"] in found
        and (row["key"] in pooled if pooled else (row["arm"], row["budget"]) == (arm, budget))
    ]
    return schemas.Results(
        total=len(told), results=sorted(told, key=lambda one: (one.credit, one.problem))[:limit]
    )


def keys_behind(experiment: Experiment, arm: str) -> set[str]:
    """The pools that an arm reads; none for a search."""
    return next(
        (keys_of(experiment, each) for each in experiment.arms if each.name == arm and each.pooled),
        set(),
    )


def matrix(services: Services, name: str, budget: float | None) -> schemas.Matrix:
    """Credit by problem and arm at a budget (the largest by default)."""
    folder = services.sweeps.folder(name)
    experiment, found = described(folder), seen(folder.path, version(folder), Prices())
    budgets = sorted({each for _, each in found})
    at = (
        budget
        if budget is not None
        else max((each for each in budgets if each in experiment.budgets.values), default=0.0)
    )
    if budgets and at not in budgets:
        raise BadInput("budget", given=at, accepted=", ".join(f"{each:g}" for each in budgets))
    arms = [arm.name for arm in experiment.arms if (arm.name, at) in found]
    problems = [
        problem
        for problem in experiment.problem_ids()
        if any(problem in found[arm, at] for arm in arms)
    ]
    rows = [
        [found[arm, at][problem].credit if problem in found[arm, at] else None for arm in arms]
        for problem in problems
    ]
    return schemas.Matrix(budget=at, budgets=budgets, arms=arms, problems=problems, rows=rows)


def compared(
    services: Services, name: str, one: str, other: str, budget: float, part: str
) -> schemas.PairedArms:
    """Two arms at a budget on the problems that both have."""
    folder = services.sweeps.folder(name)
    found, belongs = seen(folder.path, version(folder), Prices()), member(folder, part)
    for arm in (one, other):
        if (arm, budget) not in found:
            raise BadInput(
                "arm and budget",
                given=f"{arm} at {budget:g}",
                accepted=", ".join(f"{a} at {b:g}" for a, b in sorted(found)),
            )
    both = [
        problem
        for problem in sorted(found[one, budget].keys() & found[other, budget].keys())
        if belongs(problem)
    ]
    told = paired(
        [found[one, budget][problem].credit for problem in both],
        [found[other, budget][problem].credit for problem in both],
    )
    return schemas.PairedArms(
        one=one,
        other=other,
        budget=budget,
        difference=band(told.difference),
        p=told.p,
        better=told.better,
        worse=told.worse,
        same=told.same,
    )


def analysed(
    services: Services, name: str, axis: str, part: str, threshold: float, wrong_costs: float
) -> schemas.Analyses:
    """All analyses that the results allow."""
    folder = services.sweeps.folder(name)
    if axis not in AXES:
        raise BadInput("axis", given=axis, accepted=", ".join(AXES))
    within = chosen(described(folder), part)
    return taught(folder.path, version(folder), axis, within, threshold, wrong_costs)


def reported(services: Services, name: str, axis: str) -> str:
    """The page of an experiment that opens anywhere."""
    folder = services.sweeps.folder(name)
    if axis not in AXES:
        raise BadInput("axis", given=axis, accepted=", ".join(AXES))
    return report(folder, studied(folder.path, version(folder), axis, "", ACCEPTED_FROM, 1.0))


async def opened(services: Services, name: str, key: str) -> int:
    """Carry out a task once more as a run in the store, where its whole trace can be seen: the same
    seeds give the same run."""
    folder = services.sweeps.folder(name)
    row = next(
        (row for row in folder.results().select(["key", "spec"]).to_pylist() if row["key"] == key),
        None,
    )
    if row is None:
        raise NotFound("task", key)
    return await services.jobs.submit(RunSpec.model_validate_json(row["spec"]))


def chosen(experiment: Experiment, part: str) -> str:
    """The cell of a slice, empty for all. Raises `BadInput`."""
    if part not in slices(experiment):
        raise BadInput("slice", given=part, accepted=", ".join(slices(experiment)))
    return "" if part == ALL else part


def member(folder: Folder, part: str) -> Callable[[str], bool]:
    """Whether a problem belongs to a slice. Raises `BadInput`."""
    within = chosen(described(folder), part)
    if within in THIRDS:
        return parted(folder.path, version(folder)).get(within, frozenset()).__contains__
    return lambda problem: inside(problem, within)


@lru_cache(maxsize=8)
def parted(path: Path, version: int) -> Mapping[str, frozenset[str]]:
    """The problems of each third by difficulty."""
    pools = studied(path, version, "generated_tokens", "", ACCEPTED_FROM, 1.0).pools
    bins = thirds(pools, sorted(pools))
    return {
        third: frozenset(problem for problem, bin_ in bins.items() if bin_ == third)
        for third in THIRDS
    }


def version(folder: Folder) -> int:
    """How many shards of results there are."""
    return sum(1 for _ in (folder.path / RESULTS).glob("*.parquet"))


@lru_cache(maxsize=32)
def counted(path: Path, _version: int) -> tuple[int, int]:
    """Tasks finished, and how many of them failed."""
    folder = Folder(path)
    every = folder.finished()
    return len(every), len(every - folder.finished(failed=False))


@lru_cache(maxsize=32)
def planned(path: Path) -> int:
    """Tasks that an experiment takes."""
    return size(Folder(path).experiment)


@lru_cache(maxsize=8)
def seen(path: Path, _version: int, prices: Prices) -> Cells:
    return cells(Folder(path), prices=prices)


@lru_cache(maxsize=8)
def studied(
    path: Path, version: int, axis: str, within: str, threshold: float, wrong_costs: float
) -> Material:
    if within in THIRDS:
        return narrowed(
            studied(path, version, axis, "", threshold, wrong_costs), parted(path, version)[within]
        )
    return material(
        Folder(path), axis=axis, within=within, threshold=threshold, wrong_costs=wrong_costs
    )


@lru_cache(maxsize=32)
def taught(
    path: Path, version: int, axis: str, within: str, threshold: float, wrong_costs: float
) -> schemas.Analyses:
    """The analyses as they travel; kept, because their intervals take seconds and a page asks again
    with every click."""
    made = studied(path, version, axis, within, threshold, wrong_costs)
    return schemas.Analyses(
        analyses=[
            schemas.Analysis(
                **plain(asdict(one)),
                charts=[schemas.Chart(**plain(asdict(each))) for each in charts(one, made)],
            )
            for one in analyses(made)
        ]
    )


__all__ = [
    "ALL",
    "about",
    "analysed",
    "compared",
    "curves",
    "detail",
    "info",
    "listed",
    "matrix",
    "opened",
    "reported",
    "results",
]
