"""What one node cost, as far as the log tells: its own tokens, and the calls of policy and verifier
that it was part of.

A `call` event tells what a batch cost and when it ran, and comes after the nodes or scores of the
batch; a batch's time is shared by all in it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from backend.core.events import CallEnded, NodeAdded, ScoreGiven
from backend.core.records import EventRecord


@dataclass(frozen=True)
class CallShare:
    """A call: whose it was, how many requests or scores it held, how long it took (milliseconds;
    None where the log does not say), its event."""

    label: str
    size: int
    milliseconds: float | None
    seq: int


@dataclass(frozen=True)
class NodeLedger:
    """`tokens` generated here; `prompt_tokens` sent to the policy for it, `cached_tokens` of them
    reused, None where the log does not say; `written` the policy's call; `scored` the verifier's
    calls, with the tokens that went through its model and those it reused. `failure` and `remark`
    are what the engine said of it."""

    tokens: int
    prompt_tokens: int | None
    cached_tokens: int | None
    written: CallShare | None
    scored: tuple[CallShare, ...]
    verifier_calls: int
    verifier_tokens: int
    verifier_cached: int
    failure: str | None = None
    remark: str | None = None


def node_ledger(
    node: int, tokens: int, role: str, generated: bool, events: Sequence[EventRecord]
) -> NodeLedger:
    """The ledger of a node after `events`. `generated`: whether the policy wrote it, so that it has
    tokens and a call of its own."""
    own: NodeAdded | None = None
    written: CallShare | None = None
    scores: list[ScoreGiven] = []
    batches: list[CallShare | None] = []
    for place, event in enumerate(events):
        match event.body:
            case NodeAdded(node=added) as body if added == node and own is None:
                own = body
                written = _after(events[place + 1 :], role) if generated else None
            case ScoreGiven(node=scored) as body if scored == node:
                scores.append(body)
                batches.append(_after(events[place + 1 :], f"verifier {body.scorer}"))
    return NodeLedger(
        tokens if generated else 0,
        None if own is None else own.prompt_tokens,
        None if own is None else own.cached_tokens,
        written,
        tuple(batch for batch in batches if batch is not None),
        len(scores),
        sum(score.tokens for score in scores),
        sum(score.cached for score in scores),
        None if own is None else own.failure,
        None if own is None else own.remark,
    )


def _after(later: Iterable[EventRecord], role: str) -> CallShare | None:
    """The first call of a policy or verifier among later events: the batch that was under way."""
    for event in later:
        call = event.body
        if isinstance(call, CallEnded) and call.role == role:
            timed = call.started_ms is not None and call.ended_ms is not None
            took = (call.ended_ms or 0.0) - (call.started_ms or 0.0) if timed else None
            size = call.scored or 0 if call.requests is None else call.requests
            return CallShare(role, size, took, event.seq)
    return None
