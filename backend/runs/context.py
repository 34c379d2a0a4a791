"""What the policy and the verifier of one run share: pause control, budget, recorder, earlier answers, and how calls get keys and seeds."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import TypeAlias

from backend.core.ports import Completion
from backend.core.records import Recorder
from backend.core.types import JSON
from backend.runs.budget import Meter
from backend.runs.paid import Paid, PaidLikelihood

Answer: TypeAlias = Completion | PaidLikelihood
BEHIND_S = 0.01
CONTEXT_REMEDY = "Shorten the question or the search depth, or choose a model with a longer context"


class Control:
    """Pause and resume of a run: it waits at its next model call while paused, or while its log is `behind` in being stored.

    Waiting, it does what people `ask` of it, so that nothing else of the run happens meanwhile. `arrived` is called whenever the run comes to where
    it may wait. `expand` extends a node by n children at a person's request; there is none before the search has begun.
    """

    def __init__(self) -> None:
        self._paused, self._stirred = False, asyncio.Event()
        self._wishes: deque[Callable[[], Awaitable[None]]] = deque()
        self.behind: Callable[[], bool] = lambda: False
        self.arrived: Callable[[], None] = lambda: None
        self.expand: Callable[[int, int], Awaitable[Sequence[int]]] | None = None

    @property
    def paused(self) -> bool:
        return self._paused

    def pause(self) -> None:
        self._paused = True

    def resume(self) -> None:
        self._paused = False
        self._stirred.set()

    def ask(self, wish: Callable[[], Awaitable[None]]) -> None:
        """Have something done at the next place where the run may wait, before it goes on. `wish` raises nothing of its own."""
        self._wishes.append(wish)
        self._stirred.set()

    async def gate(self) -> None:
        """Returns while the run is not paused, after a turn for everybody else: a search that answers itself would keep the loop to itself, and
        would fill the memory faster than the store is written."""
        self.arrived()
        while self._wishes or self._paused:
            if self._wishes:
                await self._wishes.popleft()()
            else:
                self._stirred.clear()
                await self._stirred.wait()
        await asyncio.sleep(0)
        while self.behind():  # noqa: ASYNC110 - who catches up is a thread and knows no loop
            await asyncio.sleep(BEHIND_S)


@dataclass(frozen=True)
class Desk:
    """What the wrappers of one run share: pause control, budget, recorder and earlier answers."""

    control: Control
    meter: Meter
    recorder: Recorder
    paid: Paid
    seed: int

    def called(self, role: str, started: float, answers: Sequence[Answer], generated: int = 0) -> None:
        """Record what a batch of a role's calls cost, `generated` tokens among it, and hand the records to the store."""
        data: dict[str, JSON] = {
            "requests": len(answers),
            "generated_tokens": generated,
            "prompt_tokens": sum(answer.prompt_tokens for answer in answers),
            "cached_tokens": sum(answer.cached_tokens for answer in answers),
            "started_ms": round(started, 3),
            "ended_ms": round(self.recorder.elapsed_ms, 3),
            "ledger": dict(self.meter.ledger.snapshot()),
        }
        self.recorder.event("call", label=role, data=data)
        self.recorder.flush()


def digest(*parts: object) -> str:
    """A 16-digit name of the parts, the same on every machine."""
    return blake2b("\x1f".join(map(str, parts)).encode(), digest_size=8).hexdigest()


def seed_of(run_seed: int, key: str) -> int:
    """A seed in [0, 2**63) for the call `key` of the run."""
    return int.from_bytes(blake2b(f"{run_seed}\x1f{key}".encode(), digest_size=8).digest(), "big") >> 1


__all__ = ["Control", "Desk", "digest", "seed_of"]
