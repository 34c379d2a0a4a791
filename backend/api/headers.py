"""What every answer tells the browser: what a page may load, who may frame it, what it may tell
others.

The policy stands before pages, static files and API alike, so that a text which gets past all
escaping still reaches no foreign host. It allows what Streamlit was seen to need in a browser, and
nothing else: the one script that stands inside its page, by its hash; styles inside elements, which
its components and `st.html` are drawn with; scripts from memory, because that is how it loads
components of one's own. Where the pages are to use another service, its address is allowed as well.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from backend.core.settings import Settings

_SCRIPT = re.compile(r"<script>(.*?)</script>", re.DOTALL)


class SafeHeaders:
    """ASGI middleware that puts the headers on every answer. `settings` is asked at each answer;
    `page` is the HTML file that the pages are served from, whose own scripts may run; `service` is
    the address of another service that the pages use."""

    def __init__(
        self,
        app: ASGIApp,
        settings: Callable[[], Settings],
        page: Path | None = None,
        service: str = "",
    ) -> None:
        self._app, self._settings, self._service = app, settings, origin_of(service)
        self._scripts = hash_scripts(page.read_text(encoding="utf-8")) if page else ()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                policy = content_policy(self._settings().frames, self._scripts, self._service)
                headers.setdefault("Content-Security-Policy", policy)
                headers.setdefault("X-Content-Type-Options", "nosniff")
                headers.setdefault("Referrer-Policy", "same-origin")
            await send(message)

        await self._app(scope, receive, send_with_headers)


def content_policy(
    frames: Sequence[str] = (), scripts: Iterable[str] = (), service: str = ""
) -> str:
    """The Content-Security-Policy. `frames` are hosts whose pages may show these in a frame,
    `scripts` are hashes of scripts that stand inside a page, `service` is the origin of another
    service that the pages use."""
    own, there = "'self' data: blob:", (service,) if service else ()
    return "; ".join(
        (
            "default-src 'self'",
            " ".join(("script-src 'self' blob:", *scripts, *there)),
            "style-src 'self' 'unsafe-inline'",
            f"img-src {own}",
            f"font-src {own}",
            f"media-src {own}",
            " ".join(("connect-src 'self'", *there)),
            "object-src 'none'",
            "base-uri 'none'",
            "form-action 'self'",
            " ".join(("frame-ancestors", *(frames or ("'none'",)))),
        )
    )


def origin_of(url: str) -> str:
    """Scheme, host and port of an address; nothing for what is none."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}" if parts.scheme in ("http", "https") else ""


def hash_scripts(html: str) -> tuple[str, ...]:
    """The hashes of the scripts that stand inside a page, as a policy names them."""
    return tuple(
        f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
        for text in _SCRIPT.findall(html)
    )


__all__ = ["SafeHeaders", "content_policy", "hash_scripts", "origin_of"]
