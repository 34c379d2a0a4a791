"""`run` and `resume`: a search in this process, without a server."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from pydantic import JsonValue, ValidationError

from backend.cli.options import RunOptions
from backend.core.environment import read_settings
from backend.core.errors import BadInput
from backend.core.registry import STRATEGIES, Params
from backend.core.spec import RunSpec, SamplingSpec, SplittingSpec
from backend.engines.models import Models, model_settings
from backend.judging.rules import SELECTORS
from backend.judging.scorers import VERIFIERS
from backend.messages.runs import Run
from backend.service.loading import load_ahead

if TYPE_CHECKING:
    from backend.service.assembly import Services

DONE, FAILED, INTERRUPTED = 0, 3, 130

Begin: TypeAlias = "Callable[[Services], Awaitable[int]]"


def run(options: RunOptions, db: Path | None, *, as_json: bool) -> int:
    """Run what the options describe; the result goes to standard output."""
    spec = spec_of(options)
    return asyncio.run(
        carry_out(lambda services: services.jobs.submit(spec), db, spec, as_json=as_json)
    )


def resume(run_id: int, db: Path | None, *, as_json: bool) -> int:
    """Take up a run that crashed or failed."""

    async def begin(services: Services) -> int:
        await services.jobs.resume(run_id)
        return run_id

    return asyncio.run(carry_out(begin, db, as_json=as_json))


def spec_of(options: RunOptions) -> RunSpec:
    """The `RunSpec` of the options. Raises `BadInput`."""
    fields = options.fields
    given: dict[str, Any] = {name: fields[name] for name in RunSpec.model_fields if name in fields}
    entry = STRATEGIES[given["strategy"]]
    given["params"] = params_of(entry.params, "--param", options.param)
    given["selector_params"] = params_of(
        SELECTORS[given.get("selector") or entry.card.selector].params,
        "--selector-param",
        options.selector_param,
    )
    verifier = VERIFIERS[given.get("verifier") or RunSpec.model_fields["verifier"].default]
    given["verifier_params"] = params_of(
        verifier.params, "--verifier-param", options.verifier_param
    )
    given["budget"] = budget_of(options.budget)
    given["sampling"] = {name: fields[name] for name in SamplingSpec.model_fields if name in fields}
    splitting = {name: fields[name] for name in SplittingSpec.model_fields if name in fields}
    given |= {"splitting": splitting} if splitting else {}
    try:
        return RunSpec.model_validate(given)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the run"
        shown = (
            first["input"]
            if first["loc"]
            else {name: given[name] for name in ("problem", "question", "answer") if name in given}
        )
        raise BadInput(where, given=shown, accepted=first["msg"]) from None


def params_of(model: type[Params], option: str, texts: Sequence[str]) -> dict[str, JsonValue]:
    """NAME=VALUE texts of an option with the types of the parameters' schema: texts stay texts, the
    rest is read as JSON."""
    properties: dict[str, dict[str, Any]] = model.model_json_schema().get("properties", {})
    return {
        name: parse_value(text, properties.get(name, {})) for name, text in pairs(option, texts)
    }


def parse_value(text: str, schema: dict[str, Any]) -> JsonValue:
    """A text as the JSON schema wants it; what cannot be read as JSON stays a text, for the
    parameters to refuse."""
    if schema.get("type") == "string":
        return text
    try:
        value: JsonValue = json.loads(text)
    except ValueError:
        return text
    return value


def pairs(option: str, texts: Sequence[str]) -> list[tuple[str, str]]:
    """NAME=VALUE texts, split."""
    for text in texts:
        if "=" not in text:
            raise BadInput(option, given=text, accepted="NAME=VALUE")
    return [(text.partition("=")[0], text.partition("=")[2]) for text in texts]


def budget_of(texts: Sequence[str]) -> dict[str, float]:
    """AXIS=LIMIT texts as a budget. Raises `BadInput`."""
    return {axis: number(axis, limit) for axis, limit in pairs("--budget", texts)}


def number(axis: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise BadInput(f"budget {axis}", given=text, accepted="a number above 0") from None


def import_services() -> Callable[..., AbstractAsyncContextManager[Services]]:
    """What opens the services, with all that it imports: done in a thread while models load."""
    from backend.service.assembly import open_services

    return open_services


async def carry_out(
    begin: Begin, db: Path | None, ahead: RunSpec | None = None, *, as_json: bool
) -> int:
    """Let the run that `begin` starts come to its end, and show how it ended; the exit status.
    `ahead`: its description, where it is known before the store is open."""
    settings = dataclasses.replace(read_settings(os.environ, db=db, host="127.0.0.1"), samples=None)
    models = Models(model_settings(settings))
    async with load_ahead(models, ahead):
        open_services = await asyncio.to_thread(import_services)
        async with open_services(settings, models=models) as services:
            run_id = await begin(services)
            async with _interruptible(services, run_id) as interrupted:
                await services.jobs.wait(run_id)
            row = await asyncio.to_thread(services.store.run, run_id)
            unstored = services.jobs.standing(run_id, row.status)
    from backend.service.present import run_message

    status, reason = (None, None) if unstored is None else (unstored.status, unstored.reason)
    result = result_of(run_message(row, status, reason))
    show(result, as_json=as_json)
    if interrupted.is_set():
        return INTERRUPTED
    return DONE if result["status"] == "finished" else FAILED


@asynccontextmanager
async def _interruptible(services: Services, run_id: int) -> AsyncIterator[asyncio.Event]:
    """Inside, SIGINT and SIGTERM stop the run, which is recorded; the event says that it
    happened.
    """
    loop, interrupted, stopping = (
        asyncio.get_running_loop(),
        asyncio.Event(),
        set[asyncio.Task[str]](),
    )

    def stop() -> None:
        if not interrupted.is_set():
            interrupted.set()
            stopping.add(asyncio.create_task(services.jobs.cancel(run_id)))

    for number_ in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number_, stop)
    try:
        yield interrupted
        await asyncio.gather(*stopping)
    finally:
        for number_ in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number_)


def result_of(row: Run) -> dict[str, Any]:
    """What is said of a run that is over."""
    right = None if row.problem is None else row.problem.answer
    return {
        "run_id": row.id,
        "status": row.status,
        "answer": row.answer,
        "right_answer": right,
        "correct": row.correct,
        "grade": row.grade,
        "chosen_node": row.chosen_node,
        "nodes": row.nodes,
        "events": row.events,
        "reason": row.reason,
        "limit": None if row.limit is None else row.limit.model_dump(),
        "error": row.error,
        "remedy": row.remedy,
        "ledger": row.ledger,
    }


def show(result: dict[str, Any], *, as_json: bool) -> None:
    """The result of a run on standard output."""
    if as_json:
        print(json.dumps(result, ensure_ascii=False))
        return
    ledger = result["ledger"]
    print(
        f"run {result['run_id']}: {result['status']}"
        + (f" ({result['reason']})" if result["reason"] else "")
    )
    print(
        f"answer {result['answer']}, right answer {result['right_answer']}, correct: "
        f"{result['correct']} ({result['grade']})"
    )
    print(
        f"{result['nodes']} nodes, {ledger.get('generated_tokens', 0):.0f} tokens, "
        f"{ledger.get('model_calls', 0):.0f} model calls, "
        f"{ledger.get('verifier_calls', 0):.0f} scores, {ledger.get('seconds', 0):.1f} s"
    )
    if result["remedy"]:
        print(result["remedy"], file=sys.stderr)


__all__ = [
    "budget_of",
    "carry_out",
    "pairs",
    "params_of",
    "parse_value",
    "resume",
    "run",
    "show",
    "spec_of",
]
