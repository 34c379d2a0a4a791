"""OpenAI's chat completions with strategies for models, under `/v1`: any program that speaks to a
model can speak to a search. Each call is a stored run, whose link is in the answer.

It stands behind the same guard as everything else: on loopback it is open, beyond it a request
needs the token, which such programs send as their key. A client that goes away stops its run.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager, suppress
from typing import NamedTuple

import anyio
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, StreamingResponse
from pydantic import ValidationError

from backend.api.bodies import BodyLimit
from backend.api.deps import Needs
from backend.api.errors import STATUSES
from backend.core.errors import ArboretumError, BadInput, Conflict
from backend.core.types import JSON
from backend.messages.gateway import ChatAnswer, ChatRequest, ServedModels
from backend.service.assembly import Services
from backend.service.gateway import answer_of, link_of, list_names, spec_of, texts_of

PING_S = 1.0
"""How often a client that waits is told so, and asked whether it is still there."""


def create_gateway() -> FastAPI:
    """The application; its `state.services` is set before the first request."""
    app = FastAPI(title="Arboretum gateway", docs_url=None, redoc_url=None, openapi_url=None)
    app.add_exception_handler(ArboretumError, _refuse)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_middleware(BodyLimit)
    app.add_api_route("/models", models, methods=["GET"])
    app.add_api_route("/chat/completions", complete, methods=["POST"], response_model=None)
    return app


def models(services: Needs) -> ServedModels:
    """All names that a request may give as `model`."""
    return list_names(services.models)


async def complete(
    request: Request, asked: ChatRequest, services: Needs
) -> ChatAnswer | StreamingResponse:
    """Run the strategy on the conversation and answer with the chosen text."""
    try:
        spec = spec_of(asked, services.models)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise BadInput(_place(first["loc"]), given=first["input"], accepted=first["msg"]) from None
    run_id = await services.jobs.submit(spec)
    if asked.stream:
        chunks = stream(request, asked, services, run_id)
        return StreamingResponse(chunks, media_type="text/event-stream")
    waiting = wait_for_end(request, services, run_id)
    async with stopping(services, run_id), aclosing(waiting):
        async for _ in waiting:
            pass
    return (await asyncio.to_thread(read_answer, services, asked, run_id)).whole


async def wait_for_end(request: Request, services: Services, run_id: int) -> AsyncGenerator[None]:
    """One item a second, until the run is over or the client has gone."""
    ended = asyncio.create_task(services.jobs.wait(run_id))
    try:
        while not (await asyncio.wait({ended}, timeout=PING_S))[0]:
            if await request.is_disconnected():
                return
            yield None
    finally:
        ended.cancel()


@asynccontextmanager
async def stopping(services: Services, run_id: int) -> AsyncIterator[None]:
    """Stop the run at the end of the block, unless it is over by then."""
    try:
        yield
    finally:
        if services.jobs.standing(run_id) is not None:
            # whoever waited may be cancelled already
            with anyio.CancelScope(shield=True), suppress(Conflict):
                await services.jobs.cancel(run_id)


class ReadAnswer(NamedTuple):
    """What a run that is over answers: the whole, and the texts of the chosen steps in order."""

    whole: ChatAnswer
    steps: list[str]


def read_answer(services: Services, asked: ChatRequest, run_id: int) -> ReadAnswer:
    """The answer of a run that is over. Raises `EngineFailure` for one that failed or was
    stopped."""
    row = services.find_ended_row(run_id)
    run = services.open_run(run_id)
    whole = answer_of(asked, run, row)
    node = None if row.chosen_node is None else run.trace.nodes[row.chosen_node]
    return ReadAnswer(whole, list(texts_of(node)))


async def stream(
    request: Request, asked: ChatRequest, services: Services, run_id: int
) -> AsyncIterator[str]:
    """The messages of a stream: the link of the run at once, comments while it searches, then the
    steps of the chosen text, the reason of the end, and `[DONE]`."""
    link = link_of(run_id).model_dump()
    head: dict[str, JSON] = {
        "id": f"run-{run_id}",
        "object": "chat.completion.chunk",
        "created": int(services.store.run(run_id).created_at.timestamp()),
        "model": asked.model,
    }
    waiting = wait_for_end(request, services, run_id)
    async with stopping(services, run_id), aclosing(waiting):
        yield _chunk(head, {"role": "assistant", "content": ""}, arboretum=link)
        async for _ in waiting:
            yield ": searching\n\n"
    try:
        answer, texts = await asyncio.to_thread(read_answer, services, asked, run_id)
    except ArboretumError as error:
        yield _data({"error": describe(error)})
    else:
        for text in texts:
            yield _chunk(head, {"content": text})
        link = answer.arboretum.model_dump()
        yield _chunk(head, {}, answer.choices[0].finish_reason, arboretum=link)
        if asked.stream_options.include_usage:
            yield _data({**head, "choices": [], "usage": answer.usage.model_dump()})
    yield "data: [DONE]\n\n"


def _chunk(
    head: dict[str, JSON], delta: dict[str, JSON], finish: str | None = None, **more: JSON
) -> str:
    return _data(
        {**head, "choices": [{"index": 0, "delta": delta, "finish_reason": finish}], **more}
    )


def _data(fields: dict[str, JSON]) -> str:
    return f"data: {json.dumps(fields, ensure_ascii=False, allow_nan=False)}\n\n"


def describe(error: ArboretumError) -> dict[str, JSON]:
    """A refusal in the shape that clients of OpenAI read: message, type, and the field."""
    kind = "invalid_request_error" if isinstance(error, BadInput) else "server_error"
    return {"message": str(error), "type": kind, "param": None, "code": None}


async def _refuse(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, ArboretumError)
    status = next(status for kind, status in STATUSES if isinstance(error, kind))
    return JSONResponse({"error": describe(error)}, status_code=400 if status == 422 else status)


async def _invalid(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    place = _place([part for part in first["loc"] if part != "body"])
    refusal = BadInput(place, given=first.get("input"), accepted=first["msg"])
    return JSONResponse({"error": {**describe(refusal), "param": place}}, status_code=400)


def _place(parts: object) -> str:
    return ".".join(map(str, parts)) if isinstance(parts, list | tuple) and parts else "the request"


__all__ = ["create_gateway"]
