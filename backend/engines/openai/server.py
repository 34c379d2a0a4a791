"""The HTTP side of the openai engine: streams of server-sent events, retries, and finding out what
a server can do.

Many servers speak this protocol with differences that no version number tells: vLLM takes ids and
gives ids, llama.cpp and Ollama ignore what they do not know, others answer 400 to it. So the first
use probes: a two-token completion with everything asked for, then with less, until the server is
content; what came back is what it can do. Too many requests (429), server errors (5xx), connections
that fail and time-outs are tried again with growing pauses; other refusals are raised at once in the
server's words.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, TypeAlias

import httpx

from backend.core.errors import EngineFailure

Body: TypeAlias = dict[str, Any]
RETRIED: Final = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 529})
LONGEST_PAUSE: Final = 30.0
EXTRAS: Final[Mapping[str, Any]] = {"return_token_ids": True, "include_stop_str_in_output": True}


class ServerRefusal(Exception):
    """The server refuses this one request (400, 413, 422); the text is the server's."""


class StreamPiece(NamedTuple):
    """What one event brought. `ids` and `logprobs` have one entry a token where the server gives
    them."""

    text: str = ""
    ids: tuple[int, ...] = ()
    tokens: tuple[str, ...] = ()
    logprobs: tuple[float, ...] | None = None
    likeliest: tuple[Mapping[str, float], ...] = ()
    finish: str | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    cached_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Dialect:
    """What a server takes and gives, as the probe saw it; one that `echoes` tells log-probabilities
    of a prompt's tokens."""

    takes_ids: bool
    extras: bool
    gives_logprobs: bool
    gives_ids: bool
    echoes: bool = False


class ModelCard(NamedTuple):
    """A line of `/models`: the model's name, who serves it, and its context in tokens (0 where the
    server does not tell)."""

    name: str
    server: str
    context: int


