"""What the policy and the verifier of one run share: pause control, budget, recorder, earlier
answers, and how calls get keys and seeds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from backend.core.events import CallEnded
from backend.core.ports import Completion
from backend.runs.budget import Meter
from backend.runs.control import Control
from backend.runs.paid import Paid, PaidLikelihood
from backend.runs.recorder import Recorder

Answer: TypeAlias = Completion | PaidLikelihood
CONTEXT_REMEDY = "Shorten the question or the search depth, or choose a model with a longer context"


@dataclass(frozen=True)
class RunContext:
    """What the wrappers of one run share: pause control, budget, recorder and earlier answers."""

    control: Control
    meter: Meter
    recorder: Recorder
    paid: Paid
    seed: int

    def record_call(
        self, role: str, started: float, answers: Sequence[Answer], generated: int = 0
    ) -> None:
        """Record what a batch of calls of a role cost, `generated` tokens among it, and pass the
        records on to the sink."""
        self.recorder.add(
            CallEnded(
                role,
                requests=len(answers),
                generated_tokens=generated,
                prompt_tokens=sum(answer.prompt_tokens for answer in answers),
                cached_tokens=sum(answer.cached_tokens for answer in answers),
                started_ms=round(started, 3),
                ended_ms=round(self.recorder.elapsed_ms, 3),
                ledger=self.meter.ledger.snapshot(),
            )
        )
        self.recorder.flush()


__all__ = ["RunContext"]
