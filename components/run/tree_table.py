"""The tables that figures and lists are computed from: nodes with everything that events said of
them, up to a moment.

`tree_table` folds the log of a run exactly as the live tree does in the browser: what is seen at
event t is what the events with seq <= t say.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile
from typing import Any, Protocol, TypeVar

from backend.core.events import (
    AnswerChanged,
    Backed,
    EventBody,
    Kept,
    Pruned,
    Resampled,
    ScoreGiven,
)
from backend.core.records import EventRecord
from backend.messages.runs import Node


class EventLike(Protocol):
    """An entry of the log, as the service sends it."""

    @property
    def seq(self) -> int: ...

    @property
    def kind(self) -> str: ...

    @property
    def node_id(self) -> int | None: ...

    @property
    def track(self) -> str: ...

    @property
    def round(self) -> int: ...

    @property
    def value(self) -> float | None: ...

    @property
    def data(self) -> Mapping[str, Any] | None: ...


@dataclass(frozen=True)
class TreeRow:
    """A node as it stood at a moment. `score` is the verifier's value in [0, 1] or None, `reason`
    why there is none."""

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
    visits: int = 0
    chosen: bool = False

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


Changes = dict[int, dict[str, Any]]
Logged = TypeVar("Logged", bound=EventLike)


def up_to(events: Iterable[Logged], until: int | None) -> Iterator[Logged]:
    """The events of a moment: those with seq <= `until`, or all of them (None). The log is in order
    of seq."""
    return takewhile(lambda event: until is None or event.seq <= until, events)


def tree_table(
    nodes: Iterable[Node], events: Iterable[EventRecord], until: int | None = None
) -> list[TreeRow]:
    """One row a node, in order of creation, after all events with seq <= `until` (None: all)."""
    rows = {
        node.id: TreeRow(
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
        for node in nodes
        if until is None or node.seq <= until
    }
    changes: Changes = {id_: {} for id_ in rows}
    for event in up_to(events, until):
        _fold(changes, event.body)
    return [replace(row, **changes[row.id]) for row in rows.values()]


def _fold(changes: Changes, body: EventBody) -> None:
    match body:
        case ScoreGiven(node=node, value=value, reason=reason) if node in changes:
            told = None if value is not None else reason or "no score"
            changes[node] |= {"score": value, "reason": told}
        case Pruned(nodes=nodes):
            _mark(changes, nodes, True)
        case Kept(nodes=nodes):
            _mark(changes, nodes, False)
        case Resampled(particles=particles, ancestors=ancestors):
            alive = {particles[slot] for slot in ancestors}
            _mark(changes, [particle for particle in particles if particle not in alive], True)
            _mark(changes, alive, False)
        case Backed(path=path):
            for node in path:
                if node in changes:
                    changes[node]["visits"] = changes[node].get("visits", 0) + 1
        case AnswerChanged(node=node):
            for change in changes.values():
                change.pop("chosen", None)
            if node in changes:
                changes[node]["chosen"] = True


def _mark(changes: Changes, nodes: Iterable[int], pruned: bool) -> None:
    for node in nodes:
        if node in changes:
            changes[node]["pruned"] = pruned


def path_to(rows: Sequence[TreeRow], node: int | None) -> list[TreeRow]:
    """The rows from the root to `node`, both included; empty if there is no such node."""
    by_id = {row.id: row for row in rows}
    path: list[TreeRow] = []
    while node is not None and node in by_id:
        path.append(by_id[node])
        node = by_id[node].parent
    return path[::-1]


def chosen_node(rows: Sequence[TreeRow]) -> int | None:
    """The node that gives the answer, if one does yet."""
    return next((row.id for row in rows if row.chosen), None)
