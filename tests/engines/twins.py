"""Engines that break exactly one promise each, so that the contract's checks can be seen to
fail.
"""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from msgspec.structs import replace

from backend.core.ports import (
    Completion,
    Engine,
    EngineInfo,
    EngineStats,
    Given,
    Likelihood,
    Prompt,
    Request,
    Sampling,
)
from backend.core.types import Finish


class Twin:
    """An engine that passes everything on; subclasses spoil one thing."""

    def __init__(self, inner: Engine) -> None:
        self.inner = inner

    @property
    def info(self) -> EngineInfo:
        return self.inner.info

    async def prompt(self, question: str, system: str | None) -> Prompt:
        return await self.inner.prompt(question, system)

    async def encode(self, text: str) -> tuple[int, ...]:
        return await self.inner.encode(text)

    async def tokens(self, token_ids: Sequence[int]) -> list[str]:
        return await self.inner.tokens(token_ids)

    async def generate(self, requests: Sequence[Request]) -> AsyncGenerator[Completion]:
        changed = self.asked(requests)
        async with aclosing(self.inner.generate(changed)) as stream:
            async for completion in stream:
                yield self.told(completion, requests)

    async def take_aborted(self, keys: Sequence[str]) -> list[Completion]:
        return await self.inner.take_aborted(keys)

    async def likelihoods(self, asked: Sequence[Given]) -> list[Likelihood]:
        return await self.inner.likelihoods(asked)

    async def stats(self) -> EngineStats:
        return await self.inner.stats()

    async def close(self) -> None:
        await self.inner.close()

    def asked(self, requests: Sequence[Request]) -> list[Request]:
        return list(requests)

    def told(self, completion: Completion, requests: Sequence[Request]) -> Completion:
        return completion


class MixesUpKeys(Twin):
    def told(self, completion: Completion, requests: Sequence[Request]) -> Completion:
        keys = [request.key for request in requests]
        return replace(completion, key=keys[-1 - keys.index(completion.key)])


class SeedsByBatch(Twin):
    def asked(self, requests: Sequence[Request]) -> list[Request]:
        return [replace(request, seed=request.seed + 7919 * len(requests)) for request in requests]


class SeedsByTime(Twin):
    calls = 0

    def asked(self, requests: Sequence[Request]) -> list[Request]:
        self.calls += 1
        return [replace(request, seed=request.seed + 7919 * self.calls) for request in requests]


class IgnoresSeeds(Twin):
    def asked(self, requests: Sequence[Request]) -> list[Request]:
        return [replace(request, seed=0) for request in requests]


class MissesDelimiters(Twin):
    def asked(self, requests: Sequence[Request]) -> list[Request]:
        return [
            replace(request, until=replace(request.until, steps=request.until.steps + 1))
            for request in requests
        ]


class CallsEverythingTheEnd(Twin):
    def told(self, completion: Completion, requests: Sequence[Request]) -> Completion:
        return replace(completion, finish=Finish.END)


class WarmsLogprobs(Twin):
    def told(self, completion: Completion, requests: Sequence[Request]) -> Completion:
        return replace(
            completion, logprobs=tuple(p / 0.8 - 0.01 for p in completion.logprobs or ())
        )


class LosesAToken(Twin):
    def told(self, completion: Completion, requests: Sequence[Request]) -> Completion:
        return replace(completion, token_ids=completion.token_ids[:-1])


class HidesWhatItLoses(LosesAToken):
    """Takes the lost tokens off its own counters as well, so that only the server's counters
    tell.
    """

    lost = 0

    def told(self, completion: Completion, requests: Sequence[Request]) -> Completion:
        self.lost += len(completion.token_ids[-1:])
        return super().told(completion, requests)

    async def stats(self) -> EngineStats:
        stats = await self.inner.stats()
        return stats._replace(generated_tokens=stats.generated_tokens - self.lost)


class ForgetsTheAborted(Twin):
    async def take_aborted(self, keys: Sequence[str]) -> list[Completion]:
        return [replace(c, token_ids=(), logprobs=()) for c in await self.inner.take_aborted(keys)]


class KeepsRunning(Twin):
    async def stats(self) -> EngineStats:
        stats = await self.inner.stats()
        return stats._replace(running=stats.running + 1)


class LeavesTheServerRunning(Twin):
    """Keeps its streams open when it is closed and says that nothing runs, so that only the
    server's counters tell."""

    def __init__(self, inner: Engine) -> None:
        super().__init__(inner)
        self.open: list[AsyncGenerator[Completion]] = []

    async def generate(self, requests: Sequence[Request]) -> AsyncGenerator[Completion]:
        self.open.append(self.inner.generate(requests))
        async for completion in self.open[-1]:
            yield completion

    async def stats(self) -> EngineStats:
        return (await self.inner.stats())._replace(running=0)

    async def hang_up(self) -> None:
        """Close what was kept open."""
        for stream in self.open:
            await stream.aclose()


class TellsTheNextToken(Twin):
    async def likelihoods(self, asked: Sequence[Given]) -> list[Likelihood]:
        return [
            one._replace(logprobs=(*one.logprobs[1:], *one.logprobs[:1]))
            for one in await self.inner.likelihoods(asked)
        ]


class TurnsAnswersAround(Twin):
    """Answers as they come in, whoever asked, padded to the length that was asked for."""

    async def likelihoods(self, asked: Sequence[Given]) -> list[Likelihood]:
        told = reversed(await self.inner.likelihoods(asked))
        return [
            one._replace(logprobs=(*one.logprobs, *[0.0] * len(given.given))[: len(given.given)])
            for one, given in zip(told, asked, strict=True)
        ]


class LosesAPromptToken(Twin):
    async def likelihoods(self, asked: Sequence[Given]) -> list[Likelihood]:
        return [
            one._replace(prompt_tokens=one.prompt_tokens - 1)
            for one in await self.inner.likelihoods(asked)
        ]


class IgnoresTemperature(Twin):
    async def likelihoods(self, asked: Sequence[Given]) -> list[Likelihood]:
        return await self.inner.likelihoods(
            [dataclasses.replace(given, sampling=Sampling(temperature=1.0)) for given in asked]
        )
