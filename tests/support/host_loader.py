"""Small engines that the host tests load inside the child process; each model name is one
behaviour."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncGenerator, Sequence

from backend.core.errors import EngineFailure
from backend.core.ports import (
    Capabilities,
    Completion,
    EngineInfo,
    EngineStats,
    Prompt,
    Request,
    Solution,
    StepScores,
)
from backend.core.types import Finish
from backend.engines.host.wire import ModelSpec

LAST_WORDS = "the core's last words"


class CountingEngine:
    """Writes 0, 1, 2 ... one token every `pause` seconds, `sampling.max_tokens` of them; knows no
    end of its own.

    The text `die` ends the whole process; `core dies` leaves this engine dead in the living
    process, as vLLM is when its core is killed.
    """

    def __init__(self, model: str, settings: dict[str, str], pause: float = 0.0) -> None:
        self.info = EngineInfo(
            "counting", model, "1", "none", 0, 1024, "\n\n", Capabilities(), settings=settings
        )
        self.pause, self.running, self.generated = pause, 0, 0
        self.left: dict[str, Completion] = {}
        self.dead = False

    async def prompt(self, question: str, system: str | None) -> Prompt:
        return Prompt(f"{system}|{question}", (1, 2))

    async def encode(self, text: str) -> tuple[int, ...]:
        return tuple(text.encode())

    async def tokens(self, token_ids: Sequence[int]) -> list[str]:
        if not token_ids:
            raise EngineFailure("no ids", "Give some")
        return [str(i) for i in token_ids]

    async def generate(self, requests: Sequence[Request]) -> AsyncGenerator[Completion]:
        for request in requests:
            ids: list[int] = []
            self.running += 1
            done = False
            try:
                while len(ids) < request.sampling.max_tokens:
                    if request.text == "die":
                        print("about to die", flush=True)
                        os._exit(3)
                    if request.text == "core dies" and not self.dead:
                        print(LAST_WORDS, flush=True)
                        self.dead = True
                        await asyncio.sleep(0.1)  # a death is noticed after its words are out
                    if self.dead:
                        raise EngineFailure("the core has died", "It is loaded again")
                    await asyncio.sleep(self.pause)
                    ids.append(len(ids))
                done = True
            finally:
                self.running -= 1
                self.generated += len(ids)
                finish = Finish.LENGTH if done else Finish.ABORTED
                completion = Completion(
                    request.key,
                    request.text,
                    tuple(ids),
                    (-0.5,) * len(ids),
                    finish,
                    len(request.token_ids),
                )
                if not done:
                    self.left[request.key] = completion
            yield completion

    async def take_aborted(self, keys: Sequence[str]) -> list[Completion]:
        return [self.left.pop(key) for key in keys if key in self.left]

    async def stats(self) -> EngineStats:
        return EngineStats(self.running, self.generated, 0, 0, 12345)

    async def close(self) -> None:
        print("closed", flush=True)
        if self.dead:
            raise RuntimeError("a dead core cannot be closed in good order")


class HalfReward:
    """Scores every step one half; the question `core dies` leaves it dead."""

    def __init__(self, settings: dict[str, str]) -> None:
        self.info = EngineInfo(
            "half",
            "half",
            "1",
            "none",
            0,
            1024,
            "\n\n",
            Capabilities(reward_model=True),
            settings=settings,
        )
        self.dead = False

    async def score(self, solutions: Sequence[Solution]) -> list[StepScores]:
        self.dead = self.dead or any(solution.question == "core dies" for solution in solutions)
        if self.dead:
            raise EngineFailure("the core has died", "It is loaded again")
        return [StepScores((0.5,) * len(solution.steps), 7) for solution in solutions]

    async def close(self) -> None:
        return


async def load(spec: ModelSpec) -> CountingEngine | HalfReward:
    """`missing` fails, `huge` runs out of memory, `heavy` blocks for a moment, everything else
    counts."""
    options = spec.options()
    if spec.model == "missing":
        raise EngineFailure("no such model 'missing'", "Choose another")
    if spec.model == "huge":
        raise MemoryError("cannot allocate 1 TiB")
    if spec.model == "chatty":
        raise ValueError("see the log: CUDA out of memory")
    if spec.model == "heavy":
        await asyncio.to_thread(time.sleep, 0.3)
    settings = {"pid": str(os.getpid())} | {name: str(value) for name, value in options.items()}
    if spec.role == "reward":
        return HalfReward(settings)
    pause = options.get("pause", 0.0)
    assert isinstance(pause, float)
    return CountingEngine(spec.model, settings, pause)
