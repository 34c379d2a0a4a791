"""The one fold: a log becomes a tree, as it stood at any moment.

`grow_tree` takes the nodes of a run and its events up to a moment and gives every node with what
the log said of it by then: its score, whether it was pruned, its visits, its weight, what a beam
decided. Tables, views, the drawing in SVG and the pages that open offline read this tree; the
browser folds the same log by `components/tree/browser/tree_model.js`, and a test grows both from
the golden traces and compares them at every event.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import NamedTuple, Protocol, TypeVar

from backend.core.events import (
    AnswerChanged,
    Backed,
    EventBody,
    Kept,
    LimitReached,
    Pruned,
    Resampled,
    ScoreGiven,
    StepEnded,
    Weighed,
)
from backend.core.statistics.weights import softmax

KEPT, PRUNED, CANDIDATE = "kept", "pruned", "candidate for the answer"


class NodeLike(Protocol):
    """A node without its tokens: a record of a run, a row of the store, a message of the
    service."""

    @property
    def id(self) -> int: ...
    @property
    def parent_id(self) -> int | None: ...
    @property
    def depth(self) -> int: ...
    @property
    def kind(self) -> str: ...
    @property
    def text(self) -> str: ...
    @property
    def finish(self) -> str | None: ...
    @property
    def done(self) -> bool: ...
    @property
    def mean_logprob(self) -> float | None: ...
    @property
    def n_tokens(self) -> int: ...
    @property
    def seq(self) -> int: ...


class EventLike(Protocol):
    """An event in its place in the log: a record of a run or a message of the service."""

    @property
    def seq(self) -> int: ...
    @property
    def track(self) -> str: ...
    @property
    def body(self) -> EventBody: ...


class Backups(NamedTuple):
    """What was backed up through a node: visits N, the sum of the values, and Q as the newest
    backup recorded it, None where it did not."""

    visits: int = 0
    total: float = 0.0
    recorded: float | None = None

    @property
    def mean(self) -> float | None:
        """Q: as recorded, else the mean of the values; None before the first visit."""
        if self.recorded is not None:
            return self.recorded
        return self.total / self.visits if self.visits else None

    def add(self, value: float, recorded: float | None) -> Backups:
        """After one more backup of `value`."""
        return Backups(self.visits + 1, self.total + value, recorded)


NOT_VISITED = Backups()


class RoundFate(NamedTuple):
    """What a round decided about a node: `KEPT`, `PRUNED` (with the reason) or `CANDIDATE`, on
    which track. A candidate stays one whatever later rounds say."""

    decision: str
    reason: str
    track: str


@dataclass(slots=True)
class TreeRow:
    """A node as it stood at a moment.

    `score` is the verifier's value in [0, 1] or None, and `reason` says why there is none.
    `backups` is what was backed up through the node. `weight` is the particle's share of its
    population in [0, 1], as last weighed. `ranked` is the value by which a round kept it, `fate`
    what rounds decided.
    """

    id: int
    parent: int | None
    depth: int
    kind: str
    text: str
    finish: str | None
    done: bool
    tokens: int
    logprob: float | None
    seq: int
    score: float | None = None
    reason: str | None = None
    pruned: bool = False
    chosen: bool = False
    backups: Backups = NOT_VISITED
    weight: float | None = None
    ranked: float | None = None
    fate: RoundFate | None = None

    @property
    def state(self) -> str:
        """The node's state in words, the answer first."""
        words = ["problem"] if self.parent is None and self.kind == "prompt" else []
        words += ["answer"] if self.chosen else []
        words += ["aborted"] if self.finish == "aborted" else []
        words += ["finished"] if self.done else []
        words += ["pruned"] if self.pruned else []
        words += ["unscored"] if self.reason else []
        return ", ".join(words) or "open"

    @property
    def visits(self) -> int:
        """How often a value was backed up through the node."""
        return self.backups.visits


