"""Every refusal in one shape: `{error, given, accepted, remedy}` with a fitting status."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from backend.core.errors import (
    ArboretumError,
    BadInput,
    Conflict,
    EngineFailure,
    MissingCapability,
    NotFound,
    ProblemError,
    ProcessDied,
    StorageFailure,
    TooLong,
    UnreadableProblems,
)
from backend.core.types import JSON
from backend.messages.runs import ErrorBody

STATUSES: Sequence[tuple[type[ArboretumError], int]] = (
    (TooLong, 413),
    (BadInput, 422),
    (MissingCapability, 422),
    (UnreadableProblems, 422),
    (ProblemError, 404),
    (NotFound, 404),
    (Conflict, 409),
    (EngineFailure, 503),
    (StorageFailure, 503),
    (ProcessDied, 503),
    (ArboretumError, 400),
)
"""The first class that fits decides."""

REFUSALS: dict[int | str, dict[str, Any]] = {
    status: {"model": ErrorBody, "description": text}
    for status, text in (
        (400, "What was sent cannot be read, or cannot be done"),
        (401, "A token is needed"),
        (403, "Host, origin or site not allowed"),
        (404, "There is no such thing"),
        (409, "Not in this state"),
        (413, "The body is too long"),
        (422, "Bad input: what was given and what is accepted"),
        (503, "An engine, the store or a process that computes cannot do it now"),
    )
}
"""For the OpenAPI document."""


def answer_errors(app: FastAPI) -> None:
    """Register the handlers on an application."""
    app.add_exception_handler(ArboretumError, _refuse)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)


def error_response(status: int, body: ErrorBody) -> JSONResponse:
    return JSONResponse(body.model_dump(), status_code=status)


async def _refuse(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, ArboretumError)
    status = next(status for kind, status in STATUSES if isinstance(error, kind))
    given = plain(error.given) if isinstance(error, BadInput) else None
    accepted = str(error.accepted) if isinstance(error, BadInput) else ""
    remedy = error.remedy if isinstance(error, EngineFailure) else ""
    return error_response(
        status, ErrorBody(error=str(error), given=given, accepted=accepted, remedy=remedy)
    )


async def _invalid(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    where = (
        ".".join(str(part) for part in first["loc"] if part not in ("body", "query", "path"))
        or "the request"
    )
    given = plain(first.get("input"))
    return error_response(
        422, ErrorBody(error=f"{where}: {first['msg']}", given=given, accepted=first["msg"])
    )


async def _http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    given = f"{request.method} {request.url.path}"
    accepted = (
        "the paths and methods of /api/openapi.json" if error.status_code in (404, 405) else ""
    )
    return error_response(
        error.status_code,
        ErrorBody(error=f"{given}: {error.detail}", given=given, accepted=accepted),
    )


def plain(value: object) -> JSON:
    """A value as JSON, or its representation where it has none; never longer than a screen."""
    try:
        text = json.dumps(value, allow_nan=False)
    except (TypeError, ValueError):
        text = json.dumps(repr(value))
    if len(text) > 2000:
        return text[:2000] + " ..."
    decoded: JSON = json.loads(text)
    return decoded


__all__ = ["REFUSALS", "answer_errors", "error_response", "plain"]
