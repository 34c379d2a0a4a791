"""The trace of a run: an append-only log with a dense sequence number, which is the clock of the
slider, the stream and the replay.

`Recorder` turns what the driver sees into `NodeRecord`s and `EventRecord`s with dense ids and hands
them to a sink, one call a round. It is synchronous and cheap, because it runs between the rounds of
every search. Nodes never change; everything that changes (scores, weights, visits, frontier) is an
event.

What may happen is declared in `backend.core.events`. A record is an event with its place in the
log. A row is the same as it is stored and sent; what nobody reads, a newer kind for example, leaves
the program in a row as it came in.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import msgspec

from backend.core.event_columns import Columns, read_columns, to_columns
from backend.core.events import EventBody, UnknownEvent, kind_of
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

    @property
    def n_tokens(self) -> int:
        """How many tokens the text has."""
        return len(self.token_ids)

    @property
    def mean_logprob(self) -> float | None:
        """Mean log-probability a token in nats, or None where nothing was sampled."""
        return sum(self.logprobs) / len(self.logprobs) if self.logprobs else None


class EventRecord(msgspec.Struct, frozen=True, gc=False):
    """An event in its place in the log. `t_ms` is milliseconds since the run started, `round` and
    `track` say in which step of which part of a strategy it happened, `phase` in which line of the
    pseudo-code."""

    seq: int
    t_ms: float
    round: int
    track: str
    phase: str
    body: EventBody

    def row(self) -> EventRow:
        """The event as it is stored and sent."""
        kind, node_id, label, value, data = to_columns(self.body)
        return EventRow(
            self.seq,
            self.t_ms,
            kind,
            node_id,
            self.track,
            self.round,
            self.phase,
            label,
            value,
            data,
        )

    @property
    def kind(self) -> str:
        """The word by which the kind of event is stored and sent."""
        return kind_of(self.body)

    @property
    def problem(self) -> str | None:
        """What is wrong with an event that cannot be read."""
        return self.body.problem if isinstance(self.body, UnknownEvent) else None


class EventRow(NamedTuple):
    """An event as it is stored and sent: an `EventRecord` whose body lies in the columns `kind`,
    `node_id`, `label`, `value` and `data`."""

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

    def record(self) -> EventRecord:
        """The event as one reads it. What cannot be read becomes an `UnknownEvent`."""
        return EventRecord(
            self.seq, self.t_ms, self.round, self.track, self.phase, read_columns(self.columns())
        )

    def columns(self) -> Columns:
        """The event without its place in the log."""
        return Columns(self.kind, self.node_id, self.label, self.value, self.data)


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


__all__ = ["EventRecord", "EventRow", "MemorySink", "NodeRecord", "NullSink", "Sink"]
