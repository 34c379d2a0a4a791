"""`fork` and `continue`: a search in this process that begins with what a stored run has."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import JsonValue, ValidationError

from backend.cli.options import RunOptions
from backend.cli.run import budget_of, carry_out, pairs, params_of
from backend.core.errors import BadInput
from backend.core.registry import STRATEGIES
from backend.core.spec import Fork
from backend.judging.rules import SELECTORS
from backend.judging.scorers import VERIFIERS
from backend.service.assembly import Services


class Edited(NamedTuple):
    """How the step that the fork begins at is changed: its text (a whole step, or half of one), and
    a token of it as PLACE=TEXT."""

    text: str | None = None
    half: bool = False
    token: str | None = None


def fork(
    run_id: int,
    node: int,
    edited: Edited,
    options: RunOptions,
    db: Path | None,
    *,
    as_json: bool,
) -> int:
    """Go on from a node of a stored run, to the end; the result goes to standard output."""

    async def begin(services: Services) -> int:
        row = await asyncio.to_thread(services.store.run, run_id)
        return await services.jobs.forks.fork(run_id, fork_of(node, edited, options, row.spec))

    return asyncio.run(carry_out(begin, db, as_json=as_json))


def go_on(run_id: int, limits: Sequence[str], db: Path | None, *, as_json: bool) -> int:
    """Go on where the budget ended a stored run, with a larger one."""
    budget = budget_of(limits)
    return asyncio.run(
        carry_out(
            lambda services: services.jobs.forks.continue_run(run_id, budget), db, as_json=as_json
        )
    )


def fork_of(
    node: int, edited: Edited, options: RunOptions, origin: Mapping[str, JsonValue]
) -> Fork:
    """What the options ask for; parameters are those of the strategy and the rule that the fork
    will have. Raises `BadInput`."""
    settings: dict[str, Any] = dict(options.fields)
    strategy = settings.get("strategy", origin.get("strategy"))
    if options.param:
        settings["params"] = params_of(STRATEGIES[str(strategy)].params, "--param", options.param)
    if options.selector_param:
        rule = (
            settings.get("selector", origin.get("selector"))
            or STRATEGIES[str(strategy)].card.selector
        )
        settings["selector_params"] = params_of(
            SELECTORS[str(rule)].params, "--selector-param", options.selector_param
        )
    if options.verifier_param:
        verifier = VERIFIERS[str(settings.get("verifier", origin.get("verifier")))]
        settings["verifier_params"] = params_of(
            verifier.params, "--verifier-param", options.verifier_param
        )
    if options.budget:
        settings["budget"] = budget_of(options.budget)
    edit: dict[str, Any] | None = (
        None if edited.text is None else {"text": edited.text, "whole": not edited.half}
    )
    if edited.token is not None:
        [(place, text)] = pairs("--token", [edited.token])
        edit = {**(edit or {}), "token": {"position": place, "text": text}}
    try:
        return Fork.model_validate({"node": node, "edit": edit, "settings": settings})
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise BadInput(
            ".".join(map(str, first["loc"])) or "the fork",
            given=first["input"],
            accepted=first["msg"],
        ) from None


__all__ = ["Edited", "fork", "go_on"]
