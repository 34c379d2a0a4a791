"""`fork` and `continue`: a search in this process that begins with what a stored run has."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Mapping
from typing import Any

from pydantic import JsonValue, ValidationError

from backend.cli.run import NAMES, carried_out, number, pairs, params_of
from backend.core.errors import BadInput
from backend.core.registry import STRATEGIES
from backend.core.spec import Fork
from backend.judging.rules import SELECTORS
from backend.judging.scorers import VERIFIERS
from backend.service.assembly import Services

CHANGEABLE = tuple(name for name in NAMES if name not in ("problem", "question", "answer"))


def fork(options: argparse.Namespace) -> int:
    """Go on from a node of a stored run, to the end; the result goes to standard output."""

    async def begin(services: Services) -> int:
        row = await asyncio.to_thread(services.store.run, options.run_id)
        return await services.jobs.forks.fork(options.run_id, fork_of(options, row.spec))

    return asyncio.run(carried_out(options, begin))


def go_on(options: argparse.Namespace) -> int:
    """Go on where the budget ended a stored run, with a larger one."""
    budget = {axis: number(axis, limit) for axis, limit in pairs("--budget", options.budget)}
    return asyncio.run(
        carried_out(options, lambda services: services.jobs.forks.continued(options.run_id, budget))
    )


def fork_of(options: argparse.Namespace, origin: Mapping[str, JsonValue]) -> Fork:
    """What the options ask for; parameters are those of the strategy and the rule that the fork
    will have. Raises `BadInput`."""
    settings: dict[str, Any] = {
        name: getattr(options, name) for name in CHANGEABLE if getattr(options, name) is not None
    }
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
        settings["budget"] = {
            axis: number(axis, limit) for axis, limit in pairs("--budget", options.budget)
        }
    edit: dict[str, Any] | None = (
        None if options.text is None else {"text": options.text, "whole": not options.half}
    )
    if options.token is not None:
        [(place, text)] = pairs("--token", [options.token])
        edit = {**(edit or {}), "token": {"position": place, "text": text}}
    try:
        return Fork.model_validate({"node": options.node, "edit": edit, "settings": settings})
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise BadInput(
            ".".join(map(str, first["loc"])) or "the fork",
            given=first["input"],
            accepted=first["msg"],
        ) from None


__all__ = ["fork", "go_on"]
