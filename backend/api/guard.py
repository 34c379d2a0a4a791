"""The outermost layer: who may talk to the service at all.

It stands before pages, websocket, static files and API alike. The Host header must name this
machine or a listed name, which keeps a foreign page from reaching a loopback service by rebinding a
name. An Origin header must be the service's own or a listed one, which keeps foreign pages from
sending requests with a visitor's cookies; a write that the browser marks as sent for another site
(`Sec-Fetch-Site`) is refused as well. Where the service is bound to more than loopback, every
request needs the token: as `Authorization: Bearer`, as the cookie, or as `?token=`. A page opened
with `?token=` gets the cookie and an address without the token; a stream or script that a page of a
listed origin asks for has no other way, because neither can carry a header and the cookie stays at
home.

The token is taken out of the request before anybody else sees it. The server writes its access log
from the same request, so no log has it.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Mapping
from http.cookies import CookieError, SimpleCookie
from typing import NamedTuple
from urllib.parse import unquote_plus, urlsplit

from starlette.datastructures import Headers
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from backend.api.errors import error_response
from backend.api.guesses import Guesses
from backend.core.settings import LOOPBACK_NAMES, Settings
from backend.messages.runs import ErrorBody

COOKIE = "arboretum_token"


class Refusal(NamedTuple):
    """Why a request is turned away."""

    status: int
    body: ErrorBody


class Guard:
    """ASGI middleware. `settings` is asked at each request, because the address is known only once
    the server runs."""

    def __init__(
        self, app: ASGIApp, settings: Callable[[], Settings], guesses: Guesses | None = None
    ) -> None:
        self._app, self._settings = app, settings
        self._guesses = guesses or Guesses()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        settings, headers, given = self._settings(), Headers(scope=scope), take_token(scope)
        refusal = (
            refuse_name(headers, settings)
            or refuse_site(scope, headers, settings)
            or refuse_token(scope, headers, given, settings)
        )
        if refusal is not None:
            if refusal.status == 401 and any(_shown(headers, given)):
                await self._guesses.slow_down((scope.get("client") or ("",))[0])
            await _turn_away(refusal, readable(headers, settings), scope, receive, send)
        elif given is not None and settings.token is not None and _opens_page(scope, headers):
            await _remembering(scope, settings.token)(scope, receive, send)
        else:
            await self._app(scope, receive, send)


def refuse_name(headers: Headers, settings: Settings) -> Refusal | None:
    """The refusal of a Host or Origin that is not on the list, or None."""
    host = headers.get("host", "")
    names = (
        *LOOPBACK_NAMES,
        *settings.hosts,
        *(() if settings.host in ("0.0.0.0", "::") else (settings.host,)),
    )
    if name_of(f"//{host}") not in names:
        accepted = (
            f"{', '.join(dict.fromkeys(names))} (further names: environment variable "
            "ARBORETUM_HOSTS)"
        )
        return Refusal(
            403, ErrorBody(error=f"host {host!r} is not allowed", given=host, accepted=accepted)
        )
    origin = headers.get("origin")
    if (
        origin is None
        or origin in settings.origins
        or (urlsplit(origin).netloc == host and origin != "null")
    ):
        return None
    accepted = (
        f"the service's own address, and {', '.join(settings.origins) or 'no other'} (further "
        "origins: environment variable ARBORETUM_ORIGINS)"
    )
    return Refusal(
        403, ErrorBody(error=f"origin {origin!r} is not allowed", given=origin, accepted=accepted)
    )


def refuse_site(scope: Scope, headers: Headers, settings: Settings) -> Refusal | None:
    """The refusal of a write that a foreign page has the browser send, or None. Programs do not
    send the header `Sec-Fetch-Site`; pages of listed origins may write."""
    reads = scope["type"] == "http" and scope["method"] in ("GET", "HEAD", "OPTIONS")
    site = headers.get("sec-fetch-site")
    if reads or site != "cross-site" or headers.get("origin") in settings.origins:
        return None
    return Refusal(
        403,
        ErrorBody(
            error="a page of another site may not change anything here",
            given=f"Sec-Fetch-Site: {site}",
            accepted="requests of the service's own pages, of programs, and of origins that the "
            "environment variable ARBORETUM_ORIGINS lists",
        ),
    )


def take_token(scope: Scope) -> str | None:
    """The token in the request's address, which is no longer there afterwards; None where there was
    none.

    The scope is changed in place on purpose: what the server logs at the end is read from this very
    dictionary.
    """
    parts = scope.get("query_string", b"").decode("latin-1").split("&")
    found = [part for part in parts if unquote_plus(part.partition("=")[0]) == "token"]
    if not found:
        return None
    scope["query_string"] = "&".join(part for part in parts if part not in found).encode("latin-1")
    return unquote_plus(found[-1].partition("=")[2])


def refuse_token(
    scope: Scope, headers: Headers, given: str | None, settings: Settings
) -> Refusal | None:
    """The refusal of a request without the right token, or None. `given` is what its address
    held.
    """
    if settings.token is None or scope.get("method") == "OPTIONS":
        return None
    if any(
        one is not None and hmac.compare_digest(one.encode(), settings.token.encode())
        for one in _shown(headers, given)
    ):
        return None
    accepted = f"Authorization: Bearer <token>, the cookie {COOKIE}, or ?token=<token>"
    return Refusal(
        401, ErrorBody(error="this service needs a token", given=None, accepted=accepted)
    )


def readable(headers: Headers, settings: Settings) -> dict[str, str]:
    """What lets a page of a listed origin read a refusal, so that it can say that its token is
    wrong; nothing for any other page."""
    origin = headers.get("origin")
    return (
        {"Access-Control-Allow-Origin": origin, "Vary": "Origin"}
        if origin is not None and origin in settings.origins
        else {}
    )


def name_of(url: str) -> str:
    """The host name of a URL without its port, lower case; empty where there is none."""
    try:
        return (urlsplit(url).hostname or "").lower()
    except ValueError:
        return ""


def _opens_page(scope: Scope, headers: Headers) -> bool:
    return (
        scope["type"] == "http"
        and scope["method"] == "GET"
        and "text/html" in headers.get("accept", "")
    )


def _remembering(scope: Scope, token: str) -> Response:
    """Set the cookie and go to the same address, which has no token any more. Neither cache nor
    referrer keeps the one that had it."""
    rest = scope["query_string"].decode("latin-1")
    # a path that begins with two slashes would lead to another host
    path = "/" + scope["path"].lstrip("/")
    headers = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
    response = RedirectResponse(
        path + (f"?{rest}" if rest else ""), status_code=303, headers=headers
    )
    response.set_cookie(
        COOKIE, token, httponly=True, samesite="strict", secure=scope.get("scheme") == "https"
    )
    return response


async def _turn_away(
    refusal: Refusal, more: Mapping[str, str], scope: Scope, receive: Receive, send: Send
) -> None:
    """Answer a refusal, with `more` headers where it is an answer over HTTP."""
    if scope["type"] == "http":
        response = error_response(refusal.status, refusal.body)
        response.headers.update(more)
        await response(scope, receive, send)
        return
    await receive()
    await send(
        {
            "type": "websocket.close",
            "code": 4000 + refusal.status,
            "reason": refusal.body.error[:120],
        }
    )


def _shown(headers: Headers, given: str | None) -> tuple[str | None, ...]:
    """The tokens that a request shows: header, cookie, address."""
    return (_bearer(headers), _cookie(headers), given)


def _bearer(headers: Headers) -> str | None:
    kind, _, token = headers.get("authorization", "").partition(" ")
    return token.strip() if kind.lower() == "bearer" else None


def _cookie(headers: Headers) -> str | None:
    try:
        found = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
    except CookieError:
        return None
    return None if found is None else found.value


__all__ = ["COOKIE", "Guard", "name_of", "refuse_name", "refuse_site", "refuse_token", "take_token"]
