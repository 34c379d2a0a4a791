"""What one node cost, as far as the log tells: its own tokens, and the calls of policy and verifier
that it was part of.

A `call` event tells what a batch cost and when it ran, and comes after the nodes or scores of the
batch; a batch's time is shared by all in it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from components.tree.inspector.formula.case import LoggedEvent


@dataclass(frozen=True)
class Batch:
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
    calls, with the tokens that went through its model and those it reused."""

    tokens: int
    prompt_tokens: int | None
    cached_tokens: int | None
    written: Batch | None
    scored: tuple[Batch, ...]
    verifier_calls: int
    verifier_tokens: int
    verifier_cached: int


def node_ledger(
    node: int, tokens: int, role: str, generated: bool, events: Sequence[LoggedEvent]
) -> NodeLedger:
    """The ledger of a node after `events`. `generated`: whether the policy wrote it, so that it has
    tokens and a call of its own."""
    own = next((event for event in events if event.kind == "node" and event.node_id == node), None)
    data = (own.data or {}) if own is not None else {}
    scores = [event for event in events if event.kind == "score" and event.node_id == node]
    calls = [event for event in events if event.kind == "call"]
    written = _after(calls, own.seq, role) if own is not None and generated else None
    batches = (_after(calls, event.seq, f"verifier {event.label}") for event in scores)
    return NodeLedger(
        tokens if generated else 0,
        data.get("prompt_tokens"),
        data.get("cached_tokens"),
        written,
        tuple(batch for batch in batches if batch is not None),
        len(scores),
        _total(scores, "tokens"),
        _total(scores, "cached"),
    )


def _total(scores: Iterable[LoggedEvent], field: str) -> int:
    return sum(int((event.data or {}).get(field, 0)) for event in scores)


def _after(calls: Iterable[LoggedEvent], seq: int, label: str) -> Batch | None:
    """The first call of a role or verifier after an event: the batch that the event belongs to."""
    found = next((call for call in calls if call.seq > seq and call.label == label), None)
    if found is None:
        return None
    data = found.data or {}
    timed = "started_ms" in data and "ended_ms" in data
    took = float(data["ended_ms"]) - float(data["started_ms"]) if timed else None
    return Batch(label, int(data.get("requests", data.get("scored", 0))), took, found.seq)
