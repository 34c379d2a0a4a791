"""Why a stored search went as it did: for the routes and for the commands. Everything here blocks for reading and computing."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Mapping
from dataclasses import asdict

from backend.api import schemas_why as schemas
from backend.api.reselection import own_rule, shown, told
from backend.api.services import Services
from backend.errors import BadInput, Conflict
from backend.jobs.recovery import paid_of
from backend.jobs.rows import problem_of
from backend.library import Library
from backend.problems.classes import classes_of
from backend.registry import SELECTORS, STRATEGIES
from backend.replay import verdicts_from
from backend.reselect import Choice, Trace, candidates, own_choice
from backend.runner import rule_of
from backend.spec import RunSpec
from backend.types import JSON
from backend.verifiers import AGGREGATIONS
from backend.why.death import Case, Death, counted, death
from backend.why.frozen import info_of
from backend.why.lens import Opinion, lens
from backend.why.steps import first_wrong, judged
from backend.why.what_if import Changes, Stored, what_if
from storage import RunRow, Store


def why(services: Services, run_id: int, node: int | None = None) -> schemas.Why:
    """Where the right answer of a run died, and the first wrong step on the path to a node. Raises `NotFound`, `Conflict` for a run that is not over,
    and `BadInput` for the node."""
    case = case_of(services.store, services.library, over(services, run_id))
    found = death(case)
    path_node = node if node is not None else None if case.own is None else case.own.node
    if path_node is not None and not 0 <= path_node < len(case.trace.nodes):
        raise BadInput("node", given=path_node, accepted=f"0 to {len(case.trace.nodes) - 1}")
    steps = None if path_node is None else judged(case.trace, case.trace.nodes[path_node], case.problem, case.delimiter)
    wrong = first_wrong(steps or ())
    return schemas.Why.model_validate({
        "run_id": run_id, **asdict(found), "path_node": path_node, "checked": steps is not None,
        "first_wrong": None if wrong is None else wrong._asdict(),
    })  # fmt: skip


def why_counts(
    services: Services, status: str | None, strategy: str | None, problem: str | None, text: str | None, limit: int
) -> schemas.WhyCounts:
    """The causes of the newest runs that match."""
    page = services.store.runs(status=status, strategy=strategy, problem=problem, text=text, limit=limit)
    ended = [row for row in page.rows if row.status in schemas.OVER]
    deaths: dict[int, Death] = {row.id: death(case_of(services.store, services.library, row)) for row in ended}
    runs = [
        schemas.RunCause(
            run_id=row.id, strategy=row.strategy, cause=deaths[row.id].cause.value, note=deaths[row.id].note, reason=deaths[row.id].reason,
            sentence=deaths[row.id].sentence,
        )
        for row in ended
    ]
    counts = {cause.value: count for cause, count in counted(deaths.values()).items()}
    return schemas.WhyCounts(total=page.total, looked_at=len(ended), skipped=len(page.rows) - len(ended), causes=counts, runs=runs)


def over(services: Services, run_id: int) -> RunRow:
    """A run that is over. Raises `NotFound`, or `Conflict` for one that is not."""
    row = services.store.run(run_id)
    if row.status not in schemas.OVER:
        raise Conflict(f"run {run_id} is {row.status}: this can be asked when it is over")
    return row


def case_of(store: Store, library: Library, row: RunRow) -> Case:
    """A stored run as it is looked into."""
    trace, problem = trace_of(store, row), problem_of(row)
    classes = classes_of(problem, library.same, heard(trace))
    name = str(row.spec.get("selector") or own_rule(row))
    params = row.spec.get("selector_params")
    known = name in SELECTORS.items()
    rule = SELECTORS[name].configured(params if isinstance(params, dict) else {}) if known else SELECTORS["best"]
    own = own_choice(trace.events) or (None if row.chosen_node is None else Choice(row.chosen_node, row.answer, row.correct))
    pool = candidates(trace, rule, classes).pool
    return Case(
        trace, problem, lambda answer: library.grade(problem, answer), pool, classes, own, name or "of the run", row.status, delimiter_of(row)
    )


def trace_of(store: Store, row: RunRow) -> Trace:
    return Trace(store.paid(row.id), store.events(row.id, limit=None), str(row.spec.get("verifier", "")))


def heard(trace: Trace) -> dict[tuple[str, str], bool | None]:
    """What the run found out about pairs of answers."""
    return {pair: equal for event in trace.events if event.kind == "compared" for pair, equal in verdicts_from(event.data).items()}


def delimiter_of(row: RunRow) -> str:
    return info_of(row.manifest.get("engine")).delimiter


def would_have(services: Services, run_id: int, ask: schemas.WhatIfAsk) -> schemas.WhatIf:
    """What a run would have chosen with other settings. Call it in a thread: it has an event loop of its own.

    Raises `NotFound`, `Conflict` for a run that is not over, `BadInput` for names and parameters, and what a run would raise.
    """
    row = over(services, run_id)
    if ask.aggregation is not None and ask.aggregation not in AGGREGATIONS:
        raise BadInput("aggregation", given=ask.aggregation, accepted=", ".join(AGGREGATIONS))
    spec, trace, problem = spec_of(row), trace_of(services.store, row), problem_of(row)
    changes = Changes(ask.selector, ask.selector_params, ask.aggregation, ask.params, ask.first)
    asked = changes.applied(spec)
    rule, params = rule_of(asked), STRATEGIES[asked.strategy].parse(asked.params)
    models = [info_of(row.manifest.get(name)) for name in ("engine", "reward")]
    stored = Stored(trace, paid_of(services.store, run_id), models[0], models[1], row.status == "finished")
    found = asyncio.run(what_if(spec, changes, problem, stored, services.library.grade, services.library.same))
    undecided = [(each.answer, each.other) for each in found.classes.comparisons if each.equal is None]
    return schemas.WhatIf.model_validate({
        "run_id": run_id, "selector": rule.name, "params": rule.settings.model_dump(mode="json"), "aggregation": ask.aggregation, **told(found.found),
        "undecided": undecided, "own_selector": str(row.spec.get("selector") or own_rule(row)), "own": shown(own_choice(trace.events)),
        "strategy_params": params.model_dump(mode="json"), "first": ask.first, "rounds": found.rounds, "whole": found.whole, "stopped": found.reason,
        "stopped_at": found.node,
    })  # fmt: skip


def spec_of(row: RunRow) -> RunSpec:
    """What was asked for. Raises `BadInput` for a run that this version could not carry out, such as an imported one."""
    try:
        spec = RunSpec.model_validate(row.spec)
    except ValueError as error:
        raise BadInput("run", given=row.id, accepted=f"one whose settings this version knows ({str(error).splitlines()[0]})") from None
    return spec


def series_list(services: Services, run_id: int) -> schemas.SeriesList:
    """The series of a run, and those on their way."""
    row = services.store.run(run_id)
    own = {schemas.RUN: len(own_series(services, row))}
    under_way = [schemas.Scoring(**each._asdict()) for each in services.jobs.rescoring.under_way(run_id)]
    return schemas.SeriesList(series={**own, **services.store.series(run_id)}, under_way=under_way)


def own_series(services: Services, row: RunRow) -> dict[int, Opinion]:
    """The scores that a run went by."""
    scorer = str(row.spec.get("verifier", ""))
    return {score.node_id: score for score in services.store.scores(row.id) if score.scorer == scorer}


def compared(services: Services, run_id: int, one: str, other: str, most: int) -> schemas.Lens:
    """Two series of a run side by side. Raises `BadInput` that names those there are."""
    row = services.store.run(run_id)
    found = [series_of(services, row, name) for name in (one, other)]
    seen = lens(trace_of(services.store, row), found[0], found[1], delimiter=delimiter_of(row), most=most)
    curve = [{"low": b.low, "high": b.high, "steps": b.problems, "mean": finite(b.confidence), "other_mean": finite(b.credit)} for b in seen.curve]
    figures = seen.calibration
    return schemas.Lens.model_validate({
        "run_id": run_id, "one": one, "other": other, "pairs": seen.pairs, "curve": curve, "auroc": finite(seen.auroc),
        "disagreements": [{"node": p.node, "step": p.step, "one": p.one, "other": p.other} for p in seen.disagreements],
        "ece": None if figures is None else figures.ece, "brier": None if figures is None else figures.brier,
        "depths": [{**depth._asdict(), "auroc": finite(depth.auroc)} for depth in seen.depths],
    })  # fmt: skip


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


__all__ = ["compared", "over", "series_list", "why", "why_counts", "would_have"]