@dataclass(slots=True)
class Tree:
    """The tree of a run at a moment: its nodes by id in order of creation, the node that gives the
    answer, and the limit that was reached (axis, value)."""

    rows: dict[int, TreeRow]
    chosen: int | None = None
    limit: tuple[str, float] | None = None

    def apply(self, event: EventLike) -> None:
        """Take in the next event of the log. Nodes that the tree does not have are passed over."""
        match event.body:
            case ScoreGiven(node=node, value=value, reason=reason):
                self._score(node, value, reason)
            case Pruned(nodes=nodes, reason=reason):
                self._prune(nodes, reason, event.track)
            case Kept(nodes=nodes, values=values):
                self._keep(nodes, values, event.track)
            case Resampled(particles=particles, ancestors=ancestors):
                self._resample(particles, ancestors)
            case Weighed(particles=particles, log_weights=log_weights):
                self._weigh(particles, log_weights)
            case Backed(path=path, value=value, means=means):
                self._back_up(path, value, means)
            case StepEnded(nodes=nodes):
                self._list(nodes, event.track)
            case AnswerChanged(node=node):
                self._answer(node)
            case LimitReached(axis=axis, limit=limit):
                self.limit = (axis, limit)
            case _:
                pass

    def rows_of(self, nodes: Iterable[int]) -> Iterator[TreeRow]:
        """The rows of those nodes that the tree has."""
        return (self.rows[node] for node in nodes if node in self.rows)

    def _score(self, node: int, value: float | None, reason: str | None) -> None:
        for row in self.rows_of([node]):
            row.score, row.reason = value, None if value is not None else reason or "no score"

    def _prune(self, nodes: Sequence[int], reason: str, track: str) -> None:
        for row in self.rows_of(nodes):
            row.pruned = True
            _decide(row, RoundFate(PRUNED, reason, track))

    def _keep(self, nodes: Sequence[int], values: Sequence[float | None], track: str) -> None:
        for node, value in zip(nodes, values, strict=True):
            for row in self.rows_of([node]):
                row.pruned = False
                row.ranked = row.ranked if value is None else value
                _decide(row, RoundFate(KEPT, "", track))

    def _resample(self, particles: Sequence[int], ancestors: Sequence[int]) -> None:
        alive = {particles[slot] for slot in ancestors}
        for row in self.rows_of(particles):
            row.pruned = row.id not in alive

    def _weigh(self, particles: Sequence[int], log_weights: Sequence[float]) -> None:
        for particle, weight in zip(particles, softmax(log_weights).tolist(), strict=True):
            for row in self.rows_of([particle]):
                row.weight = weight

    def _back_up(self, path: Sequence[int], value: float, means: Sequence[float]) -> None:
        recorded: Sequence[float | None] = means or [None] * len(path)
        for node, mean in zip(path, recorded, strict=True):
            for row in self.rows_of([node]):
                row.backups = row.backups.add(value, mean)

    def _list(self, nodes: Sequence[int], track: str) -> None:
        for row in self.rows_of(nodes):
            if row.done or row.fate is None:
                _decide(row, RoundFate(CANDIDATE, "", track))

    def _answer(self, node: int) -> None:
        for row in self.rows_of([] if self.chosen is None else [self.chosen]):
            row.chosen = False
        self.chosen = node
        for row in self.rows_of([node]):
            row.chosen = True


def _decide(row: TreeRow, fate: RoundFate) -> None:
    if row.fate is None or row.fate.decision != CANDIDATE:
        row.fate = fate


class Numbered(Protocol):
    """An entry of a log."""

    @property
    def seq(self) -> int: ...


Logged = TypeVar("Logged", bound=Numbered)


def up_to(events: Iterable[Logged], until: int | None) -> Iterator[Logged]:
    """The events of a moment: those with seq <= `until`, or all of them (None). The log is in order
    of seq."""
    return takewhile(lambda event: until is None or event.seq <= until, events)


def grow_tree(
    nodes: Iterable[NodeLike], events: Iterable[EventLike], until: int | None = None
) -> Tree:
    """The tree after all events with seq <= `until` (None: all)."""
    tree = Tree({node.id: row_of(node) for node in nodes if until is None or node.seq <= until})
    for event in up_to(events, until):
        tree.apply(event)
    return tree


def backups(events: Iterable[EventLike], until: int | None = None) -> dict[int, Backups]:
    """What was backed up through each visited node, by node id, up to event `until`."""
    found: dict[int, Backups] = {}
    for event in up_to(events, until):
        if isinstance(note := event.body, Backed):
            recorded: Sequence[float | None] = note.means or [None] * len(note.path)
            for node, mean in zip(note.path, recorded, strict=True):
                found[node] = found.get(node, Backups()).add(note.value, mean)
    return found


def row_of(node: NodeLike) -> TreeRow:
    """A node of which no event has said anything yet."""
    return TreeRow(
        node.id,
        node.parent_id,
        node.depth,
        node.kind,
        node.text,
        node.finish,
        node.done,
        node.n_tokens,
        node.mean_logprob,
        node.seq,
    )


def tree_table(
    nodes: Iterable[NodeLike], events: Iterable[EventLike], until: int | None = None
) -> list[TreeRow]:
    """One row a node, in order of creation, after all events with seq <= `until` (None: all)."""
    return list(grow_tree(nodes, events, until).rows.values())


def path_to(rows: Sequence[TreeRow], node: int | None) -> list[TreeRow]:
    """The rows from the root to `node`, both included; empty if there is no such node."""
    by_id = {row.id: row for row in rows}
    path: list[TreeRow] = []
    while node is not None and node in by_id:
        path.append(by_id[node])
        node = by_id[node].parent
    return path[::-1]


def find_chosen_node(rows: Sequence[TreeRow]) -> int | None:
    """The node that gives the answer, if one does yet."""
    return next((row.id for row in rows if row.chosen), None)
