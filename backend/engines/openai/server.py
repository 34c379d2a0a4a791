"""The HTTP side of the openai engine: streams of events, redirects, and trying again.

What is busy (`backend.engines.openai.refusals.asks_again`), connections that fail, time-outs and
streams that break off are tried again after the pause that the server asks for, else with growing
ones; a server that loads its model is waited for as long as it may be silent. Redirects (307, 308)
are followed on the same scheme, host and port only, because a request carries prompts and a key.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing, asynccontextmanager
from typing import Final

import httpx

from backend.core.errors import EngineFailure
from backend.engines.openai.allowed import AllowedTransport
from backend.engines.openai.cards import UNNAMED, ModelCard, cards_in, context_in
from backend.engines.openai.dialect import Body
from backend.engines.openai.refusals import (
    MOST_WORDS,
    Busy,
    ServerRefusal,
    asks_again,
    retry_after,
    words_of,
)
from backend.engines.openai.sse import BrokenStream, read_events, split_lines
from backend.engines.openai.wire import (
    DONE,
    CompletionMessage,
    Normaliser,
    StreamPiece,
    message_from,
    read_message,
)

LONGEST_PAUSE: Final = 30.0
LONGEST_ASKED: Final = 120.0
REDIRECTS: Final = 3
PASSING: Final = (httpx.TransportError, Busy, BrokenStream)


class CompletionsServer:
    """One server. `pause_seconds` is the first wait before another try; each further one doubles
    it. `allowed` are the servers that may be asked, None for any."""

    def __init__(
        self,
        base_url: str,
        api_key: str | None,
        *,
        timeout_seconds: float,
        retries: int,
        pause_seconds: float,
        connections: int = 64,
        allowed: Sequence[str] | None = None,
    ) -> None:
        root = base_url.rstrip("/").removesuffix("/v1").rstrip("/")
        self.url, self._root = f"{root}/v1", root
        self._retries, self._pause, self._patience = retries, pause_seconds, timeout_seconds
        limits = httpx.Limits(max_connections=connections, max_keepalive_connections=connections)
        usual = httpx.AsyncHTTPTransport(limits=limits)
        self._client = httpx.AsyncClient(
            headers={"Authorization": f"Bearer {api_key}"} if api_key else {},
            timeout=httpx.Timeout(timeout_seconds, connect=min(10.0, timeout_seconds)),
            limits=limits,
            transport=None if allowed is None else AllowedTransport(allowed, usual),
            trust_env=allowed is None,  # a proxy would resolve names by itself
        )
        self._places = asyncio.Semaphore(connections)

    async def card(self, model: str | None) -> ModelCard:
        """The model by that name, or the server's first one. A server without a list has the model
        that is named. Raises `EngineFailure` with the names it has."""
        found = await self._cards()
        if found is None:
            return await self._with_context(ModelCard(model or UNNAMED, "", 0))
        for card in found:
            if model in (None, card.name):
                return card if card.context else await self._with_context(card)
        raise EngineFailure(
            f"the server at {self.url} has no model {model!r}",
            f"It serves: {', '.join(card.name for card in found) or 'none'}",
        )

    async def pieces(
        self,
        body: Body,
        restarted: Callable[[], None] = lambda: None,
        *,
        repeats_text: bool = False,
    ) -> AsyncGenerator[StreamPiece]:
        """The stream's events. A broken stream is asked for again from its beginning, after
        `restarted()`; closing ends the connection."""
        async with self._places:
            tries = Tries(self.url, self._retries, self._pause, self._patience)
            while True:
                normaliser = Normaliser(repeats_text)
                try:
                    async with aclosing(self._messages(body)) as messages:
                        async for message in messages:
                            yield normaliser.piece(message)
                    return
                except PASSING as error:
                    await tries.wait(error)
                    restarted()

    async def close(self) -> None:
        await self._client.aclose()

    async def _cards(self) -> list[ModelCard] | None:
        """What the server lists, None where it has no list."""
        tries = Tries(self.url, self._retries, self._pause, self._patience)
        while True:
            try:
                async with self._asked("GET", f"{self.url}/models") as response:
                    if response.status_code in (404, 405, 501):
                        return None
                    await self._accept(response)
                    await response.aread()
                    return cards_in(response.json())
            except PASSING as error:
                await tries.wait(error)
            except (ServerRefusal, ValueError, RecursionError) as error:
                raise EngineFailure(
                    f"{self.url}/models gave no list of models: {error}",
                    "Check the address of the server",
                ) from error

    async def _with_context(self, card: ModelCard) -> ModelCard:
        """The card with the context that llama.cpp tells at `/props`, where the server does."""
        try:
            async with self._asked("GET", f"{self._root}/props") as response:
                await response.aread()
                told = response.json() if response.status_code == 200 else None
        except (httpx.TransportError, ServerRefusal, ValueError, RecursionError):
            return card
        return card._replace(context=context_in(told))

    async def _messages(self, body: Body) -> AsyncGenerator[CompletionMessage]:
        """A stream's messages. It is complete with its last line, and also without it after the
        reason why the text ended; a whole answer in the place of a stream is one message."""
        finished = False
        async with self._asked("POST", f"{self.url}/completions", body) as response:
            await self._accept(response)
            kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
            if kind == "application/json":
                yield await self._whole(response)
                return
            if kind == "text/html":
                raise self._no_completions("a web page")
            lines = split_lines(response.aiter_bytes())
            try:
                async with aclosing(read_events(lines, read_message)) as messages:
                    async for message in messages:
                        if message is DONE:
                            return
                        self._accept_message(message)
                        finished = finished or any(c.finish_reason for c in message.choices or ())
                        yield message
            except httpx.TransportError:
                if not finished:
                    raise
        if not finished:
            raise httpx.RemoteProtocolError("the stream ended before it was done")

    async def _whole(self, response: httpx.Response) -> CompletionMessage:
        await response.aread()
        try:
            message = message_from(response.json())
        except (ValueError, RecursionError) as error:
            raise BrokenStream("an answer that is no JSON") from error
        self._accept_message(message)
        if not message.choices:
            raise self._no_completions("JSON without a text")
        return message

    def _accept_message(self, message: CompletionMessage) -> None:
        """Raises what an error inside a stream means."""
        if message.error is None:
            return
        said, code = words_of(message.error), None
        if isinstance(message.error, dict):
            code = message.error.get("code")
        if code in (429, 503) and asks_again(code, said):
            raise Busy(said)
        raise ServerRefusal(said)

    @asynccontextmanager
    async def _asked(
        self, method: str, url: str, body: Body | None = None
    ) -> AsyncGenerator[httpx.Response]:
        """The answer to a request after redirects on the same scheme, host and port."""
        for _ in range(REDIRECTS + 1):
            async with self._client.stream(method, url, json=body) as response:
                if response.status_code not in (301, 302, 303, 307, 308):
                    yield response
                    return
                url = self._followed(response)
        raise ServerRefusal(f"more than {REDIRECTS} redirects, the last one to {url}")

    def _followed(self, response: httpx.Response) -> str:
        """Where a redirect leads. Raises `ServerRefusal` if the request must not go there."""
        before = response.request.url
        after = before.join(response.headers.get("location", ""))
        same = (before.scheme, before.host, before.port) == (after.scheme, after.host, after.port)
        if response.status_code in (307, 308) and same:
            return str(after)
        why = "another server" if not same else "a page that is read and not asked"
        raise ServerRefusal(
            f"HTTP {response.status_code}: redirected to {why}, {after.copy_with(query=None)}, "
            "which is not followed; give that address if it is the right one"
        )

    async def _accept(self, response: httpx.Response) -> None:
        """Nothing for 200; otherwise the exception that fits."""
        if response.status_code == 200:
            return
        await response.aread()
        status, said = response.status_code, message_of(response)
        if asks_again(status, said):
            raise Busy(f"HTTP {status}: {said}", retry_after(response.headers))
        if status in (401, 403):
            raise EngineFailure(
                f"the server at {self.url} refuses access: HTTP {status}: {said}",
                "Set the key in ARBORETUM_OPENAI_KEY",
            )
        if status == 404:
            raise EngineFailure(
                f"HTTP 404 from {response.url}: {said}",
                "Check the address (it ends in /v1) and the model's name",
            )
        raise ServerRefusal(f"HTTP {status}: {said}")

    def _no_completions(self, what: str) -> EngineFailure:
        return EngineFailure(
            f"the server at {self.url} answered with {what} in the place of a completion",
            "Check the address: it needs a /v1/completions endpoint",
        )


def message_of(response: httpx.Response) -> str:
    """The server's message, whatever shape it comes in, with the type it gives, at most 500
    characters."""
    try:
        return words_of(response.json())
    except (ValueError, RecursionError):
        return response.text[:MOST_WORDS]


class Tries:
    """How often one request has been tried, and the pauses between. A server that loads its model
    is waited for up to `patience` seconds, without counting."""

    def __init__(self, url: str, most: int, pause: float, patience: float) -> None:
        self._url, self._most, self._pause = url, most, pause
        self._count, self._until = 0, time.monotonic() + patience

    async def wait(self, error: httpx.TransportError | Busy | BrokenStream) -> None:
        """Pause before another try, or give up with the reason: raises `EngineFailure`."""
        loading = isinstance(error, Busy) and error.loading and time.monotonic() < self._until
        if self._count >= self._most and not loading:
            raise EngineFailure(
                f"the server at {self._url} {what_happened(error)} ({self._count + 1} tries)",
                "Check that it runs and is not overloaded",
            ) from error
        asked = error.retry_after if isinstance(error, Busy) else None
        own = min(LONGEST_PAUSE, self._pause * 2 ** min(self._count, 16))
        self._count += 1
        await asyncio.sleep(min(LONGEST_ASKED, asked) if asked is not None else own)


def what_happened(error: Exception) -> str:
    """Why a request failed for good."""
    if isinstance(error, httpx.TimeoutException):
        return "did not answer in time"
    if isinstance(error, BrokenStream):
        return f"sent {error}"
    return f"failed: {error or type(error).__name__}"
