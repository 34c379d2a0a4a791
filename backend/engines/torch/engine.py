"""The embedded engine: batched decoding of a Qwen2-family model in this process, on a CPU or a GPU,
in float32.

It reads like this: `Decoder` is the network, `Cache` keeps keys and values across the steps of a
search, `DecodingBatch` makes one token for everything in flight, `judge` reads tokens that are
given, `Worker` is the thread that runs both, and `TorchEngine` below is the asynchronous interface
to them. A request's tokens depend on its prompt, seed and sampling, not on the other requests of
its batch: rows are computed alike in batches of any shape, and draws are keyed by (seed, position).
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import AsyncGenerator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TypeAlias

import torch

from backend.core.errors import BadInput, EngineFailure
from backend.core.ports import (
    Completion,
    EngineInfo,
    EngineStats,
    Given,
    Likelihood,
    Prompt,
    Request,
)
from backend.engines.torch.batch import DecodingBatch
from backend.engines.torch.info import describe, prepare, threads_for
from backend.engines.torch.qwen2 import Qwen2ForCausalLM, load
from backend.engines.torch.reward import TorchRewardModel as TorchRewardModel
from backend.engines.torch.text import Vocabulary, end_tokens
from backend.engines.torch.worker import Ticket, Worker

Queue: TypeAlias = "asyncio.Queue[list[Completion] | EngineFailure]"

REMEMBERED = 4096
"""Undelivered completions that are kept for `take_aborted`."""


class Stream:
    """The receiving end of a ticket: completions as they come, and how many are still to come."""

    def __init__(self, count: int) -> None:
        self.left = count
        self.ticket: Ticket | None = None
        self._queue: Queue = asyncio.Queue()
        self._loop = asyncio.get_running_loop()
        self._ready: list[Completion] = []

    def deliver(self, found: list[Completion] | EngineFailure) -> None:
        """Called from the worker's thread; a loop that is closed by now wants nothing any more."""
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._queue.put_nowait, found)

    async def next(self) -> Completion:
        """The next completion; raises the engine's failure."""
        if not self._ready:
            found = await self._queue.get()
            if isinstance(found, EngineFailure):
                self._queue.put_nowait(found)
                raise found
            self._ready = found[::-1]
        self.left -= 1
        return self._ready.pop()


class TorchEngine:
    """A language model in this process. Use `load`; the class implements
    `backend.core.ports.Engine`."""

    def __init__(self, info: EngineInfo, vocabulary: Vocabulary, worker: Worker) -> None:
        self._info, self._vocabulary, self._worker = info, vocabulary, worker
        self._abandoned: OrderedDict[str, Stream] = OrderedDict()
        self._undelivered: OrderedDict[str, Completion] = OrderedDict()

    @classmethod
    def load(
        cls,
        path: str | Path,
        *,
        device: str = "cpu",
        threads: int | None = None,
        name: str | None = None,
        rows: int = 64,
        cache_bytes: int = 512 * 2**20,
        context: int | None = None,
        delimiter: str = "\n\n",
    ) -> TorchEngine:
        """Load a model folder (blocking). At most `rows` requests decode at once, others wait;
        `threads` None chooses by size."""
        loaded = load(path, device=device)
        if not isinstance(loaded.model, Qwen2ForCausalLM):
            raise BadInput(
                f"architecture of {path}",
                given=loaded.config.architecture,
                accepted="Qwen2ForCausalLM",
            )
        with torch.inference_mode():
            decoder, cache = prepare(loaded, rows, cache_bytes, context)
        threads = threads_for(decoder, threads)
        ends = end_tokens(Path(path), loaded.tokenizer, loaded.config.eos_token_ids)
        vocabulary = Vocabulary(loaded.tokenizer, ends)
        settings = {
            "threads": str(threads),
            "rows": str(rows),
            "cache_bytes": str(cache_bytes),
            "device": device,
        }
        info = describe(
            Path(path), loaded, decoder, name=name, delimiter=delimiter, settings=settings
        )
        return cls(info, vocabulary, Worker(DecodingBatch(decoder, cache, vocabulary), threads))

    @property
    def info(self) -> EngineInfo:
        return self._info

    async def prompt(self, question: str, system: str | None) -> Prompt:
        return self._vocabulary.prompt(question, system)

    async def encode(self, text: str) -> tuple[int, ...]:
        return self._vocabulary.encode(text)

    async def tokens(self, token_ids: Sequence[int]) -> list[str]:
        return [self._vocabulary.text(token) for token in token_ids]

    async def generate(self, requests: Sequence[Request]) -> AsyncGenerator[Completion]:
        """See `backend.core.ports.Engine`. Requests of one call start together. After closing
        early, ask `take_aborted` for the rest."""
        stream = Stream(len(requests))
        stream.ticket = self._worker.submit(requests, stream.deliver) if requests else None
        pending = {request.key for request in requests}
        try:
            while stream.left:
                completion = await stream.next()
                pending.discard(completion.key)
                yield completion
        finally:
            if stream.left and stream.ticket is not None:
                self._worker.cancel(stream.ticket)
                self._abandoned.update(dict.fromkeys(pending, stream))
                trim(self._abandoned)

    async def take_aborted(self, keys: Sequence[str]) -> list[Completion]:
        """What requests of closed iterators had generated by then, in the order of `keys`; each is
        returned once and forgotten."""
        streams = {
            id(stream): stream for key in keys if (stream := self._abandoned.get(key)) is not None
        }
        for stream in streams.values():
            while stream.left:
                completion = await stream.next()
                self._abandoned.pop(completion.key, None)
                self._undelivered[completion.key] = completion
        trim(self._undelivered)
        return [
            self._undelivered.pop(key) for key in dict.fromkeys(keys) if key in self._undelivered
        ]

    async def likelihoods(self, asked: Sequence[Given]) -> list[Likelihood]:
        """See `backend.core.ports.Engine`; one forward pass a batch, beside whatever is
        decoding.
        """
        return await asyncio.wrap_future(self._worker.judge(asked).likelihoods) if asked else []

    async def stats(self) -> EngineStats:
        return self._worker.stats()

    async def close(self) -> None:
        await asyncio.to_thread(self._worker.close)


def trim(kept: OrderedDict[str, Stream] | OrderedDict[str, Completion]) -> None:
    """Forget the oldest entries beyond `REMEMBERED`."""
    while len(kept) > REMEMBERED:
        kept.popitem(last=False)
