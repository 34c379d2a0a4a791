"""The verifier that a strategy is handed: each node is scored once, metered, traced, and answered
from the store where that was paid before."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

from backend.core.errors import (
    ArboretumError,
    BudgetExhausted,
    PassingFailure,
    VerifierFailure,
)
from backend.core.events import CallEnded
from backend.core.outside import clean_score
from backend.core.ports import Verifier, VerifierTokens
from backend.core.types import Node, Score
from backend.runs.context import RunContext
from backend.runs.paid import PaidScore

log = logging.getLogger("arboretum.runs")


class LiveVerifier:
    """`ports.Verifier` that scores each node once, counts it, records it, and takes paid scores
    from the store. A call whose fault is passing is made again after each of `pauses`, in
    seconds."""

    def __init__(
        self,
        verifier: Verifier,
        desk: RunContext,
        name: str,
        pauses: Sequence[float] = (0.5, 2.0),
    ) -> None:
        self._verifier, self._desk, self._name, self._pauses = verifier, desk, name, pauses
        self._scores: dict[Node, Score] = {}

    @property
    def name(self) -> str:
        return self._name

    def find_known(self, node: Node) -> Score | None:
        """The score this node already has."""
        return self._scores.get(node)

    @property
    def tokens(self) -> VerifierTokens:
        return self._verifier.tokens

    async def score(self, nodes: Sequence[Node]) -> list[Score]:
        """One score a node, same order. Raises `BudgetExhausted` when not all new nodes may be
        scored; those that may are recorded first."""
        fresh = [node for node in dict.fromkeys(nodes) if node not in self._scores]
        if fresh:
            await self._desk.control.gate()
            await self._score_fresh(fresh)
        return [self._scores[node] for node in nodes]

    async def _score_fresh(self, fresh: Sequence[Node]) -> None:
        started = self._desk.recorder.elapsed_ms
        found = {
            node: stored
            for node in fresh
            if (stored := self._desk.paid.scores.get((self._name, node.key))) is not None
        }
        live = [node for node in fresh if node not in found]
        asked = live or self._desk.paid.anew
        # as it was the first time, so with what is paid
        allowed = self._desk.meter.admit_scores(len(fresh)) if asked else len(fresh)
        found = {node: found[node] for node in fresh[:allowed] if node in found}
        due = [node for node in fresh[:allowed] if node not in found]
        found |= zip(due, await self._score_new(due) if due else [], strict=True)
        for node in (node for node in fresh if node in found):
            self.keep(node, found[node])
        self._close_batch(started, len(found))
        if allowed < len(fresh):
            raise BudgetExhausted("verifier_calls", float(self._desk.meter.ledger.verifier_calls))

    async def _score_new(self, nodes: Sequence[Node]) -> list[PaidScore]:
        try:
            return await self.judge(nodes)
        except ArboretumError:
            self._desk.recorder.seal()
            raise

    async def judge(self, nodes: Sequence[Node]) -> list[PaidScore]:
        """What the verifier says of nodes, not recorded yet; the first score carries the tokens of
        all."""
        before = self._verifier.tokens
        scores = await self._persist(nodes)
        after = self._verifier.tokens
        spent = (after[0] - before[0], after[1] - before[1])
        return [
            PaidScore(clean_score(score), *(spent if place == 0 else (0, 0)))
            for place, score in enumerate(scores)
        ]

    async def _persist(self, nodes: Sequence[Node]) -> list[Score]:
        for pause in self._pauses:
            try:
                return await self._verifier.score(nodes)
            except PassingFailure as error:
                log.warning("the verifier %s is asked again: %s", self._name, error)
                await asyncio.sleep(pause)
        return await self._verifier.score(nodes)

    def require_scores(self) -> None:
        """Raises `VerifierFailure` with the first reason if nodes were scored and not one of them
        has a score: then nothing has steered the search."""
        scores = self._scores.values()
        if scores and all(score.value is None for score in scores):
            reason = next(iter(scores)).reason
            raise VerifierFailure(f"none of {len(scores)} nodes of this run has a score: {reason}")

    def keep(self, node: Node, paid: PaidScore) -> None:
        """Charge and record a score."""
        self._scores[node] = paid.score
        self._desk.meter.charge_scores(1, paid.tokens, paid.cached)
        self._desk.recorder.score(
            self._name, node, paid.score, tokens=paid.tokens, cached=paid.cached
        )

    def _close_batch(self, started: float, scored: int) -> None:
        recorder = self._desk.recorder
        recorder.add(
            CallEnded(
                f"verifier {self._name}",
                scored=scored,
                started_ms=round(started, 3),
                ended_ms=round(recorder.elapsed_ms, 3),
                ledger=self._desk.meter.ledger.snapshot(),
            )
        )
        recorder.flush()


__all__ = ["LiveVerifier"]
