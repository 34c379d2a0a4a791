"""The recorder: gives nodes and events their dense numbers and hands them to a sink."""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Callable

from backend.core.event_columns import with_ids
from backend.core.events import EventBody, NodeAdded, ScoreGiven, StepEnded
from backend.core.outside import clean_numbers, clean_text, clean_texts
from backend.core.records import EventRecord, NodeRecord, Sink
from backend.core.steps import Note, Step
from backend.core.types import JSON, Node, Score


class Recorder:
    """Gives nodes and events their numbers and passes them to the sink.

    `skip` is for a run that is resumed: the deterministic rerun makes the same records again, and
    those with seq < `skip` are not passed on. `elapsed_ms` is the time the earlier attempts took.
    """

    def __init__(self, sink: Sink, *, skip: int = 0, elapsed_ms: float = 0.0) -> None:
        self._sink = sink
        self._skip = skip
        self._ids: dict[Node, int] = {}
        self._seq = 0
        self._nodes: list[NodeRecord] = []
        self._events: list[EventRecord] = []
        self._started = time.monotonic() - elapsed_ms / 1000.0
        self._sealed = False
        self.round = 0

    @property
    def elapsed_ms(self) -> float:
        return (time.monotonic() - self._started) * 1000.0

    @property
    def next_seq(self) -> int:
        return self._seq

    @property
    def node_count(self) -> int:
        return len(self._ids)

    @property
    def sealed(self) -> bool:
        """Whether the log has ended, because a model has failed."""
        return self._sealed

    def seal(self) -> None:
        """Hand over what is recorded, and record nothing from now on: a model has failed.

        What the search leaves behind while it breaks off (texts that were given up, say) would not
        be there in a run without the failure. A log that ends before it is the beginning of that
        run, and so it can be taken up.
        """
        self.flush()
        self._sealed = True

    def id_of(self, node: Node) -> int:
        """The dense id of a recorded node; an unrecorded one is recorded now (a root, for
        example).
        """
        return self._ids[node] if node in self._ids else self.node(node)

    def node_of(self, node_id: int) -> Node:
        """The recorded node with an id from 0 to `node_count` - 1."""
        return next(itertools.islice(self._ids, node_id, None))

    def add(self, body: EventBody, *, track: str = "", phase: str = "") -> int:
        """Append one event and return its sequence number."""
        seq = self._seq
        self._seq += 1
        if seq >= self._skip and not self._sealed:
            ms = round(self.elapsed_ms, 3)
            self._events.append(EventRecord(seq, ms, self.round, track, phase, clean_texts(body)))
        return seq

    def node(self, node: Node, added: Callable[[int], NodeAdded] = NodeAdded) -> int:
        """Record a node (its ancestors first) and return its id. `added` makes the event from the
        id, with what else there is to say of it."""
        if node in self._ids:
            return self._ids[node]
        parent_id = None if node.parent is None else self.id_of(node.parent)
        self._ids[node] = node_id = len(self._ids)
        seq = self.add(added(node_id))
        if seq >= self._skip and not self._sealed:
            self._nodes.append(node_record(node, node_id, parent_id, seq))
        return node_id

    def score(
        self, scorer: str, node: Node, score: Score, *, tokens: int = 0, cached: int = 0
    ) -> None:
        """Record a verifier's opinion; a failed one is stored as no value with its reason, never as
        a number. `tokens` and `cached` went through the verifier's model or were reused by it."""
        evidence = tuple([self.id_of(aside) for aside in score.evidence])
        self.add(
            ScoreGiven(
                self.id_of(node),
                scorer,
                score.value,
                score.steps,
                tokens,
                cached,
                score.reason,
                evidence,
            )
        )

    def step(self, step: Step, candidates: int) -> None:
        """Record a round: its notes, then its summary. `candidates` = how many of `step.nodes`
        earlier rounds already listed."""
        for note in step.notes:
            self.add(self._with_ids(note), track=step.track, phase=step.phase)
        self.add(
            StepEnded(
                candidates,
                tuple([self.id_of(node) for node in step.nodes[candidates:]]),
                tuple(step.values[candidates:]),
                {name: value for name, value in step.stats.items() if math.isfinite(value)},
            ),
            track=step.track,
            phase=step.phase,
        )
        self.round += 1

    def _with_ids(self, note: Note) -> EventBody:
        try:
            return with_ids(note, self._ids.__getitem__)
        except KeyError:  # it names a node that is not recorded yet, which hardly ever happens
            return with_ids(note, self.id_of)

    def flush(self) -> None:
        """Hand what has been recorded to the sink: called by the driver after every round and every
        model call."""
        if self._nodes or self._events:
            self._sink.append(self._nodes, self._events)
            self._nodes, self._events = [], []


def node_record(node: Node, node_id: int, parent_id: int | None, seq: int) -> NodeRecord:
    """The stored form of a node."""
    alternatives: JSON = [
        [list(option) for option in position] for position in node.alternatives
    ] or None
    return NodeRecord(
        id=node_id,
        parent_id=parent_id,
        depth=node.depth,
        kind=str(node.kind),
        role=node.role,
        text=clean_text(node.text),
        token_ids=node.token_ids,
        logprobs=clean_numbers(node.logprobs),
        finish=None if node.finish is None else str(node.finish),
        done=node.done,
        key=node.key,
        seq=seq,
        alternatives=alternatives,
    )