class CompletionsServer:
    """One server and one model on it. `pause_seconds` is the first wait before another try; each
    further one doubles it."""

    def __init__(
        self,
        base_url: str,
        api_key: str | None,
        *,
        timeout_seconds: float,
        retries: int,
        pause_seconds: float,
        connections: int = 64,
    ) -> None:
        self.url = (
            base_url.rstrip("/")
            if base_url.rstrip("/").endswith("/v1")
            else f"{base_url.rstrip('/')}/v1"
        )
        self._retries, self._pause = retries, pause_seconds
        self._client = httpx.AsyncClient(
            headers={"Authorization": f"Bearer {api_key}"} if api_key else {},
            timeout=httpx.Timeout(timeout_seconds, connect=min(10.0, timeout_seconds)),
            limits=httpx.Limits(max_connections=connections, max_keepalive_connections=connections),
        )
        self._places = asyncio.Semaphore(connections)

    async def card(self, model: str | None) -> ModelCard:
        """The model by that name, or the server's first one. Raises `EngineFailure` with the names
        it has."""
        for attempt in range(self._retries + 1):
            try:
                response = await self._client.get(f"{self.url}/models")
                await self._accept(response)
                found = [
                    ModelCard(
                        str(m["id"]), str(m.get("owned_by", "")), int(m.get("max_model_len") or 0)
                    )
                    for m in response.json()["data"]
                ]
                break
            except (httpx.TransportError, Busy) as error:
                await self._wait(attempt, error)
            except (ServerRefusal, ValueError, KeyError, TypeError) as error:
                raise EngineFailure(
                    f"{self.url}/models gave no list of models: {error}",
                    "Check the address of the server",
                ) from error
        for card in found:
            if model in (None, card.name):
                return card
        raise EngineFailure(
            f"the server at {self.url} has no model {model!r}",
            f"It serves: {', '.join(card.name for card in found) or 'none'}",
        )

    async def probe(self, model: str, ids: Sequence[int]) -> Dialect:
        """Ask for two tokens with everything, then with less, until the server accepts. `ids`: a
        short prompt, empty without tokenizer."""
        refusal: ServerRefusal | None = None
        for takes_ids, extras, logprobs in (
            (True, True, True),
            (False, True, True),
            (False, False, True),
            (False, False, False),
        ):
            if takes_ids and not ids:
                continue
            body = {
                "model": model,
                "prompt": list(ids) if takes_ids else "1 + 1 =",
                "max_tokens": 2,
                "temperature": 0.0,
                "stream": True,
            }
            body |= ({"logprobs": 1} if logprobs else {}) | (dict(EXTRAS) if extras else {})
            try:
                pieces = [piece async for piece in self.pieces(body)]
            except ServerRefusal as error:
                refusal = error
                continue
            given = any(piece.logprobs is not None for piece in pieces)
            gives_ids = given and any(piece.ids for piece in pieces)
            return Dialect(
                takes_ids,
                extras,
                given,
                gives_ids,
                gives_ids and takes_ids and await self._echoes(model, ids),
            )
        raise EngineFailure(
            f"the server at {self.url} refuses the simplest completion: {refusal}",
            "It needs a /v1/completions endpoint",
        )

    async def _echoes(self, model: str, ids: Sequence[int]) -> bool:
        try:
            return len((await self.echo(model, ids)).logprobs or ()) > len(ids)
        except ServerRefusal:
            return False

    async def echo(self, model: str, ids: Sequence[int]) -> StreamPiece:
        """A prompt sent back with one further token, as one piece: log-probabilities by position,
        where the server gives them, and the counts."""
        values: list[float] = []
        body = {
            "model": model,
            "prompt": list(ids),
            "max_tokens": 1,
            "temperature": 1.0,
            "echo": True,
            "logprobs": 1,
        }
        usage = StreamPiece()
        async with aclosing(
            self.pieces(
                body | {"stream": True, "stream_options": {"include_usage": True}}, values.clear
            )
        ) as pieces:
            async for piece in pieces:
                values += piece.logprobs or ()
                usage = piece if piece.prompt_tokens is not None else usage
        return usage._replace(logprobs=tuple(values))

    async def pieces(
        self, body: Body, restarted: Callable[[], None] = lambda: None
    ) -> AsyncGenerator[StreamPiece, None]:
        """The stream's events. A broken stream is asked for again from its beginning, after
        `restarted()`; closing ends the connection."""
        async with self._places:
            for attempt in range(self._retries + 1):
                try:
                    async with aclosing(self._once(body)) as stream:
                        async for piece in stream:
                            yield piece
                    return
                except (httpx.TransportError, Busy) as error:
                    await self._wait(attempt, error)
                    restarted()

    async def close(self) -> None:
        await self._client.aclose()

    async def _once(self, body: Body) -> AsyncGenerator[StreamPiece, None]:
        async with self._client.stream("POST", f"{self.url}/completions", json=body) as response:
            await self._accept(response)
            async for line in response.aiter_lines():
                data = line.removeprefix("data:").strip()
                if data == "[DONE]":
                    return
                if line.startswith("data:") and data:
                    yield piece_of(json.loads(data))
        raise httpx.RemoteProtocolError("the stream ended before it was done")

    async def _accept(self, response: httpx.Response) -> None:
        """Nothing for 200; otherwise the exception that fits."""
        if response.status_code == 200:
            return
        await response.aread()
        status, said = response.status_code, message_of(response)
        if status in RETRIED:
            raise Busy(f"HTTP {status}: {said}", response.headers.get("retry-after"))
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

    async def _wait(self, attempt: int, error: Exception) -> None:
        """Pause before another try, or give up with the reason."""
        if attempt >= self._retries:
            what = (
                "did not answer in time"
                if isinstance(error, httpx.TimeoutException)
                else f"failed: {error or type(error).__name__}"
            )
            raise EngineFailure(
                f"the server at {self.url} {what} ({attempt + 1} tries)",
                "Check that it runs and is not overloaded",
            ) from error
        asked = error.retry_after if isinstance(error, Busy) else None
        await asyncio.sleep(
            min(LONGEST_PAUSE, asked if asked is not None else self._pause * 2**attempt)
        )


class Busy(Exception):
    """The server asks to come back later; `retry_after` in seconds where it says when."""

    def __init__(self, text: str, retry_after: str | None) -> None:
        super().__init__(text)
        self.retry_after = (
            float(retry_after)
            if retry_after is not None and retry_after.replace(".", "", 1).isdigit()
            else None
        )


def message_of(response: httpx.Response) -> str:
    """The server's message, whatever shape it comes in, at most 500 characters."""
    try:
        given = response.json()
    except ValueError:
        return response.text[:500]
    error = given.get("error", given) if isinstance(given, dict) else given
    return str(error.get("message", error) if isinstance(error, dict) else error)[:500]


def piece_of(event: Mapping[str, Any]) -> StreamPiece:
    """One event in our words. An error inside the stream is a refusal."""
    if (error := event.get("error")) is not None:
        raise ServerRefusal(
            str(error.get("message", error) if isinstance(error, dict) else error)[:500]
        )
    choice = (event.get("choices") or [{}])[0]
    usage, table = event.get("usage") or {}, choice.get("logprobs") or {}
    values = table.get("token_logprobs")
    return StreamPiece(
        text=choice.get("text") or "",
        ids=tuple(choice.get("token_ids") or ()),
        tokens=tuple(table.get("tokens") or ()),
        logprobs=None
        if values is None
        else tuple(float("-inf") if value is None else float(value) for value in values),
        likeliest=tuple(entry or {} for entry in table.get("top_logprobs") or ()),
        finish=choice.get("finish_reason"),
        prompt_tokens=usage.get("prompt_tokens"),
        completion_tokens=usage.get("completion_tokens"),
        cached_tokens=(usage.get("prompt_tokens_details") or {}).get("cached_tokens") or 0,
    )
