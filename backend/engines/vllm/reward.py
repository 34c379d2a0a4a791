"""A process reward model on vLLM: a pooling engine that reads two numbers, bad and good, at each
step tag.

vLLM answers an empty table and no error where the tag does not occur, and its pooling interface has
changed between versions; so loading ends with a test on two steps, and every answer's rows are
counted against the steps. Token-wise pooling does not read the prefix cache: a path is read whole
each time, hence each node should be scored once.

Source: Qwen2.5-Math-PRM, arXiv 2501.07301 (chat of question and steps, each step followed by the
tag; softmax over two labels).
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Sequence
from typing import Any, Final

from vllm import PoolingParams, TokensPrompt
from vllm.exceptions import VLLMClientError
from vllm.v1.engine.exceptions import EngineDeadError, EngineGenerateError

from backend.core.errors import EngineFailure
from backend.core.ports import EngineInfo, Solution, StepScores
from backend.engines.vllm.engine import core_failure
from backend.engines.vllm.start import Started, VllmSettings, start, stop

TAG: Final = "<extra_0>"
TOLERANCE: Final = 0.02


class VllmRewardModel:
    """A `RewardModel` on vLLM. Made by `load`; belongs to the event loop that loaded it."""

    def __init__(self, started: Started) -> None:
        self._engine, self._vocabulary, _, self._info = started
        self._tag = self._vocabulary.chat.token_id(TAG)
        self._handles = itertools.count()

    @classmethod
    async def load(cls, model: str, **settings: Any) -> VllmRewardModel:
        """Start vLLM on a reward model's folder or Hub name and test it on two steps. Raises
        `EngineFailure`."""
        loaded = cls(await start(model, "reward", VllmSettings(**settings)))
        try:
            [tested] = await loaded.score([Solution("1 + 1 = ?", ("1 + 1 = 2", "The answer is 2"))])
            if tested.failure is not None:
                reason = (
                    f"vLLM does not serve {model!r} as a process reward model: {tested.failure}"
                )
                raise EngineFailure(reason, "Use the torch engine, or vLLM 0.32")
        except EngineFailure:
            await loaded.close()
            raise
        return loaded

    @property
    def info(self) -> EngineInfo:
        return self._info

    @property
    def dead(self) -> bool:
        """Whether the core process has died; nothing but loading the model again helps then."""
        return self._engine is not None and bool(self._engine.errored)

    async def score(self, solutions: Sequence[Solution]) -> list[StepScores]:
        """The probability that each step is right, one result a solution. Raises `EngineFailure`
        when vLLM's core has died."""
        return list(await asyncio.gather(*(self._score(solution) for solution in solutions)))

    async def close(self) -> None:
        """Stop the core process. vLLM's object is let go at once: its finaliser fails once the
        interpreter ends."""
        engine, self._engine = self._engine, None
        if engine is not None:
            await stop(engine)

    def ids(self, solution: Solution) -> list[int]:
        """What the model reads: the opened chat, then each step and its tag. What looks like a
        special token in a step stays plain text."""
        ids = list(self._vocabulary.prompt(solution.question, solution.system).token_ids)
        for step in solution.steps:
            ids += [*self._vocabulary.encode(step), self._tag]
        return ids

    async def _score(self, solution: Solution) -> StepScores:
        if not solution.steps:
            return StepScores((), 0, failure="no steps to score")
        ids = self.ids(solution)
        if len(ids) > self._info.context:
            return StepScores(
                (),
                0,
                failure=(
                    f"context full: {len(ids)} tokens, the reward model takes {self._info.context}"
                ),
            )
        try:
            rows = await self._rows(ids)
        except (VLLMClientError, ValueError) as error:
            return StepScores((), 0, failure=f"vLLM refused the request: {error}")
        except (EngineDeadError, EngineGenerateError) as error:
            raise core_failure(error) from error
        return check_rows(rows, len(solution.steps), len(ids))

    async def _rows(self, ids: list[int]) -> list[list[float]]:
        params, rows = PoolingParams(task="token_classify"), []
        async for output in self._engine.encode(
            TokensPrompt(prompt_token_ids=ids), params, f"score#{next(self._handles)}"
        ):
            rows = output.outputs.data.float().tolist()
        return rows


def check_rows(rows: list[list[float]], steps: int, tokens: int) -> StepScores:
    """Good's probability, row by row; a failure unless there is one pair of probabilities for each
    step."""
    if len(rows) != steps:
        return StepScores(
            (), tokens, failure=f"the reward model answered {len(rows)} rows for {steps} steps"
        )
    if any(len(row) != 2 or not abs(sum(row) - 1.0) <= TOLERANCE for row in rows):
        return StepScores(
            (), tokens, failure=f"the reward model's rows are no pairs of probabilities: {rows[:2]}"
        )
    return StepScores(tuple(min(1.0, max(0.0, row[1])) for row in rows), tokens)
