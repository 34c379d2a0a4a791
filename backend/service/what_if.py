"""What a stored run would have chosen with other settings: for the routes and for the commands.
Everything here blocks for reading and computing."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from backend.core.errors import ArboretumError, BadInput
from backend.core.events import StepEnded
from backend.core.registry import STRATEGIES
from backend.core.spec import RunSpec
from backend.core.types import Score
from backend.judging.verifiers import AGGREGATIONS
from backend.messages import why as schemas
from backend.review.stored_run import own_choice
from backend.review.what_if.frozen import info_of
from backend.review.what_if.what_if import Changes, Judge, Stored, what_if
from backend.runs.driver import rule_of
from backend.service.assembly import Services
from backend.service.jobs.recovery import paid_of
from backend.service.jobs.rows import problem_of
from backend.service.reselection import own_rule, shown, told
from backend.service.why import over, series_of, trace_of
from storage import RunRow


def would_have(services: Services, run_id: int, ask: schemas.WhatIfAsk) -> schemas.WhatIf:
    """What a run would have chosen with other settings. Call it in a thread: it has an event loop
    of its own.

    Raises `NotFound`, `Conflict` for a run that is not over, `BadInput` for names and parameters,
    and what a run would raise.
    """
    row = over(services, run_id)
    return answered(services, row, stored_run(services, row), ask)


def tried(services: Services, run_id: int, asks: Sequence[schemas.WhatIfAsk]) -> schemas.TriedList:
    """Several what-ifs of a run, which is read once. Raises `NotFound` and `Conflict`; what is
    refused of one question is told in its place."""
    row = over(services, run_id)
    spec_of(row)
    stored, found = stored_run(services, row), []
    for ask in asks:
        try:
            found.append(
                schemas.Tried(ask=ask, found=answered(services, row, stored, ask), refused="")
            )
        except ArboretumError as error:
            found.append(schemas.Tried(ask=ask, found=None, refused=str(error)))
    return schemas.TriedList(tried=found)


def stored_run(services: Services, row: RunRow) -> Stored:
    """All that a what-if needs of a run."""
    models = [info_of(row.manifest.get(name)) for name in ("engine", "reward")]
    return Stored(
        trace_of(services.store, row),
        paid_of(services.store, row.id),
        models[0],
        models[1],
        row.status == "finished",
    )


def answered(
    services: Services, row: RunRow, stored: Stored, ask: schemas.WhatIfAsk
) -> schemas.WhatIf:
    """The answer to one what-if."""
    if ask.aggregation is not None and ask.aggregation not in AGGREGATIONS:
        raise BadInput("aggregation", given=ask.aggregation, accepted=", ".join(AGGREGATIONS))
    spec, problem = spec_of(row), problem_of(row)
    changes = Changes(
        ask.selector,
        ask.selector_params,
        ask.aggregation,
        ask.params,
        ask.first,
        judge_of(services, row, ask.series),
    )
    asked = changes.applied(spec)
    rule, params = rule_of(asked), STRATEGIES[asked.strategy].parse(asked.params)
    found = asyncio.run(
        what_if(spec, changes, problem, stored, services.library.grade, services.library.same)
    )
    undecided = [
        (each.answer, each.other) for each in found.classes.comparisons if each.equal is None
    ]
    return schemas.WhatIf.model_validate(
        {
            "run_id": row.id,
            "selector": rule.name,
            "params": rule.settings.model_dump(mode="json"),
            "aggregation": ask.aggregation,
            **told(found.found),
            "undecided": undecided,
            "own_selector": str(row.spec.get("selector") or own_rule(row)),
            "own": shown(own_choice(stored.trace.events)),
            "strategy_params": params.model_dump(mode="json"),
            "first": ask.first,
            "series": ask.series,
            "rounds": found.rounds,
            "own_rounds": sum(isinstance(event.body, StepEnded) for event in stored.trace.events),
            "whole": found.whole,
            "stopped": found.reason,
            "stopped_at": found.node,
        }
    )


def judge_of(services: Services, row: RunRow, name: str | None) -> Judge | None:
    """The scores that shall steer the search in place of its own. Raises `BadInput` that names
    those there are."""
    if name is None or name == schemas.RUN:
        return None
    return Judge(
        name,
        {
            node: Score(one.value, one.steps, one.reason)
            for node, one in series_of(services, row, name).items()
        },
    )


def spec_of(row: RunRow) -> RunSpec:
    """What was asked for. Raises `BadInput` for a run that this version could not carry out, such
    as an imported one."""
    try:
        spec = RunSpec.model_validate(row.spec)
    except ValueError as error:
        raise BadInput(
            "run",
            given=row.id,
            accepted=f"one whose settings this version knows ({str(error).splitlines()[0]})",
        ) from None
    return spec


__all__ = ["spec_of", "tried", "would_have"]
