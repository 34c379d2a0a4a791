"""A stored run as one reads it: its nodes, its events, and what was chosen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from backend.core.ports import Aggregation
from backend.core.records import EventRecord
from backend.core.types import JSON, Finish, Kind, Node
from backend.judging.verifiers.aggregation import aggregated
from backend.runs.answer import Ranked


class StoredNode(Protocol):
    """What is needed of a node: `backend.core.records.NodeRecord` has it, and so has a row of the
    store."""

    @property
    def id(self) -> int: ...
    @property
    def parent_id(self) -> int | None: ...
    @property
    def depth(self) -> int: ...
    @property
    def kind(self) -> str: ...
    @property
    def role(self) -> str: ...
    @property
    def text(self) -> str: ...
    @property
    def token_ids(self) -> tuple[int, ...]: ...
    @property
    def logprobs(self) -> tuple[float, ...] | None: ...
    @property
    def finish(self) -> str | None: ...
    @property
    def done(self) -> bool: ...
    @property
    def key(self) -> str: ...
    @property
    def seq(self) -> int: ...


class Choice(NamedTuple):
    """A chosen node by its id, the answer written there, and whether it is right (None:
    undecided).
    """

    node: int | None
    answer: str | None
    correct: bool | None


class Trace:
    """The stored nodes as nodes again, by their ids, and what the `events` say of them. `scorer`
    names the verifier of the run; `seqs` are the events that announced the nodes."""

    def __init__(
        self, nodes: Sequence[StoredNode], events: Sequence[EventRecord], scorer: str
    ) -> None:
        self.nodes: list[Node] = []
        self.seqs = [row.seq for row in nodes]
        for row in nodes:
            parent = None if row.parent_id is None else self.nodes[row.parent_id]
            finish = None if row.finish is None else Finish(row.finish)
            self.nodes.append(
                Node(
                    row.text,
                    row.token_ids,
                    row.logprobs,
                    parent,
                    row.depth,
                    row.done,
                    finish,
                    row.role,
                    Kind(row.kind),
                    row.key,
                )
            )
        self.ids = {node: place for place, node in enumerate(self.nodes)}
        self.events = events
        self.scores = {
            event.node_id: event
            for event in events
            if event.kind == "score" and event.label == scorer and event.node_id is not None
        }

    def lists(self) -> list[list[Ranked]]:
        """Every list of candidates that the steps of the run named, each as it was in the end."""
        found: list[list[Ranked]] = []
        for event in self.events:
            if event.kind == "step" and event.data is not None:
                nodes, values = event.data["nodes"], event.data["values"]
                assert isinstance(nodes, list) and isinstance(values, list)
                if not event.data.get("from") or not found:
                    found.append([])
                found[-1] += [
                    Ranked(self.nodes[int(str(node))], _number(value))
                    for node, value in zip(nodes, values, strict=True)
                ]
        return found

    def unreported(self) -> list[Ranked]:
        """Where a budget ended the run: all texts that its policy had finished, with their
        scores.
        """
        if not any(event.kind == "limit" for event in self.events):
            return []
        ended = [
            node
            for node in self.nodes
            if node.finish is Finish.END and node.role == "policy" and node.kind is Kind.STEP
        ]
        return [Ranked(node, self.score(node)) for node in ended]

    def score(self, node: Node, aggregation: Aggregation | None = None) -> float | None:
        """The verifier's score of the path, or its scores of steps aggregated in another way where
        it gave any."""
        event = self.scores.get(self.ids[node])
        if event is None:
            return None
        steps = (event.data or {}).get("steps")
        numbers = (
            [number for step in steps if (number := _number(step)) is not None]
            if isinstance(steps, list)
            else []
        )
        return (
            aggregated(numbers, aggregation)
            if aggregation is not None and numbers and event.value is not None
            else event.value
        )


def own_choice(events: Sequence[EventRecord]) -> Choice | None:
    """What the run itself chose last."""
    answers = [event for event in events if event.kind == "answer"]
    if not answers:
        return None
    data = answers[-1].data or {}
    answer, correct = data.get("answer"), data.get("correct")
    return Choice(
        answers[-1].node_id,
        answer if isinstance(answer, str) else None,
        correct if isinstance(correct, bool) else None,
    )


def _number(value: JSON) -> float | None:
    return float(value) if isinstance(value, int | float) else None
