"""An engine without a model: a table says which steps may follow, and with what probability.

It is a product feature, not a stand-in: it runs everywhere at once, its probabilities are known
exactly, and so a search on it can be compared with the answer worked out by hand. The table speaks
of whole steps; the engine turns it into a language model over characters (one token each, and one
for the blank line), whose next-token probabilities follow by summing over the steps that are still
possible. So temperature, truncation, log-probabilities, limits and aborts mean what they mean
elsewhere.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from typing import TypeAlias

from backend.core.errors import EngineFailure
from backend.core.ports import (
    Capabilities,
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
from backend.core.turns import Turns
from backend.core.types import Finish
from backend.engines.scripted.row import (
    ANSWER,
    DELIMITER,
    END,
    END_TEXT,
    Script,
    ScriptedRow,
    decode,
    encode,
)
from backend.engines.scripted.toy import toy_scores, toy_script

__all__ = ["ANSWER", "END", "END_TEXT", "Script", "ScriptedEngine", "ScriptedRewardModel"]

Table: TypeAlias = Mapping[str, Sequence[tuple[str, float]]]
Scores: TypeAlias = Callable[[str, tuple[str, ...]], Sequence[float]]
REMEMBERED = 4096
CONTEXT = 65_536
CAPABILITIES = Capabilities(alternatives=20, prompt_logprobs=True, tempered_logprobs=True)


def nothing_fails(key: str) -> str | None:
    return None


class ScriptedEngine:
    """Text from a script: a function (question, solution so far) -> [(step, probability)], or a
    table from solution so far to the same.

    A step ends with the delimiter, or with `END_TEXT` where the solution ends. `token_seconds` is
    how long one token takes, `failure` may name a reason for the request with a given key to fail,
    `broken` makes every call raise: for tests and demonstrations.
    """

    def __init__(
        self,
        script: Script | Table | None = None,
        *,
        token_seconds: float = 0.0,
        failure: Callable[[str], str | None] = nothing_fails,
        broken: str | None = None,
        context: int = CONTEXT,
    ) -> None:
        self._script: Script = (
            toy_script
            if script is None
            else from_table(script)
            if isinstance(script, Mapping)
            else script
        )
        self._token_seconds, self._failure, self._broken, self._context = (
            token_seconds,
            failure,
            broken,
            context,
        )
        self._generated = self._prompted = self._running = 0
        self._undelivered: OrderedDict[str, Completion] = OrderedDict()

    @property
    def info(self) -> EngineInfo:
        return EngineInfo(
            "scripted", "scripted", "1", "exact", 0, self._context, DELIMITER, CAPABILITIES
        )

    async def prompt(self, question: str, system: str | None) -> Prompt:
        """The question (after the system text, if any) and a mark after which the solution
        begins.
        """
        text = question if system is None else f"{system}\n{question}"
        return Prompt(text + "<answer>", (*encode(text), ANSWER))

    async def encode(self, text: str) -> tuple[int, ...]:
        return encode(text)

    async def tokens(self, token_ids: Sequence[int]) -> list[str]:
        return [decode((token,), special=True) for token in token_ids]

    async def generate(self, requests: Sequence[Request]) -> AsyncGenerator[Completion]:
        """One token for every request in turn, as a batch on a real model would run; see
        `backend.core.ports.Engine`."""
        if self._broken:
            raise EngineFailure(self._broken)
        rows, turns = dict[str, ScriptedRow](), Turns()
        try:
            for request in requests:
                failure = self._failure(request.key)
                rows[request.key] = ScriptedRow(request, self._script, self._context, failure)
                self._running += 1
                await turns.give()
            while rows:
                await asyncio.sleep(self._token_seconds)
                done = list[Completion]()
                for row in list(rows.values()):
                    if completion := self._advance(row):
                        self._remember(completion)
                        self._leave(rows, completion.key)
                        done.append(completion)
                    await turns.give()
                for completion in done:
                    del self._undelivered[completion.key]
                    yield completion
        finally:
            for row in rows.values():
                self._remember(row.completion(Finish.ABORTED))
            self._running -= len(rows)

    async def take_aborted(self, keys: Sequence[str]) -> list[Completion]:
        """What requests of closed iterators had generated by then; each is returned once and
        forgotten."""
        return [
            self._undelivered.pop(key) for key in dict.fromkeys(keys) if key in self._undelivered
        ]

    async def likelihoods(self, asked: Sequence[Given]) -> list[Likelihood]:
        """Exact, from the script."""
        if self._broken:
            raise EngineFailure(self._broken)
        self._running += len(asked)
        try:
            await asyncio.sleep(self._token_seconds)
        finally:
            self._running -= len(asked)
        likelihoods = [
            ScriptedRow(
                Request("", "", one.token_ids, 0, sampling=one.sampling),
                self._script,
                self._context,
                None,
            ).judge(one.given)
            for one in asked
        ]
        self._prompted += sum(one.prompt_tokens for one in likelihoods)
        return likelihoods

    async def stats(self) -> EngineStats:
        return EngineStats(self._running, self._generated, self._prompted, 0, 0)

    async def close(self) -> None:
        """Nothing to give back."""

    def _advance(self, row: ScriptedRow) -> Completion | None:
        """Tokens of one turn: one, or all at once where tokens take no time."""
        if not row.started:
            refused = row.refusal()
            self._prompted += row.prompt_tokens
            if refused is not None:
                return refused
        for _ in range(1 if self._token_seconds else 16):
            self._generated += 1
            if done := row.step():
                return done
        return None

    def _leave(self, rows: dict[str, ScriptedRow], key: str) -> None:
        del rows[key]
        self._running -= 1

    def _remember(self, completion: Completion) -> None:
        """Keep a completion until it is delivered or asked for."""
        self._undelivered[completion.key] = completion
        while len(self._undelivered) > REMEMBERED:
            self._undelivered.popitem(last=False)


class ScriptedRewardModel:
    """Step scores from a function (question, steps) -> one score a step; `failure` may name why a
    question with steps gets none."""

    def __init__(
        self,
        scores: Scores | None = None,
        *,
        call_seconds: float = 0.0,
        failure: Callable[[Solution], str | None] = lambda solution: None,
    ) -> None:
        self._scores, self._call_seconds, self._failure = (
            scores or toy_scores,
            call_seconds,
            failure,
        )

    @property
    def info(self) -> EngineInfo:
        capabilities = Capabilities(
            logprobs=False, alternatives=0, seeds=False, abort=False, reward_model=True
        )
        return EngineInfo("scripted", "scripted", "1", "exact", 0, CONTEXT, DELIMITER, capabilities)

    async def score(self, solutions: Sequence[Solution]) -> list[StepScores]:
        await asyncio.sleep(self._call_seconds)
        return [self._score(solution) for solution in solutions]

    async def close(self) -> None:
        """Nothing to give back."""

    def _score(self, solution: Solution) -> StepScores:
        tokens = len(encode(solution.question)) + sum(len(encode(step)) for step in solution.steps)
        if reason := self._failure(solution):
            return StepScores((), tokens, failure=reason)
        scores = tuple(float(score) for score in self._scores(solution.question, solution.steps))
        if len(scores) != len(solution.steps):
            return StepScores(
                (),
                tokens,
                failure=(
                    f"{len(scores)} scores for {len(solution.steps)} steps, accepted: equal numbers"
                ),
            )
        return StepScores(scores, tokens)


def from_table(table: Table) -> Script:
    """The script of a table; a solution that the table does not know ends there."""
    return lambda question, written: table.get(written, ((END_TEXT, 1.0),))
