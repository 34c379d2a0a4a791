"""The recorder: gives nodes and events their dense numbers and hands them to a sink."""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Mapping
from dataclasses import fields

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

    def event(
        self,
        kind: str,
        *,
        node: Node | None = None,
        track: str = "",
        phase: str = "",
        label: str = "",
        value: float | None = None,
        data: dict[str, JSON] | None = None,
    ) -> int:
        """Append one event and return its sequence number."""
        node_id = None if node is None else self.id_of(node)
        return self._append(
            EventRecord(
                self._seq,
                round(self.elapsed_ms, 3),
                kind,
                node_id,
                track,
                self.round,
                phase,
                label,
                value,
                data,
            )
        )

    def _append(self, record: EventRecord) -> int:
        self._seq += 1
        if self._passed_on(record.seq):
            self._events.append(record)
        return record.seq

    def _passed_on(self, seq: int) -> bool:
        return seq >= self._skip and not self._sealed

    def node(self, node: Node, data: dict[str, JSON] | None = None) -> int:
        """Record a node (its ancestors first) and return its id. `data` says what making it cost:
        `prompt_tokens`, `cached_tokens`."""
        if node in self._ids:
            return self._ids[node]
        parent_id = None if node.parent is None else self.id_of(node.parent)
        self._ids[node] = node_id = len(self._ids)
        seq = self._append(
            EventRecord(
                self._seq, round(self.elapsed_ms, 3), "node", node_id, round=self.round, data=data
            )
        )
        if self._passed_on(seq):
            self._nodes.append(node_record(node, node_id, parent_id, seq))
        return node_id

    def score(
        self, scorer: str, node: Node, score: Score, *, tokens: int = 0, cached: int = 0
    ) -> None:
        """Record a verifier's opinion; a failed one is stored as no value with its reason, never as
        a number. `tokens` and `cached` went through the verifier's model or were reused by it."""
        data: dict[str, JSON] = {"steps": list(score.steps), "tokens": tokens, "cached": cached}
        if score.reason is not None:
            data["reason"] = score.reason
        if score.evidence:
            data["evidence"] = [self.id_of(aside) for aside in score.evidence]
        self.event("score", node=node, label=scorer, value=score.value, data=data)

    def step(self, step: Step, candidates: int) -> None:
        """Record a round: its notes, then its summary. `candidates` = how many of `step.nodes`
        earlier rounds already listed."""
        for note in step.notes:
            self._note(note, step)
        data: dict[str, JSON] = {
            "from": candidates,
            "nodes": [self.id_of(node) for node in step.nodes[candidates:]],
            "values": list(step.values[candidates:]),
            "stats": {name: value for name, value in step.stats.items() if math.isfinite(value)},
        }
        self.event("step", track=step.track, phase=step.phase, data=data)
        self.round += 1

    def _note(self, note: Note, step: Step) -> None:
        data = {field.name: self._plain(getattr(note, field.name)) for field in fields(note)}
        node_id = data.pop("node", None)
        assert node_id is None or isinstance(node_id, int)
        value = data.get("value")
        self._append(
            EventRecord(
                self._seq,
                round(self.elapsed_ms, 3),
                type(note).__name__.lower(),
                node_id,
                step.track,
                self.round,
                step.phase,
                "",
                value if isinstance(value, float) else None,
                data,
            )
        )

    def _plain(self, value: object) -> JSON:
        if isinstance(value, float):  # most of what notes hold, hence first
            return value if abs(value) != math.inf else "inf" if value > 0 else "-inf"
        if value is None or isinstance(value, (int, str)):
            return value
        if isinstance(value, Node):
            return self.id_of(value)
        if isinstance(value, (tuple, list)):
            return [self._plain(item) for item in value]
        assert isinstance(value, Mapping), f"a note may not hold {type(value).__name__}"
        return {str(name): self._plain(item) for name, item in value.items()}

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
        text=node.text,
        token_ids=node.token_ids,
        logprobs=node.logprobs,
        finish=None if node.finish is None else str(node.finish),
        done=node.done,
        key=node.key,
        seq=seq,
        alternatives=alternatives,
    )
