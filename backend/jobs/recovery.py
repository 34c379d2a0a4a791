"""What a run that was cut off has already paid for, read back from its log."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

from backend.ports import Completion
from backend.replay import Paid, PaidLikelihood, PaidScore, alternatives_from, paid, verdicts_from
from backend.types import JSON, Finish, Score
from storage import EventRow, NodeFull, Store

PAGE = 2000
"""Events read at a time."""


def paid_of(store: Store, run_id: int) -> Paid:
    """The stored completions and scores of a run, in the order in which they were recorded."""
    nodes = store.paid(run_id)
    costs: dict[int, Mapping[str, JSON]] = {}
    scores: dict[tuple[str, str], PaidScore] = {}
    verdicts: dict[tuple[str, str], bool | None] = {}
    likelihoods: dict[str, PaidLikelihood] = {}
    elapsed_ms = 0.0
    for event in _events(store, run_id):
        elapsed_ms = max(elapsed_ms, event.t_ms)
        if event.kind == "compared":
            verdicts |= verdicts_from(event.data)
        if event.node_id is None:
            continue
        if event.kind == "node":
            costs[event.node_id] = event.data or {}
        elif event.kind == "score":
            scores[(event.label, nodes[event.node_id].key)] = _score(event)
        elif event.kind == "likelihood":
            likelihoods[str((event.data or {}).get("key"))] = _likelihood(event)
    completions = [_completion(node, costs.get(node.id, {})) for node in nodes if node.finish is not None]
    next_seq = store.last_seq(run_id) + 1
    return paid(completions, scores, next_seq=next_seq, elapsed_ms=elapsed_ms, verdicts=verdicts, likelihoods=likelihoods)


def _events(store: Store, run_id: int) -> Iterator[EventRow]:
    after = -1
    while page := store.events(run_id, after=after, limit=PAGE):
        yield from page
        after = page[-1].seq


def _completion(node: NodeFull, cost: Mapping[str, JSON]) -> Completion:
    failure = cost.get("failure")
    return Completion(
        key=node.key, text=node.text, token_ids=tuple(node.token_ids), logprobs=None if node.logprobs is None else tuple(node.logprobs),
        finish=Finish(node.finish or Finish.END), prompt_tokens=_count(cost, "prompt_tokens"), cached_tokens=_count(cost, "cached_tokens"),
        alternatives=alternatives_from(node.alternatives), failure=failure if isinstance(failure, str) else None,
    )


def _score(event: EventRow) -> PaidScore:
    data = event.data or {}
    steps = data.get("steps")
    reason = data.get("reason")
    known = tuple(float(step) for step in steps if isinstance(step, int | float)) if isinstance(steps, list) else ()
    score = Score(event.value, known, reason if isinstance(reason, str) else None)
    return PaidScore(score, _count(data, "tokens"), _count(data, "cached"))


def _likelihood(event: EventRow) -> PaidLikelihood:
    data = event.data or {}
    value, failure = -math.inf if event.value is None else event.value, data.get("failure")
    return PaidLikelihood(value, _count(data, "prompt_tokens"), _count(data, "cached_tokens"), failure if isinstance(failure, str) else None)


def _count(data: Mapping[str, JSON], name: str) -> int:
    value = data.get(name)
    return int(value) if isinstance(value, int | float) else 0


__all__ = ["paid_of"]
