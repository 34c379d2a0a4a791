"""What a stored run would have chosen with other settings: for the routes and for the commands.
Everything here blocks for reading and computing."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from backend.core.errors import ArboretumError, BadInput
from backend.core.events import StepEnded
from backend.core.registry import STRATEGIES
from backend.core.types import Score
from backend.judging.aggregation import AGGREGATIONS
from backend.messages import why as schemas
from backend.review.stored_run import StoredRun, own_choice
from backend.review.what_if.what_if import Changes, Rescorer, Stored, what_if
from backend.runs.driver import rule_of
from backend.service.assembly import Services
from backend.service.jobs.recovery import read_paid
from backend.service.reselection import choice_message, decision_message


def would_have(services: Services, run_id: int, ask: schemas.WhatIfAsk) -> schemas.WhatIf:
    """What a run would have chosen with other settings. Call it in a thread: it has an event loop
    of its own.

    Raises `NotFound`, `Conflict` for a run that is not over, `BadInput` for names and parameters,
    and what a run would raise.
    """
    run = services.open_ended_run(run_id)
    return answer_what_if(services, run, load_stored(services, run), ask)


def try_settings(
    services: Services, run_id: int, asks: Sequence[schemas.WhatIfAsk]
) -> schemas.TriedList:
    """Compute several what-ifs of a run, which is read once. Raises `NotFound` and `Conflict`; the
    refusal of a single question stands in its place in the answer."""
    run = services.open_ended_run(run_id)
    assert run.spec  # refused at once, before anything is read
    stored, found = load_stored(services, run), []
    for ask in asks:
        try:
            found.append(
                schemas.Tried(ask=ask, found=answer_what_if(services, run, stored, ask), refused="")
            )
        except ArboretumError as error:
            found.append(schemas.Tried(ask=ask, found=None, refused=str(error)))
    return schemas.TriedList(tried=found)


def load_stored(services: Services, run: StoredRun) -> Stored:
    """All that a what-if needs of a run."""
    return Stored(
        run.trace,
        read_paid(services.store, run.id),
        run.engine,
        run.reward,
        run.row.status == "finished",
    )


def answer_what_if(
    services: Services, run: StoredRun, stored: Stored, ask: schemas.WhatIfAsk
) -> schemas.WhatIf:
    """The answer to one what-if."""
    if ask.aggregation is not None and ask.aggregation not in AGGREGATIONS:
        raise BadInput("aggregation", given=ask.aggregation, accepted=", ".join(AGGREGATIONS))
    spec, problem = run.spec, run.problem
    changes = Changes(
        ask.selector,
        ask.selector_params,
        ask.aggregation,
        ask.params,
        ask.first,
        judge_of(run, ask.series),
    )
    asked = changes.apply(spec)
    rule, params = rule_of(asked), STRATEGIES[asked.strategy].parse(asked.params)
    found = asyncio.run(
        what_if(spec, changes, problem, stored, services.library.grade, services.library.same)
    )
    undecided = [
        (each.answer, each.other) for each in found.classes.comparisons if each.equal is None
    ]
    return schemas.WhatIf.model_validate(
        {
            "run_id": run.id,
            "selector": rule.name,
            "params": rule.settings.model_dump(mode="json"),
            "aggregation": ask.aggregation,
            **decision_message(found.found),
            "undecided": undecided,
            "own_selector": run.rule_name,
            "own": choice_message(own_choice(run.events)),
            "strategy_params": params.model_dump(mode="json"),
            "first": ask.first,
            "series": ask.series,
            "rounds": found.rounds,
            "own_rounds": sum(isinstance(event.body, StepEnded) for event in run.events),
            "whole": found.whole,
            "stopped": found.reason,
            "stopped_at": found.node,
        }
    )


def judge_of(run: StoredRun, name: str | None) -> Rescorer | None:
    """The scores that shall steer the search in place of its own. Raises `BadInput` that names
    those there are."""
    if name is None or name == schemas.RUN:
        return None
    return Rescorer(
        name,
        {node: Score(one.value, one.steps, one.reason) for node, one in run.series(name).items()},
    )


__all__ = ["try_settings", "would_have"]
