"""Another final rule on a stored run: for the route and for the command."""

from __future__ import annotations

import json
from collections.abc import Mapping

from backend.core.errors import BadInput
from backend.core.ports import Aggregation
from backend.core.types import JSON
from backend.judging.aggregation import AGGREGATIONS
from backend.judging.rules import SELECTORS
from backend.messages import runs as schemas
from backend.problems.classes import classes_of
from backend.review.reselect import Reselection, reselect
from backend.review.stored_run import ChosenAnswer, own_choice
from backend.service.assembly import Services


def reselect_run(
    services: Services,
    run_id: int,
    selector: str,
    params: Mapping[str, JSON],
    aggregation: Aggregation | None,
) -> schemas.Reselection:
    """What the rule `selector` would have chosen. Blocks for reading, and where answers have to be
    compared by algebra.

    Raises `NotFound` for the run, `BadInput` for the rule, its parameters or the aggregation.
    """
    if aggregation is not None and aggregation not in AGGREGATIONS:
        raise BadInput("aggregation", given=aggregation, accepted=", ".join(AGGREGATIONS))
    rule = SELECTORS[selector].with_params(params)
    run = services.open_run(run_id)
    problem = run.problem
    classes = classes_of(problem, services.library.same, run.verdicts, version=run.versions.grader)
    found = reselect(
        run.trace,
        rule,
        classes,
        lambda answer: services.library.grade(problem, answer),
        aggregation,
    )
    return schemas.Reselection(
        run_id=run_id,
        selector=rule.name,
        params=rule.settings.model_dump(mode="json"),
        aggregation=aggregation,
        **decision_message(found),
        undecided=[(each.answer, each.other) for each in classes.comparisons if each.equal is None],
        own_selector=run.rule_name,
        own=choice_message(own_choice(run.events)),
    )


def decision_message(found: Reselection) -> dict[str, JSON]:
    """The part of the answer that the rule decided."""
    chosen = choice_message(found.chosen)
    return {
        "chosen": None if chosen is None else chosen.model_dump(),
        "leaders": list(found.leaders),
        "credit": found.credit,
        "confidence": found.confidence,
        "facts": dict(found.facts),
        "candidates": found.candidates,
    }


def choice_message(choice: ChosenAnswer | None) -> schemas.Choice | None:
    return None if choice is None else schemas.Choice(**choice._asdict())


def params_of(text: str) -> dict[str, JSON]:
    """The parameters in a JSON object. Raises `BadInput`."""
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise BadInput("params", given=text[:80], accepted='a JSON object such as {"tau": 0.1}')
    return found


__all__ = ["params_of", "reselect_run"]
