"""A loopback server that answers with exactly the bytes that a test gives it, and remembers what it
was asked."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from backend.core.ports import Completion, Request, Sampling, Until
from backend.engines.openai.engine import OpenAiEngine
from backend.engines.openai.probe import PROBE_TEXT

JSON: TypeAlias = Any
DONE = "[DONE]"
STOP: JSON = {"choices": [{"index": 0, "text": "", "finish_reason": "stop"}]}


@dataclass
class Answer:
    """A whole HTTP answer."""

    content: bytes = b""
    status: int = 200
    kind: str = "text/event-stream"
    headers: Mapping[str, str] = field(default_factory=dict)


Reply: TypeAlias = Callable[[str, JSON], Answer | None]


def stream(*events: JSON, end: str = "\n\n") -> Answer:
    """Events as a stream; a text is sent as it is."""
    shown = (one if isinstance(one, str) else json.dumps(one, ensure_ascii=False) for one in events)
    return Answer("".join(f"data: {one}{end}" for one in shown).encode("utf-8", "surrogatepass"))


def said(text: str, **more: JSON) -> JSON:
    """An event that brings a text."""
    return {"choices": [{"index": 0, "text": text, "finish_reason": None, **more}]}


def refusal(status: int, message: JSON, **headers: str) -> Answer:
    """An error with the server's words."""
    content = message if isinstance(message, dict) else {"error": {"message": message}}
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(json.dumps(content).encode(), status, "application/json", named)


def listing(**card: JSON) -> Answer:
    """An answer to `/models` with one model, `m`."""
    return refusal(200, {"data": [{"id": "m", **card}]})


@dataclass
class Loopback:
    """The server: `completions` answers by body, `others` by path (None: 404); `first` are given
    before that to requests that are not the probe's."""

    completions: Callable[[JSON], Answer]
    others: Callable[[str], Answer | None] = lambda path: (
        listing() if path.endswith("/models") else None
    )
    first: list[Answer] = field(default_factory=list)
    bodies: list[JSON] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    url: str = ""

    @property
    def asked(self) -> list[JSON]:
        """The bodies that were not the probe's."""
        return [body for body in self.bodies if body["prompt"] != PROBE_TEXT]

    def answer(self, path: str, body: JSON) -> Answer:
        self.paths.append(path)
        if body is None:
            return self.others(path) or refusal(404, "not here")
        self.bodies.append(body)
        if self.first and body["prompt"] != PROBE_TEXT:
            return self.first.pop(0)
        return self.completions(body)

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin1").split("\r\n")
            _, path, _ = head[0].split(" ", 2)
            sizes = [line for line in head if line.lower().startswith("content-length:")]
            size = int(sizes[0].partition(":")[2]) if sizes else 0
            answer = self.answer(path, json.loads(await reader.readexactly(size)) if size else None)
            lines = {
                "content-type": answer.kind,
                "content-length": str(len(answer.content)),
                "connection": "close",
                **answer.headers,
            }
            shown = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
            writer.write(f"HTTP/1.1 {answer.status} X\r\n{shown}\r\n".encode() + answer.content)
            await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def listening(server: Loopback) -> AsyncIterator[Loopback]:
    """The server on a free port of loopback."""
    socket = await asyncio.start_server(server.handle, "127.0.0.1", 0)
    server.url = f"http://127.0.0.1:{socket.sockets[0].getsockname()[1]}"
    try:
        yield server
    finally:
        socket.close()
        await socket.wait_closed()


@asynccontextmanager
async def connected(
    server: Loopback, model: str | None = None, **settings: Any
) -> AsyncIterator[OpenAiEngine]:
    """The engine before the server."""
    async with listening(server):
        given = {"pause_seconds": 0.01, "timeout_seconds": 5.0} | settings
        engine = await OpenAiEngine.connect(server.url, model, **given)
        try:
            yield engine
        finally:
            await engine.close()


async def complete(
    engine: OpenAiEngine, until: Until | None = None, sampling: Sampling | None = None
) -> Completion:
    """One text after a short question."""
    prompt = await engine.prompt("How many?", None)
    settings = sampling or Sampling(max_tokens=50)
    request = Request("k", prompt.text, (), 2**40 + 7, until or Until(steps=0), settings)
    [found] = [one async for one in engine.generate([request])]
    return found


async def written(*events: JSON, until: Until | None = None, end: str = "\n\n") -> Completion:
    """What becomes of a stream of these events."""
    async with connected(Loopback(lambda body: stream(*events, end=end))) as engine:
        return await complete(engine, until)


def texts(events: Sequence[JSON]) -> str:
    """All texts of events one after the other."""
    return "".join(event["choices"][0]["text"] for event in events)
