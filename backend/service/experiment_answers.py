"""What a reader asks of the results of one experiment: curves, cells, pairs and the report.
Everything here blocks for reading and computing, so it is asked of a process of its own
(`backend.service.experiment_questions`)."""

from __future__ import annotations

from backend.core.errors import BadInput
from backend.core.statistics.intervals import METHOD, compare_pairs
from backend.experiments.costs import AXES, Prices, caveats
from backend.experiments.curves import curve
from backend.experiments.pool_estimates import keys_of
from backend.experiments.report import report
from backend.experiments.slices import slices_of
from backend.experiments.spec import Experiment
from backend.messages import experiments as schemas
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


def curves_of(view: ExperimentView, axis: str, slice: str, prices: Prices) -> schemas.Curves:
    """All arms on one axis. Raises `BadInput` for an axis or a slice that there is not."""
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
        hash=view.folder.path.name,
        axis=axis,
        counts=AXES.get(axis, ""),
        slice=slice,
        slices=slices_of(view.experiment),
        curves=drawn,
        notes=[f"Bands are {METHOD}.", *caveats(axis, prices)],
    )


def results_of(view: ExperimentView, arm: str, budget: float, limit: int) -> schemas.Results:
    """The runs behind a point: its problems with what they cost and came to, the worst first."""
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


def matrix_of(view: ExperimentView, budget: float | None) -> schemas.Matrix:
    """Credit by problem and arm at a budget (the largest by default)."""
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
    view: ExperimentView, one: str, other: str, budget: float, slice: str
) -> schemas.PairedArms:
    """Two arms at a budget on the problems of a slice that both have. Raises `BadInput` for what
    there is not."""
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


def report_of(view: ExperimentView, axis: str) -> str:
    """The page of an experiment that opens anywhere. Raises as `ExperimentView.material_of`."""
    return report(view.folder, view.material_of(ReaderChoices(axis)))


__all__ = ["compare_arms", "curves_of", "matrix_of", "report_of", "results_of"]
