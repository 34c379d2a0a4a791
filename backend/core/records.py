"""The trace of a run: an append-only log with a dense sequence number, which is the clock of the
slider, the stream and the replay.

`Recorder` turns what the driver sees into `NodeRecord`s and `EventRecord`s with dense ids and hands
them to a sink, one call a round. It is synchronous and cheap, because it runs between the rounds of
every search. Nodes never change; everything that changes (scores, weights, visits, frontier) is an
event.

Event kinds: `node` (node_id; data: prompt_tokens, cached_tokens; the reason of an injected one; of
one that a fork was given, `given` and its id in the origin, `from`), `likelihood` (node_id, label =
role, value = log-probability, nats, that the policy goes on from there by given steps, None where
it never does; data: key, prompt_tokens, cached_tokens, failure), `score` (node_id, label = scorer,
value or None; data: steps, reason, tokens, cached), `step` (round, phase, track; data: nodes,
values, stats; nodes before `from` are as in the step before), one event a note (`weighed`,
`resampled`, `referenced`, `swapped`, `selected`, `backed`, `rolled`, `jumped`, `drawn`, `pushed`,
`popped`, `kept`, `pruned`, `replaced`, `allocated`, `remarked`; data: its fields, nodes as ids; a
`remarked` on what a person asked for says `by` and the event `from` which that begins), `call`
(label = role; data: what a batch, or one text of a race, cost, when it ran, the ledger after it),
`compared` (data: pairs of answers with what algebra said of them, and bridges, see
`backend.problems.classes`), `answer` (node_id; data: answer, correct, reason, ledger), `limit`
(label = axis, value = limit), `status` (label = new status; data: ledger, limit).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from backend.core.types import JSON


@dataclass(frozen=True, slots=True)
class NodeRecord:
    """A node as stored. `id` is dense from 0 in order of creation; `seq` is the event that
    announced it."""

    id: int
    parent_id: int | None
    depth: int
    kind: str
    role: str
    text: str
    token_ids: tuple[int, ...]
    logprobs: tuple[float, ...] | None
    finish: str | None
    done: bool
    key: str
    seq: int
    alternatives: JSON = None


@dataclass(frozen=True, slots=True)
class EventRecord:
    """An event as stored. `t_ms` is milliseconds since the run started."""

    seq: int
    t_ms: float
    kind: str
    node_id: int | None = None
    track: str = ""
    round: int = 0
    phase: str = ""
    label: str = ""
    value: float | None = None
    data: dict[str, JSON] | None = None


class Sink(Protocol):
    """Takes what happened, nodes before the events that name them. Called from the event loop's
    thread: it must only buffer."""

    def append(self, nodes: Sequence[NodeRecord], events: Sequence[EventRecord]) -> None: ...


class NullSink:
    """Forgets everything: for benchmarks and for strategies run without a store."""

    def append(self, nodes: Sequence[NodeRecord], events: Sequence[EventRecord]) -> None:
        return None


class MemorySink:
    """Keeps everything in two lists, for tests and notebooks."""

    def __init__(self) -> None:
        self.nodes: list[NodeRecord] = []
        self.events: list[EventRecord] = []

    def append(self, nodes: Sequence[NodeRecord], events: Sequence[EventRecord]) -> None:
        self.nodes.extend(nodes)
        self.events.extend(events)


__all__ = ["EventRecord", "MemorySink", "NodeRecord", "NullSink", "Sink"]
