"""How long a request's body may be, so that nobody fills the memory with one.

A body that is too long is read to its end and thrown away before the refusal is sent: a server that
answers and closes while the other side still writes is seen there as a reset connection, and the
refusal is lost. Routes that take files read their bodies in parts and have limits of their own; they
are those that declare a body which is no JSON.
"""

from __future__ import annotations

from collections.abc import Callable, Collection

import anyio
from fastapi.routing import APIRoute
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.routing import BaseRoute, Match
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from backend.api.errors import error_response
from backend.core.errors import TooLong
from backend.messages.runs import ErrorBody

MOST_BYTES = 2**20
PATIENCE_S = 30.0
"""How long the rest of a body that is too long is read."""
WITHOUT_BODY = ("GET", "HEAD", "OPTIONS")


class BodyLimit:
    """ASGI middleware that answers 413 to a body of more than `most` bytes, except on `files`."""

    def __init__(
        self,
        app: ASGIApp,
        files: Callable[[], Collection[BaseRoute]] = tuple,
        most: int = MOST_BYTES,
    ) -> None:
        self._app, self._files, self._most = app, files, most

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] in WITHOUT_BODY or self._takes_file(scope):
            await self._app(scope, receive, send)
            return
        declared = Headers(scope=scope).get("content-length", "")
        if declared.isdecimal() and int(declared) > self._most:
            await _refuse(f"{int(declared):,} bytes", self._most, scope, receive, send)
            return
        messages, size = list[Message](), 0
        while size <= self._most:
            messages.append(await receive())
            size += len(messages[-1].get("body", b""))
            if not messages[-1].get("more_body", False):
                await self._app(scope, _replay(messages, receive), send)
                return
        await _refuse(f"more than {self._most:,} bytes", self._most, scope, receive, send)

    def _takes_file(self, scope: Scope) -> bool:
        return any(route.matches(scope)[0] is Match.FULL for route in self._files())


def file_routes(routes: Collection[BaseRoute]) -> list[BaseRoute]:
    """The routes whose declared body is no JSON."""
    return [
        route
        for route in routes
        if isinstance(route, APIRoute)
        and (declared := (route.openapi_extra or {}).get("requestBody"))
        and "application/json" not in declared["content"]
    ]


async def read_file(request: Request, what: str, most: int) -> bytes:
    """The body of a request that brings a file. Raises `TooLong` where it has more than `most`
    bytes, after the rest was read as well, as far as patience goes."""
    chunks, size, stream = list[bytes](), 0, request.stream()
    async for chunk in stream:
        size += len(chunk)
        if size > most:
            with anyio.move_on_after(PATIENCE_S):
                async for _ in stream:
                    pass
            raise TooLong(what, given=f"more than {most} bytes", accepted=f"at most {most} bytes")
        chunks.append(chunk)
    return b"".join(chunks)


def _replay(messages: list[Message], receive: Receive) -> Receive:
    """What was received, once more, and then what comes."""
    waiting = iter(messages)

    async def again() -> Message:
        return next(waiting, None) or await receive()

    return again


async def _refuse(given: str, most: int, scope: Scope, receive: Receive, send: Send) -> None:
    """Read the rest, as far as patience goes, and answer 413. One who asked first whether to send
    (`Expect: 100-continue`) is answered at once."""
    if "100-continue" not in Headers(scope=scope).get("expect", "").lower():
        with anyio.move_on_after(PATIENCE_S):
            while (await receive()).get("more_body", False):
                pass
    body = ErrorBody(
        error=f"the body of this request is too long: {given}",
        given=given,
        accepted=f"at most {most:,} bytes",
    )
    await error_response(413, body)(scope, receive, send)


__all__ = ["MOST_BYTES", "BodyLimit", "file_routes", "read_file"]
