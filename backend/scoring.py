"""The verifier that a strategy is handed: each node is scored once, metered, traced, and answered from the store where that was paid before."""

from __future__ import annotations

from collections.abc import Sequence

from backend.desk import Desk
from backend.errors import ArboretumError, BudgetExhausted
from backend.ports import Verifier, VerifierTokens
from backend.replay import PaidScore
from backend.types import JSON, Node, Score


class LiveVerifier:
    """`ports.Verifier` that scores each node once, counts it, records it, and takes paid scores from the store."""

    def __init__(self, verifier: Verifier, desk: Desk, name: str) -> None:
        self._verifier, self._desk, self._name = verifier, desk, name
        self._scores: dict[Node, Score] = {}

    def known(self, node: Node) -> Score | None:
        """The score this node already has."""
        return self._scores.get(node)

    @property
    def tokens(self) -> VerifierTokens:
        return self._verifier.tokens

    async def score(self, nodes: Sequence[Node]) -> list[Score]:
        """One score a node, same order. Raises `BudgetExhausted` when not all new nodes may be scored; those that may are recorded first."""
        fresh = [node for node in dict.fromkeys(nodes) if node not in self._scores]
        if fresh:
            await self._desk.control.gate()
            await self._score_fresh(fresh)
        return [self._scores[node] for node in nodes]

    async def _score_fresh(self, fresh: Sequence[Node]) -> None:
        started = self._desk.recorder.elapsed_ms
        found = {node: stored for node in fresh if (stored := self._desk.paid.scores.get((self._name, node.key))) is not None}
        live = [node for node in fresh if node not in found]
        asked = live or self._desk.paid.anew
        allowed = self._desk.meter.admit_scores(len(fresh)) if asked else len(fresh)  # as it was the first time, so with what is paid
        found = {node: found[node] for node in fresh[:allowed] if node in found}
        due = [node for node in fresh[:allowed] if node not in found]
        before = self._verifier.tokens
        scores = await self._scored(due) if due else []
        after = self._verifier.tokens
        computed, reused = after[0] - before[0], after[1] - before[1]
        for index, (node, score) in enumerate(zip(due, scores, strict=True)):
            found[node] = PaidScore(score, *((computed, reused) if index == 0 else (0, 0)))
        for node in (node for node in fresh if node in found):
            self._keep(node, found[node])
        self._closed(started, len(found))
        if allowed < len(fresh):
            raise BudgetExhausted("verifier_calls", float(self._desk.meter.ledger.verifier_calls))

    async def _scored(self, nodes: Sequence[Node]) -> list[Score]:
        try:
            return await self._verifier.score(nodes)
        except ArboretumError:
            self._desk.recorder.seal()
            raise

    def _keep(self, node: Node, paid: PaidScore) -> None:
        self._scores[node] = paid.score
        self._desk.meter.charge_scores(1, paid.tokens, paid.cached)
        self._desk.recorder.score(self._name, node, paid.score, tokens=paid.tokens, cached=paid.cached)

    def _closed(self, started: float, scored: int) -> None:
        data: dict[str, JSON] = {
            "scored": scored,
            "started_ms": round(started, 3),
            "ended_ms": round(self._desk.recorder.elapsed_ms, 3),
            "ledger": dict(self._desk.meter.ledger.snapshot()),
        }
        self._desk.recorder.event("call", label=f"verifier {self._name}", data=data)
        self._desk.recorder.flush()


__all__ = ["LiveVerifier"]
