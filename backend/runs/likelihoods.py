"""How likely a policy is to write given steps.

Given tokens are read, never generated: an answer counts as a model call and as prompt tokens. It is
an event of the log, whose key names the node and the steps, so that a rerun finds it in the store.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from backend.core.errors import BudgetExhausted, EngineFailure
from backend.core.events import LikelihoodGiven
from backend.core.keys import digest
from backend.core.ports import Engine, Given, Sampling
from backend.core.types import Node
from backend.runs.context import CONTEXT_REMEDY, RunContext
from backend.runs.paid import PaidLikelihood


class _Question(NamedTuple):
    """The node to go on from, and the tokens to judge behind it."""

    node: Node
    given: Given


class Likelihoods:
    """Log-likelihoods of given steps: metered, recorded, and taken from the store where an earlier
    attempt paid for them."""

    def __init__(self, engine: Engine, desk: RunContext, sampling: Sampling, role: str) -> None:
        self._engine, self._desk, self._sampling, self._role = engine, desk, sampling, role

    async def log_probs(self, pairs: Sequence[tuple[Node, Sequence[Node]]]) -> list[float]:
        """Return one log-probability (nats) a pair of a node and the steps after it, in order;
        equal pairs are judged once. Raises `BudgetExhausted` when not all may be judged; those that
        may are recorded first."""
        if not pairs:
            return []
        await self._desk.control.gate()
        keys = [
            digest(self._role, node.key, "given", *(step.key for step in steps), self._sampling)
            for node, steps in pairs
        ]
        asked = {
            key: _Question(node, self._find_given(node, steps))
            for key, (node, steps) in zip(keys, pairs, strict=True)
        }
        found = await self._found(asked)
        if len(found) < len(asked):
            raise BudgetExhausted(*self._desk.meter.find_spent_axis(len(asked)))
        return [found[key].value for key in keys]

    def _find_given(self, node: Node, steps: Sequence[Node]) -> Given:
        return Given(
            node.context_ids(),
            tuple(token for step in steps for token in step.token_ids),
            self._sampling,
        )

    async def _found(self, asked: Mapping[str, _Question]) -> dict[str, PaidLikelihood]:
        """Return the results of the store and the engine, charged and recorded; fewer than asked
        for where the budget is short. Raises `EngineFailure` where every request failed."""
        desk, started = self._desk, self._desk.recorder.elapsed_ms
        found = {key: desk.paid.likelihoods[key] for key in asked if key in desk.paid.likelihoods}
        # as it was the first time, so with what is paid
        allowed = len(asked) if len(found) == len(asked) else desk.meter.admit_calls(len(asked))
        due = [key for key in list(asked)[:allowed] if key not in found]
        if due:
            found |= zip(due, await self._judge([asked[key].given for key in due]), strict=True)
        if all(answer.failure is not None for answer in found.values()):
            desk.recorder.seal()
            raise EngineFailure(str(next(iter(found.values())).failure), CONTEXT_REMEDY)
        for key in (key for key in asked if key in found):
            desk.meter.charge_prompt(found[key].prompt_tokens, found[key].cached_tokens)
            self._record(key, asked[key].node, found[key])
        desk.record_call(self._role, started, list(found.values()))
        return found

    async def _judge(self, given: Sequence[Given]) -> list[PaidLikelihood]:
        """Ask the engine. A text that it cannot judge, for example because the context is full, is
        one that the policy never writes: its result is -inf."""
        try:
            answers = await self._engine.likelihoods(given)
        except EngineFailure:
            self._desk.recorder.seal()
            raise
        return [
            PaidLikelihood(
                -math.inf if failure is not None else math.fsum(logprobs), prompt, cached, failure
            )
            for logprobs, prompt, cached, failure in answers
        ]

    def _record(self, key: str, node: Node, found: PaidLikelihood) -> None:
        recorder = self._desk.recorder
        recorder.add(
            LikelihoodGiven(
                recorder.id_of(node),
                self._role,
                None if found.value == -math.inf else found.value,
                key,
                found.prompt_tokens,
                found.cached_tokens,
                found.failure,
            )
        )


__all__ = ["Likelihoods"]
