"""A completions server on loopback that speaks the protocol for real: streams, refuses, hangs,
drops connections, remembers, and counts.

`Manners` says how it behaves. What it writes depends only on the prompt's end and the seed: tokens
of a small tokenizer, each drawn with its chance in `CHANCES` whatever stands before it.
`FakeServer.stats` tells what it has sent, for comparison with what a client believes.
"""

from __future__ import annotations

import asyncio
import json
import math
import random
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, NamedTuple

import uvicorn
from tokenizers import Tokenizer

from backend.core.ports import EngineStats

END = "<|im_end|>"
CHANCES = {
    "7": 0.2,
    "\n": 0.14,
    ".\n\n": 0.1,
    " +": 0.1,
    " has": 0.1,
    " apples": 0.1,
    ".": 0.1,
    " Ben": 0.06,
    " more": 0.05,
    END: 0.05,
}
ENDLESS = {"7": 0.4, " +": 0.3, " has": 0.2, " apples": 0.1}
CACHED = 3
UNLIKELY = -9.0
KNOWN = {
    "model",
    "prompt",
    "max_tokens",
    "temperature",
    "top_p",
    "seed",
    "stream",
    "stream_options",
    "logprobs",
    "stop",
}


@dataclass
class Manners:
    """`vllm`: takes and gives ids, knows the further settings. `logprobs`: gives them, of prompts
    too if it `echoes` (else it ignores that setting). `faults`: statuses answered first, in order.
    """

    vllm: bool = True
    logprobs: bool = True
    echoes: bool = True
    strict: bool = False
    faults: list[int] = field(default_factory=list)
    retry_after: str | None = None
    hang: float = 0.0
    pause: float = 0.0
    drop_after: int = 0
    drops: int = 0
    tokens_an_event: int = 1
    endless: bool = False
    key: str | None = None
    context: int = 512

    @property
    def chances(self) -> dict[str, float]:
        """The chance of each word, likeliest first."""
        return ENDLESS if self.endless else CHANCES


class Event(NamedTuple):
    """One event of a stream, and how many tokens it brings."""

    content: dict[str, Any]
    tokens: int = 0


