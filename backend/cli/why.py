"""`why` and `what-if`: where the right answer of a stored run died, and what other settings would
have chosen."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from pydantic import JsonValue, ValidationError

from backend.cli.reselect import text_of
from backend.cli.run import params_of
from backend.cli.store import within
from backend.core.errors import BadInput
from backend.core.registry import STRATEGIES
from backend.judging.rules import SELECTORS
from backend.messages.why import WhatIf, WhatIfAsk, Why
from backend.service import what_if as stored_run
from backend.service import why as explained
from backend.service.assembly import Services

DONE = 0


def why(
    run_id: int, node: int | None, labeller: str | None, db: Path | None, *, as_json: bool
) -> int:
    """Print the cause and where to look."""
    found = within(db, lambda services: explained.why(services, run_id, node, labeller))
    print(found.model_dump_json() if as_json else why_text(found))
    return DONE


def why_text(found: Why) -> str:
    """The cause in a few lines."""
    lines = [f"run {found.run_id}: {found.cause.replace('_', ' ')}", found.sentence]
    if found.node is not None:
        lines.append(
            f"  look at node {found.node}" + ("" if found.seq is None else f", event {found.seq}")
        )
    if found.first_wrong is not None:
        wrong = found.first_wrong
        lines.append(
            f"  first wrong step on the path to node {found.path_node}: step {wrong.step} "
            f"(node {wrong.node}), {wrong.kind}: {wrong.reason}"
        )
    return "\n".join(lines)


class Other(NamedTuple):
    """The settings that a stored run should have had instead; None leaves the run's own."""

    selector: str | None
    selector_param: Sequence[str]
    aggregation: str | None
    param: Sequence[str]
    first: int | None
    series: str | None


def what_if(run_id: int, other: Other, db: Path | None, *, as_json: bool) -> int:
    """Print what would have been chosen, and how far that is exact."""

    def ask(services: Services) -> WhatIf:
        spec = services.open_run(run_id).spec
        rule = SELECTORS[other.selector or spec.selector or STRATEGIES[spec.strategy].card.selector]
        given = params_of(rule.params, "--selector-param", other.selector_param)
        params = params_of(STRATEGIES[spec.strategy].params, "--param", other.param)
        return stored_run.would_have(services, run_id, ask_of(other, given, params))

    found = within(db, ask)
    print(found.model_dump_json() if as_json else what_if_text(found))
    return DONE


def ask_of(other: Other, rule: dict[str, JsonValue], params: dict[str, JsonValue]) -> WhatIfAsk:
    """The other settings as a question. Raises `BadInput`."""
    given = {
        "selector": other.selector,
        "aggregation": other.aggregation,
        "first": other.first,
        "series": other.series,
    }
    try:
        return WhatIfAsk.model_validate(
            {**given, "selector_params": rule or None, "params": params}
        )
    except ValidationError as error:
        first = error.errors()[0]
        raise BadInput(str(first["loc"][0]), given=first["input"], accepted=first["msg"]) from None


def what_if_text(found: WhatIf) -> str:
    """What was found, in a few lines."""
    extent = "to the end" if found.whole else "so far as the run is stored"
    lines = [text_of(found), f"exact for {found.rounds} rounds, {extent}"]
    if found.stopped:
        where = "" if found.stopped_at is None else f" (of node {found.stopped_at})"
        lines.append(f"  then {found.stopped}{where}")
    return "\n".join(lines)


__all__ = ["Other", "what_if", "what_if_text", "why", "why_text"]
