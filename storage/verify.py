"""What must hold for every stored run, whoever wrote it.

Sequence numbers and ids are gap-free; parents are older than their children, which lie one level
deeper; events name only nodes that were announced before; every number is finite; and the counts
agree with the ledger: tokens of sampled nodes are `generated_tokens`, `score` events are
`verifier_calls`. The ledger of a crashed run was never written down, and the path that a fork was
given cost it nothing.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple, Protocol

from backend.core.event_columns import node_ids_of
from backend.core.events import NodeAdded, ScoreGiven
from backend.core.grades import foreign_source
from backend.core.records import EventRecord, EventRow, NodeRecord
from backend.core.types import JSON, Kind
from storage.rows import NodeFull

BY_OTHERS = ("generated_tokens",)
"""What a file of another program counts without holding what is counted."""
SAMPLED = frozenset({str(Kind.STEP), str(Kind.ROLLOUT)})


class Finding(NamedTuple):
    """Something wrong; `node` or `event` is the position of the record in its list, where there is
    one."""

    text: str
    node: int | None = None
    event: int | None = None


class Ended(Protocol):
    """What is known of the run itself."""

    @property
    def status(self) -> str: ...
    @property
    def ledger(self) -> dict[str, JSON]: ...
    @property
    def forked_from(self) -> JSON: ...
    @property
    def manifest(self) -> dict[str, JSON]: ...
    @property
    def chosen_node(self) -> int | None: ...


Nodes = Sequence[NodeRecord | NodeFull] | Sequence[NodeFull] | Sequence[NodeRecord]
Events = Sequence[EventRow]
Log = Sequence[EventRecord]


def findings(run: Ended, nodes: Nodes, events: Events) -> list[Finding]:
    """Everything wrong with a run whose nodes and events are in order of id and seq."""
    log = [event.record() for event in events]
    return [
        *_numbering(nodes, events),
        *_tree(nodes),
        *_unreadable(log),
        *_references(nodes, log),
        *_finite_nodes(nodes),
        *_finite_events(events),
        *_announcements(nodes, log),
        *_counts(run, nodes, log),
        *_choice(run, nodes),
    ]


def _numbering(nodes: Nodes, events: Events) -> Iterator[Finding]:
    for position, node in enumerate(nodes):
        if node.id != position:
            yield Finding(
                f"node ids have a gap: found {node.id}, expected {position}", node=position
            )
            break
    for position, event in enumerate(events):
        if event.seq != position:
            yield Finding(
                f"sequence numbers have a gap: found {event.seq}, expected {position}",
                event=position,
            )
            break


def _tree(nodes: Nodes) -> Iterator[Finding]:
    depths = {node.id: node.depth for node in nodes}
    for position, node in enumerate(nodes):
        if node.parent_id is None:
            if node.depth != 0:
                yield Finding(
                    f"node {node.id} has no parent but depth {node.depth}, expected 0",
                    node=position,
                )
        elif node.parent_id not in depths:
            yield Finding(
                f"node {node.id} has the parent {node.parent_id}, which does not exist",
                node=position,
            )
        elif node.parent_id >= node.id:
            yield Finding(
                f"node {node.id} has the parent {node.parent_id}, which is not older", node=position
            )
        elif node.depth != depths[node.parent_id] + 1:
            expected = depths[node.parent_id] + 1
            yield Finding(
                (
                    f"node {node.id} has depth {node.depth}, expected {expected} (its parent's "
                    "and one)"
                ),
                node=position,
            )


def _unreadable(log: Log) -> Iterator[Finding]:
    """A kind that is not known here may be a newer one; a known one must hold what it has to."""
    for position, event in enumerate(log):
        if event.problem is not None:
            yield Finding(f"event {event.seq} cannot be read, {event.problem}", event=position)


def _references(nodes: Nodes, log: Log) -> Iterator[Finding]:
    """Events name only nodes that exist and were announced no later than the event."""
    announced = {node.id: node.seq for node in nodes}
    for position, event in enumerate(log):
        for node_id in dict.fromkeys(node_ids_of(event.body)):
            if node_id not in announced:
                yield Finding(
                    f"event {event.seq} ({event.kind}) names node {node_id}, which does not exist",
                    event=position,
                )
            elif announced[node_id] > event.seq:
                yield Finding(
                    f"event {event.seq} ({event.kind}) names node {node_id}, which came later",
                    event=position,
                )


def _announcements(nodes: Nodes, log: Log) -> Iterator[Finding]:
    """Every node has the one `node` event it says it has."""
    announcing = {event.seq: event.body.node for event in log if isinstance(event.body, NodeAdded)}
    for position, node in enumerate(nodes):
        if announcing.get(node.seq, -1) != node.id:
            yield Finding(
                f"node {node.id} says that event {node.seq} announced it, which is not so",
                node=position,
            )
    if len(announcing) > len(nodes):
        yield Finding(f"{len(announcing)} nodes were announced, {len(nodes)} are stored")


def _finite_nodes(nodes: Nodes) -> Iterator[Finding]:
    for position, node in enumerate(nodes):
        if not all(map(math.isfinite, node.logprobs or ())):
            yield Finding(
                f"node {node.id} has a log-probability that is not a finite number", node=position
            )
        if node.logprobs is not None and len(node.logprobs) != len(node.token_ids):
            yield Finding(
                (
                    f"node {node.id} has {len(node.token_ids)} tokens but {len(node.logprobs)} "
                    "log-probabilities"
                ),
                node=position,
            )
        if not _is_finite(node.alternatives):
            yield Finding(
                f"node {node.id} has an alternative that is not a finite number", node=position
            )


def _finite_events(events: Events) -> Iterator[Finding]:
    for position, event in enumerate(events):
        if not (math.isfinite(event.t_ms) and _is_finite(event.value) and _is_finite(event.data)):
            yield Finding(
                f"event {event.seq} ({event.kind}) holds a number that is not finite",
                event=position,
            )


def _is_finite(value: JSON | Mapping[str, JSON]) -> bool:
    if isinstance(value, float):
        return math.isfinite(value)
    if isinstance(value, Mapping):
        return all(map(_is_finite, value.values()))
    return all(map(_is_finite, value)) if isinstance(value, list) else True


def _counts(run: Ended, nodes: Nodes, log: Log) -> Iterator[Finding]:
    if run.status == "crashed":
        return
    given = {
        event.body.node for event in log if isinstance(event.body, NodeAdded) and event.body.given
    }
    tokens = sum(
        len(node.token_ids) for node in nodes if node.kind in SAMPLED and node.id not in given
    )
    scores = sum(isinstance(event.body, ScoreGiven) for event in log)
    made_here = foreign_source(run.manifest) is None
    for axis, counted, what in (
        ("generated_tokens", tokens, "sampled tokens"),
        ("verifier_calls", scores, "scores"),
    ):
        stated = run.ledger.get(axis)
        if not isinstance(stated, int | float) or (axis in BY_OTHERS and not made_here):
            continue
        if stated > counted or (stated < counted and run.forked_from is None):
            yield Finding(f"the ledger says {axis} = {stated:g}, but {counted} {what} are stored")


def _choice(run: Ended, nodes: Nodes) -> Iterator[Finding]:
    if run.chosen_node is not None and run.chosen_node not in {node.id for node in nodes}:
        yield Finding(f"the run chose node {run.chosen_node}, which does not exist")
