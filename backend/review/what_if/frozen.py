"""An engine and a reward model that answer only from the stored answers of a run."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence

from backend.core.errors import EngineFailure
from backend.core.events import NodeAdded
from backend.core.ports import (
    Completion,
    EngineInfo,
    EngineStats,
    Given,
    Likelihood,
    Prompt,
    Request,
    Solution,
    StepScores,
)
from backend.core.types import Kind
from backend.review.stored_run import Trace


class Unpaid(EngineFailure):
    """Raised when something is requested that the stored run never requested. `node` is what was to
    be continued, `text` what was to be scored or encoded."""

    def __init__(self, what: str, node: int | None = None) -> None:
        super().__init__(what)
        self.node = node


class FrozenEngine:
    """`ports.Engine` without a model."""

    def __init__(self, info: EngineInfo, trace: Trace, question: str) -> None:
        self.info = info
        self._nodes = trace.nodes
        self._prompts = (
            {question: Prompt(trace.nodes[0].text, trace.nodes[0].token_ids)} if trace.nodes else {}
        )
        self._injected = {
            node.text: node.token_ids for node in trace.nodes if node.kind is Kind.INJECTED
        }
        for event in trace.events:
            if isinstance(added := event.body, NodeAdded) and added.question is not None:
                aside = trace.nodes[added.node]
                self._prompts[added.question] = Prompt(aside.text, aside.token_ids)

    async def prompt(self, question: str, system: str | None) -> Prompt:
        if question not in self._prompts:
            raise Unpaid("another prompt would have been opened")
        return self._prompts[question]

    async def encode(self, text: str) -> tuple[int, ...]:
        if text not in self._injected:
            raise Unpaid("another text would have been injected")
        return self._injected[text]

    async def tokens(self, token_ids: Sequence[int]) -> list[str]:
        raise Unpaid("the texts of tokens were not stored")

    async def generate(self, requests: Sequence[Request]) -> AsyncGenerator[Completion]:
        known: Sequence[Completion] = ()
        for completion in known:
            yield completion
        texts = {
            "".join(part.text for part in node.path()): place
            for place, node in reversed(list(enumerate(self._nodes)))
        }
        raise Unpaid(
            "a continuation would have been drawn that never was", texts.get(requests[0].text)
        )

    async def take_aborted(self, keys: Sequence[str]) -> list[Completion]:
        """Return nothing: how far an aborted text would have come is not stored."""
        return []

    async def likelihoods(self, asked: Sequence[Given]) -> list[Likelihood]:
        raise Unpaid("steps would have been judged that never were")

    async def stats(self) -> EngineStats:
        return EngineStats(0, 0, 0, 0, 0)

    async def close(self) -> None:
        return None


class FrozenRewardModel:
    """`ports.RewardModel` without a model. Stored scores are taken from the store before it is
    called, so every call is one that the stored run never made."""

    def __init__(self, info: EngineInfo) -> None:
        self.info = info

    async def score(self, solutions: Sequence[Solution]) -> list[StepScores]:
        raise Unpaid("a step would have been scored that never was")

    async def close(self) -> None:
        return None
