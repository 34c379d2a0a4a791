"""A node's prompt, what it cost, and its record as the service sends it."""

from __future__ import annotations

import json
from collections.abc import Sequence

import streamlit as st

from backend.core.event_columns import node_ids_of
from backend.core.records import EventRecord
from backend.core.types import JSON
from backend.messages.runs import NodeDetail
from components.frame.prose import prompt_html, visible
from components.tree.inspector.ledger import CallShare, NodeLedger, node_ledger

EVENTS_SHOWN = 200
"""Events of a node in its raw record at most, the newest."""


def prompt_panel(node: NodeDetail) -> None:
    """Exactly what the model was given."""
    st.caption("Exactly what the model was given before it wrote this node, special tokens marked.")
    st.html(prompt_html(node.prompt_text or node.text))


def record_panel(node: NodeDetail, log: Sequence[EventRecord]) -> None:
    """Facts and cost in short, then the raw record on demand."""
    ledger = node_ledger(node.id, node.n_tokens, node.role, node.mean_logprob is not None, log)
    _lines({**costs(ledger), **_facts(node)})
    own = [event for event in log if concerns(event, node.id)]
    if st.toggle(
        "Raw record",
        key="inspector.raw",
        persist_state="session",
        help="The node and every event that names it, as JSON.",
    ):
        shown = own[-EVENTS_SHOWN:]
        if len(shown) < len(own):
            st.caption(f"The newest {len(shown)} of {len(own)} events.")
        record = {
            "node": node.model_dump(mode="json"),
            "events": [_plain(event) for event in shown],
        }
        st.code(
            visible(json.dumps(record, ensure_ascii=False, indent=1)),
            language=None,
            wrap_lines=True,
            height=420,
        )
    else:
        st.caption(f"{len(own)} events name this node.")


def costs(ledger: NodeLedger) -> dict[str, str]:
    """The ledger of a node by name, in reading order."""
    lines = {"generated tokens": f"{ledger.tokens:,}" if ledger.tokens else "none recorded"}
    if ledger.prompt_tokens is not None:
        lines["prompt tokens"] = (
            f"{ledger.prompt_tokens:,}, {ledger.cached_tokens or 0:,} of them cached"
        )
    lines["model call"] = (
        _batch(ledger.written, "requests") if ledger.written is not None else "none recorded"
    )
    lines["verifier calls"] = (
        f"{ledger.verifier_calls:,}" if ledger.verifier_calls else "none recorded"
    )
    told = {"failure": ledger.failure, "told by the engine": ledger.remark}
    lines |= {name: text for name, text in told.items() if text}
    if ledger.verifier_tokens or ledger.verifier_cached:
        lines["verifier tokens"] = (
            f"{ledger.verifier_tokens:,}, {ledger.verifier_cached:,} of them reused"
        )
    for batch in ledger.scored:
        lines[batch.label] = _batch(batch, "scores")
    return lines


def _batch(batch: CallShare, what: str) -> str:
    took = "" if batch.milliseconds is None else f", {batch.milliseconds:,.1f} ms in all"
    return f"event {batch.seq}, a batch of {batch.size} {what}{took}"


def _facts(node: NodeDetail) -> dict[str, str]:
    return {
        "kind": node.kind,
        "role": node.role,
        "finish": node.finish or "-",
        "call key": node.key,
        "announced by event": str(node.seq),
        "parent": "-" if node.parent_id is None else str(node.parent_id),
        "sampling": json.dumps(node.sampling) if node.sampling else "not sampled",
    }


def _lines(facts: dict[str, str]) -> None:
    st.code(
        "\n".join(f"{visible(name):<20} {visible(value)}" for name, value in facts.items()),
        language=None,
        wrap_lines=True,
    )


def concerns(event: EventRecord, node: int) -> bool:
    """Whether an event names the node."""
    return node in node_ids_of(event.body)


def _plain(event: EventRecord) -> dict[str, JSON]:
    """The event as the service sends it, without what it leaves open."""
    return {name: value for name, value in event.row()._asdict().items() if value is not None}
