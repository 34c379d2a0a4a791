"""The tables that figures and lists are computed from: nodes with everything that events said of
them, up to a moment.

`tree_table` folds the log of a run exactly as the live tree does in the browser: what is seen at
event t is what the events with seq <= t say.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile
from typing import Any, Protocol, TypeVar


class NodeLike(Protocol):
    """A node without its tokens, as the service sends it."""

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
    nodes: Iterable[NodeLike], events: Iterable[EventLike], until: int | None = None
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
        fold = _FOLDS.get(event.kind)
        if fold is not None:
            fold(changes, event, event.data or {})
    return [replace(row, **changes[row.id]) for row in rows.values()]


def _scored(changes: Changes, event: EventLike, data: Mapping[str, Any]) -> None:
    if event.node_id in changes:
        reason = None if event.value is not None else str(data.get("reason") or "no score")
        changes[event.node_id] |= {"score": event.value, "reason": reason}


def _pruned(changes: Changes, event: EventLike, data: Mapping[str, Any]) -> None:
    _mark(changes, data.get("nodes", ()), True)


def _kept(changes: Changes, event: EventLike, data: Mapping[str, Any]) -> None:
    _mark(changes, data.get("nodes", ()), False)


def _resampled(changes: Changes, event: EventLike, data: Mapping[str, Any]) -> None:
    particles: Sequence[int] = data["particles"]
    alive = {particles[slot] for slot in data["ancestors"]}
    _mark(changes, [particle for particle in particles if particle not in alive], True)
    _mark(changes, alive, False)


def _backed(changes: Changes, event: EventLike, data: Mapping[str, Any]) -> None:
    for node in data.get("path", ()):
        if node in changes:
            changes[node]["visits"] = changes[node].get("visits", 0) + 1


def _answered(changes: Changes, event: EventLike, data: Mapping[str, Any]) -> None:
    for change in changes.values():
        change.pop("chosen", None)
    if event.node_id in changes:
        changes[event.node_id]["chosen"] = True


def _mark(changes: Changes, nodes: Iterable[int], pruned: bool) -> None:
    for node in nodes:
        if node in changes:
            changes[node]["pruned"] = pruned


_FOLDS: Mapping[str, Callable[[Changes, EventLike, Mapping[str, Any]], None]] = {
    "score": _scored,
    "pruned": _pruned,
    "kept": _kept,
    "resampled": _resampled,
    "backed": _backed,
    "answer": _answered,
}


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
