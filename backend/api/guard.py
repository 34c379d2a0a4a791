"""The outermost layer: who may talk to the service at all.

It stands before pages, websocket, static files and API alike. The Host header must name this machine or a listed name, which keeps a foreign
page from reaching a loopback service by rebinding a name. An Origin header must be the service's own or a listed one, which keeps
foreign pages from sending requests with a visitor's cookies. Where the service is bound to more than loopback, every request needs the token:
as `Authorization: Bearer`, as the cookie, or once as `?token=`, which sets the cookie.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from http.cookies import CookieError, SimpleCookie
from typing import NamedTuple
from urllib.parse import parse_qsl, urlencode, urlsplit

from starlette.datastructures import Headers
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from backend.api.errors import error_response
from backend.api.schemas import ErrorBody
from backend.settings import LOOPBACK_NAMES, Settings

COOKIE = "arboretum_token"


class Refusal(NamedTuple):
    """Why a request is turned away."""

    status: int
    body: ErrorBody


class Guard:
    """ASGI middleware. `settings` is asked at each request, because the address is known only once the server runs."""

    def __init__(self, app: ASGIApp, settings: Callable[[], Settings]) -> None:
        self._app, self._settings = app, settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        settings, headers = self._settings(), Headers(scope=scope)
        refusal = refused_name(headers, settings) or refused_token(scope, headers, settings)
        if refusal is not None:
            await _turn_away(refusal, scope, receive, send)
        elif (clean := _without_token(scope, headers, settings)) is not None:
            await clean(scope, receive, send)
        else:
            await self._app(scope, receive, send)


def refused_name(headers: Headers, settings: Settings) -> Refusal | None:
    """The refusal of a Host or Origin that is not on the list, or None."""
    host = headers.get("host", "")
    names = (*LOOPBACK_NAMES, *settings.hosts, *(() if settings.host in ("0.0.0.0", "::") else (settings.host,)))
    if name_of(f"//{host}") not in names:
        accepted = f"{', '.join(dict.fromkeys(names))} (further names: environment variable ARBORETUM_HOSTS)"
        return Refusal(403, ErrorBody(error=f"host {host!r} is not allowed", given=host, accepted=accepted))
    origin = headers.get("origin")
    if origin is None or origin in settings.origins or (urlsplit(origin).netloc == host and origin != "null"):
        return None
    accepted = f"the service's own address, and {', '.join(settings.origins) or 'no other'} (further origins: environment variable ARBORETUM_ORIGINS)"
    return Refusal(403, ErrorBody(error=f"origin {origin!r} is not allowed", given=origin, accepted=accepted))


def refused_token(scope: Scope, headers: Headers, settings: Settings) -> Refusal | None:
    """The refusal of a request without the right token, or None."""
    if settings.token is None or scope.get("method") == "OPTIONS":
        return None
    candidates = (_bearer(headers), _cookie(headers), _query(scope).get("token"))
    if any(given is not None and hmac.compare_digest(given.encode(), settings.token.encode()) for given in candidates):
        return None
    accepted = f"Authorization: Bearer <token>, the cookie {COOKIE}, or ?token=<token>"
    return Refusal(401, ErrorBody(error="this service needs a token", given=None, accepted=accepted))


def name_of(url: str) -> str:
    """The host name of a URL without its port, lower case; empty where there is none."""
    try:
        return (urlsplit(url).hostname or "").lower()
    except ValueError:
        return ""


def _without_token(scope: Scope, headers: Headers, settings: Settings) -> Response | None:
    """For a page opened with `?token=`: set the cookie and go to the same address without the token."""
    query = _query(scope)
    page = scope["type"] == "http" and scope["method"] == "GET" and "text/html" in headers.get("accept", "")
    if settings.token is None or not page or "token" not in query:
        return None
    rest = urlencode([(name, value) for name, value in query.items() if name != "token"])
    response = RedirectResponse(scope["path"] + (f"?{rest}" if rest else ""), status_code=303)
    response.set_cookie(COOKIE, settings.token, httponly=True, samesite="strict", secure=scope.get("scheme") == "https")
    return response


async def _turn_away(refusal: Refusal, scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "http":
        await error_response(refusal.status, refusal.body)(scope, receive, send)
        return
    await receive()
    await send({"type": "websocket.close", "code": 4000 + refusal.status, "reason": refusal.body.error[:120]})


def _bearer(headers: Headers) -> str | None:
    kind, _, token = headers.get("authorization", "").partition(" ")
    return token.strip() if kind.lower() == "bearer" else None


def _cookie(headers: Headers) -> str | None:
    try:
        found = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
    except CookieError:
        return None
    return None if found is None else found.value


def _query(scope: Scope) -> dict[str, str]:
    return dict(parse_qsl(scope.get("query_string", b"").decode("latin-1")))


__all__ = ["COOKIE", "Guard", "name_of", "refused_name", "refused_token"]