class FakeServer:
    """An ASGI application; `bodies` are the completions asked for, `disconnects` how many streams
    the client left."""

    def __init__(self, tokenizer: Tokenizer, manners: Manners) -> None:
        self.tokenizer, self.manners = tokenizer, manners
        self.bodies: list[dict[str, Any]] = []
        self.disconnects = self.running = self.generated = self.prompt = self.cached = 0
        self.url = ""

    def stats(self) -> EngineStats:
        """Streams now open, and tokens sent since the start; the prompt of a stream counts from its
        first token on."""
        return EngineStats(self.running, self.generated, self.prompt, self.cached, 0)

    def logprobs(self, prompt: str, seed: int, count: int) -> list[float]:
        """The log-probabilities of the first `count` tokens that are drawn for a prompt and
        seed.
        """
        return [
            math.log(self.manners.chances[word])
            for word in islice(self.tokens({"prompt": prompt, "seed": seed}), count)
        ]

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            return
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        if (
            self.manners.key is not None
            and headers.get("authorization") != f"Bearer {self.manners.key}"
        ):
            await self.answer(send, 401, {"error": {"message": "wrong key"}})
        elif scope["path"] == "/v1/models":
            card = {"id": "fake-model", "owned_by": "vllm" if self.manners.vllm else "other"}
            await self.answer(
                send,
                200,
                {
                    "data": [
                        card
                        | ({"max_model_len": self.manners.context} if self.manners.vllm else {})
                    ]
                },
            )
        elif scope["path"] == "/v1/completions":
            await self.complete(json.loads((await receive())["body"]), receive, send)
        else:
            await self.answer(send, 404, {"error": {"message": "not here"}})

    async def complete(self, body: dict[str, Any], receive: Any, send: Any) -> None:
        self.bodies.append(body)
        manners = self.manners
        if manners.faults:
            await self.answer(send, manners.faults.pop(0), {"error": {"message": "please wait"}})
            return
        refusal = self.refusal(body)
        if refusal is not None:
            await self.answer(send, 400, {"error": {"message": refusal}})
            return
        if manners.hang:
            await asyncio.sleep(manners.hang)
        gone = asyncio.create_task(self.left(receive))
        await send(
            {
                "type": "http.response.start",
                "status": 200,
                "headers": [(b"content-type", b"text/event-stream")],
            }
        )
        self.running += 1
        try:
            for count, event in enumerate(self.events(body), start=1):
                if gone.done():
                    self.disconnects += 1
                    return
                self.count(body, event, first=count == 1)
                await send(
                    {
                        "type": "http.response.body",
                        "body": f"data: {json.dumps(event.content)}\n\n".encode(),
                        "more_body": True,
                    }
                )
                if manners.drops and count == manners.drop_after:
                    manners.drops -= 1
                    raise ConnectionResetError("dropped on purpose")
                await asyncio.sleep(manners.pause)
            await send({"type": "http.response.body", "body": b"data: [DONE]\n\n"})
        finally:
            self.running -= 1
            gone.cancel()

    def count(self, body: dict[str, Any], event: Event, first: bool) -> None:
        """Add what is about to be sent."""
        self.generated += event.tokens
        if first:
            self.prompt += self.prompt_tokens(body)
            self.cached += CACHED

    def refusal(self, body: dict[str, Any]) -> str | None:
        prompt = body["prompt"]
        if isinstance(prompt, list) and not self.manners.vllm:
            return "prompt: expected a string"
        if self.manners.strict and set(body) - KNOWN:
            return f"unknown: {sorted(set(body) - KNOWN)}"
        return (
            "maximum context length exceeded"
            if self.prompt_tokens(body) + body["max_tokens"] > self.manners.context
            else None
        )

    def tokens(self, body: dict[str, Any]) -> Iterable[str]:
        """The words drawn for a prompt and seed, the end token perhaps among them."""
        prompt = (
            body["prompt"]
            if isinstance(body["prompt"], str)
            else self.tokenizer.decode(body["prompt"], skip_special_tokens=False)
        )
        draws = random.Random(f"{body.get('seed')}/{prompt[-40:]}")
        words, chances = zip(*self.manners.chances.items(), strict=True)
        while True:
            yield draws.choices(words, chances)[0]

    def events(self, body: dict[str, Any]) -> Iterable[Event]:
        """The stream's events, the last one with the counts."""
        if body.get("echo") and self.manners.echoes:
            yield from self.echo(body)
            return
        written: list[str] = []
        reason, waiting = "length", []
        for word in self.tokens(body):
            written.append(word)
            waiting.append(word)
            stops = self.manners.vllm and any(
                stop in "".join(written) for stop in body.get("stop") or ()
            )
            reason = "stop" if word == END or stops else "length"
            last = reason == "stop" or len(written) == body["max_tokens"]
            if last or len(waiting) == self.manners.tokens_an_event:
                yield Event(
                    self.event(body, waiting, len(written), reason if last else None), len(waiting)
                )
                waiting = []
            if last:
                break
        yield Event({"choices": [], "usage": self.usage(body, len(written))})

    def echo(self, body: dict[str, Any]) -> Iterable[Event]:
        """A prompt of ids with the one token behind it, as vLLM sends them: in one event, and
        nothing told of the first token."""
        known = {
            self.ids(word)[0]: math.log(chance) for word, chance in self.manners.chances.items()
        }
        word = next(iter(self.tokens(body)))
        values = [
            None,
            *(known.get(token, UNLIKELY) for token in body["prompt"][1:]),
            *(known[token] for token in self.ids(word)),
        ]
        shown = self.tokenizer.decode([*body["prompt"], *self.ids(word)])
        yield Event(
            {
                "choices": [
                    {
                        "index": 0,
                        "text": shown,
                        "finish_reason": "length",
                        "logprobs": {"token_logprobs": values},
                    }
                ]
            },
            1,
        )
        yield Event({"choices": [], "usage": self.usage(body, 1)})

    def event(
        self, body: dict[str, Any], words: list[str], count: int, reason: str | None
    ) -> dict[str, Any]:
        shown = ["" if word == END else word for word in words]
        choice: dict[str, Any] = {"index": 0, "text": "".join(shown), "finish_reason": reason}
        if self.manners.logprobs and body.get("logprobs"):
            known = {word: math.log(chance) for word, chance in self.manners.chances.items()}
            top = list(known)[: body["logprobs"]]
            # as vLLM tells them: the sampled token first, then the likeliest, so one more than was
            # asked for and not in order
            likeliest = [
                {word: known[word], **{each: known[each] for each in top}} for word in words
            ]
            choice["logprobs"] = {
                "tokens": shown,
                "token_logprobs": [known[word] for word in words],
                "top_logprobs": likeliest,
            }
        if self.manners.vllm and body.get("return_token_ids"):
            choice["token_ids"] = [i for word in words for i in self.ids(word)]
        usage = (
            {"usage": self.usage(body, count)}
            if body.get("stream_options", {}).get("continuous_usage_stats") and self.manners.vllm
            else {}
        )
        return {"choices": [choice], **usage}

    def ids(self, word: str) -> list[int]:
        found = list(self.tokenizer.encode(word).ids)
        assert len(found) == 1, f"{word!r} is {len(found)} tokens"
        return found

    def usage(self, body: dict[str, Any], count: int) -> dict[str, Any]:
        details = {"cached_tokens": CACHED}
        return {
            "prompt_tokens": self.prompt_tokens(body),
            "completion_tokens": count,
            "prompt_tokens_details": details,
        }

    def prompt_tokens(self, body: dict[str, Any]) -> int:
        prompt = body["prompt"]
        return len(prompt) if isinstance(prompt, list) else len(self.tokenizer.encode(prompt).ids)

    async def left(self, receive: Any) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass

    async def answer(self, send: Any, status: int, content: dict[str, Any]) -> None:
        headers = [(b"content-type", b"application/json")]
        if status == 429 and self.manners.retry_after is not None:
            headers.append((b"retry-after", self.manners.retry_after.encode()))
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": json.dumps(content).encode()})


@asynccontextmanager
async def serving(tokenizer: Tokenizer, manners: Manners) -> AsyncIterator[FakeServer]:
    """The server on a free port, running in this event loop."""
    fake = FakeServer(tokenizer, manners)
    config = uvicorn.Config(
        fake, port=0, log_level="critical", lifespan="off", timeout_graceful_shutdown=1
    )
    server = uvicorn.Server(config)
    sockets = [config.bind_socket()]
    fake.url = f"http://127.0.0.1:{sockets[0].getsockname()[1]}"
    task = asyncio.create_task(server.serve(sockets))
    try:
        yield fake
    finally:
        server.should_exit = True
        await task
