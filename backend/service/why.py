"""Why a stored search went as it did: for the routes and for the commands. Everything here blocks
for reading and computing."""

from __future__ import annotations

import math
from dataclasses import asdict
from functools import partial
from itertools import zip_longest

from backend.core.errors import BadInput
from backend.core.grades import foreign_source
from backend.core.splitting import Splitting
from backend.core.types import JSON, Node
from backend.messages import why as schemas
from backend.problems.classes import classes_of
from backend.problems.library import Library
from backend.review.labelling import DEFAULT_LABELLER, LABELLERS
from backend.review.lens import lens
from backend.review.reselect import candidates
from backend.review.stored_run import StoredRun
from backend.review.why.death import Death, SearchCase, count_causes, death
from backend.review.why.foreign import explain_foreign
from backend.review.why.steps import JudgedStep, first_wrong, judge_steps, steps_of_path
from backend.service.assembly import Services
from storage import RunRow

SHOWN = 300
"""Characters of a step in a list."""


def why(
    services: Services, run_id: int, node: int | None = None, labeller: str | None = None
) -> schemas.Why:
    """Where the right answer of a run died, and the first wrong step on the path to a node, by the
    labeller of that name (None: the exact checker). Raises `NotFound`, `Conflict` for a run that is
    not over, and `BadInput` for the node or the labeller."""
    judge = LABELLERS[labeller or DEFAULT_LABELLER]
    run = services.open_ended_run(run_id)
    case = case_of(run, services.library)
    found = explain(run, case)
    path_node = node if node is not None else None if case.own is None else case.own.node
    if path_node is not None and not 0 <= path_node < len(case.trace.nodes):
        raise BadInput("node", given=path_node, accepted=f"0 to {len(case.trace.nodes) - 1}")
    steps = None if path_node is None else judge_path_to(case, path_node, judge.name)
    wrong = first_wrong(steps or ())
    return schemas.Why.model_validate(
        {
            "run_id": run_id,
            **asdict(found),
            "path_node": path_node,
            "checked": steps is not None,
            "first_wrong": None if wrong is None else wrong._asdict(),
            "path": path_of(case, path_node, judge.name),
            "line": path_of(case, found.node, judge.name),
            "labeller": judge.name,
            "unchecked": judge.why_not(case.problem),
        }
    )


def judge_path_to(case: SearchCase, node: int, labeller: str) -> list[JudgedStep] | None:
    """The steps on the path to a node as a labeller judges them, if it can."""
    return judge_steps(case.trace, case.trace.nodes[node], case.problem, case.splitting, labeller)


def path_of(case: SearchCase, node: int | None, labeller: str) -> list[dict[str, JSON]]:
    """The steps on the path to a node, with what a labeller says of them, if it can."""
    if node is None:
        return []
    steps = steps_of_path(case.trace, case.trace.nodes[node], case.splitting)
    known = judge_path_to(case, node, labeller) or ()
    return [
        {
            "step": place,
            "node": case.trace.ids[step.node],
            "text": step.text,
            "score": step.score,
            "ok": None if said is None else said.ok,
            "kind": None if said is None else said.kind,
            "reason": "" if said is None else said.reason,
        }
        for place, (step, said) in enumerate(zip_longest(steps, known), 1)
    ]


def why_counts(
    services: Services,
    status: str | None,
    strategy: str | None,
    problem: str | None,
    text: str | None,
    limit: int,
) -> schemas.WhyCounts:
    """The causes of the newest runs that match."""
    page = services.store.runs(
        status=status, strategy=strategy, problem=problem, text=text, limit=limit
    )
    ended = [row for row in page.rows if row.status in schemas.OVER]
    deaths = [services.deaths.of(row, partial(cause_of_death, services)) for row in ended]
    runs = [cause_of(row, found) for row, found in zip(ended, deaths, strict=True)]
    counts = {cause.value: count for cause, count in count_causes(deaths).items()}
    return schemas.WhyCounts(
        total=page.total,
        looked_at=len(ended),
        skipped=len(page.rows) - len(ended),
        causes=counts,
        runs=runs,
    )


def cause_of_death(services: Services, row: RunRow) -> Death:
    """Where the right answer of a run died."""
    run = StoredRun(row, services.store)
    return explain(run, case_of(run, services.library))


def explain(run: StoredRun, case: SearchCase) -> Death:
    """Where the right answer of a run died; of a run of another program what its file says."""
    made_here = foreign_source(run.row.manifest) is None
    return death(case) if made_here else explain_foreign(case)


def cause_of(row: RunRow, found: Death) -> schemas.RunCause:
    """A line of the list of many."""
    problem = str((row.problem or {}).get("id") or "")
    return schemas.RunCause(
        run_id=row.id,
        strategy=row.strategy,
        problem=problem,
        cause=found.cause.value,
        note=found.note,
        reason=found.reason,
        sentence=found.sentence,
        node=found.node,
        seq=found.seq,
    )


def case_of(run: StoredRun, library: Library) -> SearchCase:
    """A stored run as it is looked into."""
    classes = classes_of(run.problem, library.same, run.verdicts, version=run.versions.grader)
    return SearchCase(
        run.trace,
        run.problem,
        lambda answer: library.grade(run.problem, answer),
        candidates(run.trace, run.rule, classes).pool,
        classes,
        run.own,
        run.rule_name or "of the run",
        run.row.status,
        run.splitting,
    )


def series_list(services: Services, run_id: int) -> schemas.SeriesList:
    """The series of a run, and those on their way."""
    own = {schemas.RUN: len(services.open_run(run_id).series())}
    under_way = [
        schemas.Scoring(**each._asdict()) for each in services.jobs.rescoring.under_way(run_id)
    ]
    return schemas.SeriesList(series={**own, **services.store.series(run_id)}, under_way=under_way)


def compare_series(
    services: Services, run_id: int, one: str, other: str, most: int
) -> schemas.Lens:
    """Two series of a run side by side. Raises `BadInput` that names those there are."""
    run = services.open_run(run_id)
    found = [run.series(name) for name in (one, other)]
    trace, splitting = run.trace, run.splitting
    seen = lens(trace, found[0], found[1], splitting=splitting, most=most)
    curve = [
        {
            "low": b.low,
            "high": b.high,
            "steps": b.problems,
            "mean": finite(b.confidence),
            "other_mean": finite(b.credit),
        }
        for b in seen.curve
    ]
    figures = seen.calibration
    return schemas.Lens.model_validate(
        {
            "run_id": run_id,
            "one": one,
            "other": other,
            "pairs": seen.pairs,
            "curve": curve,
            "auroc": finite(seen.auroc),
            "disagreements": [
                {
                    "node": p.node,
                    "step": p.step,
                    "one": p.one,
                    "other": p.other,
                    "text": beginning(trace.nodes[p.node], p.step, splitting),
                }
                for p in seen.disagreements
            ],
            "ece": None if figures is None else figures.ece,
            "brier": None if figures is None else figures.brier,
            "depths": [{**depth._asdict(), "auroc": finite(depth.auroc)} for depth in seen.depths],
        }
    )


def beginning(node: Node, step: int, splitting: Splitting) -> str:
    """How a step of a path begins."""
    return splitting.split(node.texts())[step - 1][:SHOWN]


def finite(number: float) -> JSON:
    return number if math.isfinite(number) else None


__all__ = ["case_of", "cause_of_death", "compare_series", "series_list", "why", "why_counts"]
