"""A small engine for tests of what stands around it: it writes numbered steps, obeys limits, and
counts every request it was sent."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence

from backend.core.ports import (
    Capabilities,
    Completion,
    EngineInfo,
    EngineStats,
    Given,
    Likelihood,
    Prompt,
    Request,
    VerifierTokens,
)
from backend.core.types import Finish, Score


class FakeEngine:
    """Each token is one character. A step is `digit . newline newline`, the digit drawn from the
    seed; after `depth` steps the model ends with `\\boxed{digit}`. Requests finish in order of
    their seed when raced. `stalls` keys never finish; `failing` makes every request fail. Given
    tokens have log-probability -0.5 each, as sampled ones do; a text with a `?` in it cannot be
    judged."""

    def __init__(
        self,
        depth: int = 3,
        *,
        stalling: bool = False,
        failing: str | None = None,
        can: Capabilities | None = None,
    ) -> None:
        self.depth, self.stalling, self.failing, self.can = (
            depth,
            stalling,
            failing,
            can or Capabilities(),
        )
        self.sent: list[Request] = []
        self.judged: list[Given] = []
        self.running = 0
        self._partial: dict[str, Completion] = {}

    @property
    def info(self) -> EngineInfo:
        return EngineInfo("fake", "fake-1", "0", "float32", 100, 4096, "\n\n", self.can)

    async def prompt(self, question: str, system: str | None) -> Prompt:
        return Prompt(f"<{question}>", tuple(map(ord, f"<{question}>")))

    async def encode(self, text: str) -> tuple[int, ...]:
        return tuple(map(ord, text))

    async def tokens(self, token_ids: Sequence[int]) -> list[str]:
        return [chr(token) for token in token_ids]

    async def generate(self, requests: Sequence[Request]) -> AsyncGenerator[Completion]:
        self.sent += requests
        self.running += len(requests)
        waiting = sorted(requests, key=lambda request: request.seed)
        try:
            while waiting:
                await asyncio.sleep(0)
                if self.stalling and len(waiting) < len(requests):
                    await asyncio.sleep(3600)
                self.running -= 1
                yield self.answer(waiting.pop(0))
        finally:
            self.running -= len(waiting)
            for request in waiting:
                self._partial[request.key] = Completion(
                    request.key, "4", (52,), (-0.5,), Finish.ABORTED, len(request.token_ids)
                )

    def answer(self, request: Request) -> Completion:
        if self.failing:
            return Completion(request.key, "", (), (), Finish.ABORTED, 0, failure=self.failing)
        done, digit = request.text.count("\n\n"), request.seed % 10
        text, finish = "", Finish.STEP
        while finish is Finish.STEP:
            ends = done + text.count("\n\n") >= self.depth
            text += f"\\boxed{{{digit}}}" if ends else f"{digit}.\n\n"
            finish = Finish.END if ends else Finish.STEP
            if request.until.steps and text.count("\n\n") >= request.until.steps:
                break
        limit = min(
            request.until.tokens or request.sampling.max_tokens, request.sampling.max_tokens
        )
        if len(text) > limit:
            text, finish = text[:limit], Finish.LENGTH
        ids = tuple(map(ord, text)) + ((0,) if finish is Finish.END else ())
        return Completion(
            request.key, text, ids, (-0.5,) * len(ids), finish, len(request.token_ids), 2
        )

    async def take_aborted(self, keys: Sequence[str]) -> list[Completion]:
        return [self._partial.pop(key) for key in keys if key in self._partial]

    async def likelihoods(self, asked: Sequence[Given]) -> list[Likelihood]:
        self.judged += asked
        good = [
            Likelihood((-0.5,) * len(one.given), len(one.token_ids) + len(one.given), 2)
            for one in asked
        ]
        return [
            Likelihood((), 0, failure="cannot read it") if ord("?") in given.given else one
            for one, given in zip(good, asked, strict=True)
        ]

    async def stats(self) -> EngineStats:
        return EngineStats(self.running, 0, 0, 0, 0)

    async def close(self) -> None:
        return None


class FakeVerifier:
    """Scores a path by its last digit: d / 10. Counts the nodes it was asked about."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.tokens = VerifierTokens(0, 0)

    async def score(self, nodes):
        self.asked += [node.key for node in nodes]
        self.tokens = VerifierTokens(self.tokens.tokens + 3 * len(nodes), self.tokens.cached + 1)
        digits = [[c for c in node.solution_text() if c.isdigit()] for node in nodes]
        return [
            Score(int(found[-1]) / 10, tuple(int(d) / 10 for d in found))
            if found
            else Score(None, reason="no digit")
            for found in digits
        ]
