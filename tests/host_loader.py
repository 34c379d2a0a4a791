"""Small engines that the host tests load inside the child process; each model name is one behaviour."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Sequence

from backend.errors import EngineFailure
from backend.host_wire import ModelSpec
from backend.ports import Capabilities, Completion, EngineInfo, EngineStats, Prompt, Request, Solution, StepScores
from backend.types import Finish


class CountingEngine:
    """Writes 0, 1, 2 ... one token every `pause` seconds, `sampling.max_tokens` of them; knows no end of its own."""

    def __init__(self, model: str, pause: float = 0.0) -> None:
        self.info = EngineInfo("counting", model, "1", "none", 0, 1024, "\n\n", Capabilities(), settings={"pid": str(os.getpid())})
        self.pause, self.running, self.generated = pause, 0, 0
        self.left: dict[str, Completion] = {}

    async def prompt(self, question: str, system: str | None) -> Prompt:
        return Prompt(f"{system}|{question}", (1, 2))

    async def encode(self, text: str) -> tuple[int, ...]:
        return tuple(text.encode())

    async def tokens(self, token_ids: Sequence[int]) -> list[str]:
        if not token_ids:
            raise EngineFailure("no ids", "Give some")
        return [str(i) for i in token_ids]

    async def generate(self, requests: Sequence[Request]) -> AsyncIterator[Completion]:
        for request in requests:
            ids: list[int] = []
            self.running += 1
            done = False
            try:
                while len(ids) < request.sampling.max_tokens:
                    if request.text == "die":
                        print("about to die", flush=True)
                        os._exit(3)
                    await asyncio.sleep(self.pause)
                    ids.append(len(ids))
                done = True
            finally:
                self.running -= 1
                self.generated += len(ids)
                finish = Finish.LENGTH if done else Finish.ABORTED
                completion = Completion(request.key, request.text, tuple(ids), (-0.5,) * len(ids), finish, len(request.token_ids))
                if not done:
                    self.left[request.key] = completion
            yield completion

    async def aborted(self, keys: Sequence[str]) -> list[Completion]:
        return [self.left.pop(key) for key in keys if key in self.left]

    async def stats(self) -> EngineStats:
        return EngineStats(self.running, self.generated, 0, 0, 12345)

    async def close(self) -> None:
        print("closed", flush=True)


class HalfReward:
    """Scores every step one half."""

    info = EngineInfo("half", "half", "1", "none", 0, 1024, "\n\n", Capabilities(reward_model=True))

    async def score(self, solutions: Sequence[Solution]) -> list[StepScores]:
        return [StepScores((0.5,) * len(solution.steps), 7) for solution in solutions]

    async def close(self) -> None:
        return


async def load(spec: ModelSpec) -> CountingEngine | HalfReward:
    """`missing` fails, `huge` runs out of memory, `heavy` blocks for a moment, everything else counts."""
    options = spec.options()
    if spec.model == "missing":
        raise EngineFailure("no such model 'missing'", "Choose another")
    if spec.model == "huge":
        raise MemoryError("cannot allocate 1 TiB")
    if spec.model == "chatty":
        raise ValueError("see the log: CUDA out of memory")
    if spec.model == "heavy":
        await asyncio.to_thread(time.sleep, 0.3)
    if spec.role == "reward":
        return HalfReward()
    pause = options.get("pause", 0.0)
    assert isinstance(pause, float)
    return CountingEngine(spec.model, pause)
