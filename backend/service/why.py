"""Why a stored search went as it did: for the routes and for the commands. Everything here blocks
for reading and computing."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict
from itertools import zip_longest

from backend.core.errors import BadInput, Conflict
from backend.core.types import JSON, Node
from backend.judging.rules import SELECTORS
from backend.judging.verifiers.aggregation import steps_of
from backend.messages import why as schemas
from backend.problems.classes import classes_of
from backend.problems.library import Library
from backend.review.lens import Opinion, lens
from backend.review.reselect import candidates
from backend.review.stored_run import Choice, Trace, own_choice
from backend.review.what_if.frozen import info_of
from backend.review.why.death import Case, Death, counted, death
from backend.review.why.steps import first_wrong, judged, written
from backend.runs.paid import verdicts_in
from backend.service.assembly import Services
from backend.service.jobs.rows import problem_of
from backend.service.reselection import own_rule
from storage import RunRow, Store

SHOWN = 300
"""Characters of a step in a list."""


def why(services: Services, run_id: int, node: int | None = None) -> schemas.Why:
    """Where the right answer of a run died, and the first wrong step on the path to a node. Raises
    `NotFound`, `Conflict` for a run that is not over, and `BadInput` for the node."""
    case = case_of(services.store, services.library, over(services, run_id))
    found = death(case)
    path_node = node if node is not None else None if case.own is None else case.own.node
    if path_node is not None and not 0 <= path_node < len(case.trace.nodes):
        raise BadInput("node", given=path_node, accepted=f"0 to {len(case.trace.nodes) - 1}")
    steps = (
        None
        if path_node is None
        else judged(case.trace, case.trace.nodes[path_node], case.problem, case.delimiter)
    )
    wrong = first_wrong(steps or ())
    return schemas.Why.model_validate(
        {
            "run_id": run_id,
            **asdict(found),
            "path_node": path_node,
            "checked": steps is not None,
            "first_wrong": None if wrong is None else wrong._asdict(),
            "path": path_of(case, path_node),
            "line": path_of(case, found.node),
        }
    )


def path_of(case: Case, node: int | None) -> list[dict[str, JSON]]:
    """The steps on the path to a node, with what the exact checker says of them, if there is
    one.
    """
    if node is None:
        return []
    steps = written(case.trace, case.trace.nodes[node], case.delimiter)
    known = judged(case.trace, case.trace.nodes[node], case.problem, case.delimiter) or ()
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
    deaths = [
        services.deaths.of(row, lambda row: death(case_of(services.store, services.library, row)))
        for row in ended
    ]
    runs = [cause_of(row, found) for row, found in zip(ended, deaths, strict=True)]
    counts = {cause.value: count for cause, count in counted(deaths).items()}
    return schemas.WhyCounts(
        total=page.total,
        looked_at=len(ended),
        skipped=len(page.rows) - len(ended),
        causes=counts,
        runs=runs,
    )


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


def over(services: Services, run_id: int) -> RunRow:
    """A run that is over. Raises `NotFound`, or `Conflict` for one that is not."""
    row = services.store.run(run_id)
    if row.status not in schemas.OVER:
        raise Conflict(f"run {run_id} is {row.status}: this can be asked when it is over")
    return row


def case_of(store: Store, library: Library, row: RunRow) -> Case:
    """A stored run as it is looked into."""
    trace, problem = trace_of(store, row), problem_of(row)
    classes = classes_of(problem, library.same, verdicts_in(trace.events))
    name = str(row.spec.get("selector") or own_rule(row))
    params = row.spec.get("selector_params")
    known = name in SELECTORS
    rule = (
        SELECTORS[name].configured(params if isinstance(params, dict) else {})
        if known
        else SELECTORS["best"]
    )
    own = own_choice(trace.events) or (
        None if row.chosen_node is None else Choice(row.chosen_node, row.answer, row.correct)
    )
    pool = candidates(trace, rule, classes).pool
    return Case(
        trace,
        problem,
        lambda answer: library.grade(problem, answer),
        pool,
        classes,
        own,
        name or "of the run",
        row.status,
        delimiter_of(row),
    )


def trace_of(store: Store, row: RunRow) -> Trace:
    return Trace(
        store.paid(row.id), store.events(row.id, limit=None), str(row.spec.get("verifier", ""))
    )


def delimiter_of(row: RunRow) -> str:
    return info_of(row.manifest.get("engine")).delimiter


def series_list(services: Services, run_id: int) -> schemas.SeriesList:
    """The series of a run, and those on their way."""
    row = services.store.run(run_id)
    own = {schemas.RUN: len(own_series(services, row))}
    under_way = [
        schemas.Scoring(**each._asdict()) for each in services.jobs.rescoring.under_way(run_id)
    ]
    return schemas.SeriesList(series={**own, **services.store.series(run_id)}, under_way=under_way)


def own_series(services: Services, row: RunRow) -> dict[int, Opinion]:
    """The scores that a run went by."""
    scorer = str(row.spec.get("verifier", ""))
    return {
        score.node_id: score for score in services.store.scores(row.id) if score.scorer == scorer
    }


def compared(services: Services, run_id: int, one: str, other: str, most: int) -> schemas.Lens:
    """Two series of a run side by side. Raises `BadInput` that names those there are."""
    row = services.store.run(run_id)
    found = [series_of(services, row, name) for name in (one, other)]
    trace, delimiter = trace_of(services.store, row), delimiter_of(row)
    seen = lens(trace, found[0], found[1], delimiter=delimiter, most=most)
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
                    "text": beginning(trace.nodes[p.node], p.step, delimiter),
                }
                for p in seen.disagreements
            ],
            "ece": None if figures is None else figures.ece,
            "brier": None if figures is None else figures.brier,
            "depths": [{**depth._asdict(), "auroc": finite(depth.auroc)} for depth in seen.depths],
        }
    )


def beginning(node: Node, step: int, delimiter: str) -> str:
    """How a step of a path begins."""
    return steps_of(node.written(), delimiter)[step - 1][:SHOWN]


def series_of(services: Services, row: RunRow, name: str) -> Mapping[int, Opinion]:
    """A series by its name."""
    if name == schemas.RUN:
        return own_series(services, row)
    known = services.store.series(row.id)
    if name not in known:
        raise BadInput("series", given=name, accepted=", ".join((schemas.RUN, *known)))
    return {score.node_id: score for score in services.store.series_scores(row.id, name)}


def finite(number: float) -> JSON:
    return number if math.isfinite(number) else None


__all__ = ["compared", "over", "series_list", "series_of", "trace_of", "why", "why_counts"]
