"""A stored run as one reads it: its nodes, its events, and what was chosen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from backend.core.events import AnswerChanged, LimitReached, ScoreGiven, StepEnded
from backend.core.ports import Aggregation
from backend.core.records import EventRecord
from backend.core.types import Finish, Kind, Node
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
            given.node: given
            for event in events
            if isinstance(given := event.body, ScoreGiven) and given.scorer == scorer
        }

    def lists(self) -> list[list[Ranked]]:
        """Every list of candidates that the steps of the run named, each as it was in the end."""
        found: list[list[Ranked]] = []
        for event in self.events:
            if isinstance(step := event.body, StepEnded):
                if not step.known or not found:
                    found.append([])
                found[-1] += [
                    Ranked(self.nodes[node], value)
                    for node, value in zip(step.nodes, step.values, strict=True)
                ]
        return found

    def unreported(self) -> list[Ranked]:
        """Where a budget ended the run: all texts that its policy had finished, with their
        scores.
        """
        if not any(isinstance(event.body, LimitReached) for event in self.events):
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
        given = self.scores.get(self.ids[node])
        if given is None:
            return None
        return (
            aggregated(given.steps, aggregation)
            if aggregation is not None and given.steps and given.value is not None
            else given.value
        )


def own_choice(events: Sequence[EventRecord]) -> Choice | None:
    """What the run itself chose last."""
    changes = [event.body for event in events if isinstance(event.body, AnswerChanged)]
    if not changes:
        return None
    last = changes[-1]
    return Choice(last.node, last.answer, last.correct)
