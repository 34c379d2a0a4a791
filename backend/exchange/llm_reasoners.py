"""LLM Reasoners: a `TreeLog` as its own encoder writes it, `json.dumps(log, cls=TreeLogEncoder)`.

A log holds one snapshot of the whole tree an iteration (one in all for beam search and depth-first
search). Nodes carry a state, edges what the search said of the step: `Q`, `reward`, `action`. A
state that is filled in later counts with what it is in the end; a number that changes is logged
again: as a score where it lies in [0, 1], else (Q is a sum of rewards by default) as a remark.
Visits are not in the file and are not made up.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from backend.core.errors import BadInput
from backend.core.steps import Remarked, Selected
from backend.core.types import JSON, Node
from backend.exchange.base import (
    NODE_LIMIT,
    FileRemarks,
    Foreign,
    Format,
    GivenNumber,
    Imported,
    ImportHints,
    MaybeWhole,
    begins,
    decode,
    read_number,
)
from backend.exchange.document import Record, read_records, unwrap
from backend.exchange.transcript import Transcript, some_runs

SCORES = ("Q", "reward")
TEXTS = ("action", "text", "state")


def _as_table(given: object) -> object:
    """What is known of a node or a step as a table; none where it was never filled in."""
    return {} if given is None else {"state": given} if isinstance(given, str) else given


def _by_id(given: object) -> object:
    """A list of nodes or edges by their ids, as a log has them."""
    if not isinstance(given, list):
        return given
    return {
        str(each.get("id", at) if isinstance(each, dict) else at): each
        for at, each in enumerate(given)
    }


Facts = Annotated[dict[str, Any], BeforeValidator(_as_table)]


class LogNode(Foreign):
    """A node with its state, as a table."""

    id: int
    data: Facts = Field(default_factory=dict)
    state: Any = None
    selected_edge: MaybeWhole = None


class LogEdge(Foreign):
    """A step from one node to another, with what the search said of it."""

    id: int
    source: int
    target: int
    data: Facts = Field(default_factory=dict)


class ReasonersSnapshot(Foreign):
    """The tree after an iteration."""

    nodes: Annotated[
        dict[str, LogNode], BeforeValidator(_by_id), Field(min_length=1, max_length=NODE_LIMIT)
    ]
    edges: Annotated[dict[str, LogEdge], BeforeValidator(_by_id)]


class ReasonersLog(Foreign):
    """The file."""

    logs: list[ReasonersSnapshot] = Field(min_length=1)


class ReasonersReading:
    """Nodes so far, by their number in the log, and the scores that were logged last."""

    def __init__(self, trace: Transcript, states: dict[int, dict[str, JSON]]) -> None:
        self.trace, self._states = trace, states
        self._nodes: dict[int, Node] = {}
        self._parents: dict[int, int] = {}
        self._told: dict[tuple[int, str], GivenNumber] = {}

    def take(self, snapshot: ReasonersSnapshot, where: str) -> None:
        """Write down what a snapshot adds to the one before, as one round."""
        into: dict[int, LogEdge] = {}
        known = {node.id for node in snapshot.nodes.values()}
        for key, edge in snapshot.edges.items():
            if edge.target not in known:
                raise BadInput(
                    f"{where}.edges.{key}.target",
                    given=edge.target,
                    accepted="the id of a node of this snapshot",
                )
            if edge.target in into:
                raise BadInput(
                    f"{where}.edges.{key}.target",
                    given=edge.target,
                    accepted="a node that no other edge leads to",
                )
            into[edge.target] = edge
        roots = [node.id for node in snapshot.nodes.values() if node.id not in into]
        if len(roots) != 1:
            raise BadInput(
                f"{where}.nodes",
                given=f"{len(roots)} nodes that no edge leads to",
                accepted="exactly one, the root",
            )
        self._nodes.setdefault(roots[0], self.trace.root)
        if self._nodes[roots[0]] is not self.trace.root:
            raise BadInput(
                f"{where}.nodes", given=roots[0], accepted="the root of the snapshot before"
            )
        edges = _downwards(roots[0], into.values(), len(snapshot.nodes), where)
        remarks = [
            remark for edge in edges for remark in self._edge(edge, f"{where}.edges.{edge.id}")
        ]
        self.trace.step(notes=[*self._select(snapshot, roots[0]), *remarks])

    def _edge(self, edge: LogEdge, where: str) -> list[Remarked]:
        if self._parents.setdefault(edge.target, edge.source) != edge.source:
            raise BadInput(
                f"{where}.source",
                given=edge.source,
                accepted=f"{self._parents[edge.target]}, as in the snapshot before",
            )
        if edge.target not in self._nodes:
            text = text_of(self._states.get(edge.target, {}), edge.data)
            self._nodes[edge.target] = self.trace.node(
                self._nodes[edge.source], text, f"node {edge.target}", where
            )
        node, remarks = self._nodes[edge.target], list[Remarked]()
        for name in SCORES:
            given = edge.data.get(name)
            if given is None:
                continue
            number = read_number(given)
            if self._told.get((edge.target, name)) == number:
                continue
            self._told[edge.target, name] = number
            if number.value is None or 0.0 <= number.value <= 1.0:
                self.trace.score(node, name, number)
            else:
                remarks.append(Remarked(f"{name} = {number.value!r}", (node,)))
        return remarks

    def _select(self, snapshot: ReasonersSnapshot, root: int) -> list[Selected]:
        """The path along the edges that the log marks as selected."""
        edges = {edge.id: edge for edge in snapshot.edges.values()}
        by_id = {node.id: node for node in snapshot.nodes.values()}
        path, current = [self._nodes[root]], by_id[root]
        while current.selected_edge in edges and len(path) <= len(by_id):
            edge = edges[current.selected_edge]
            if edge.source != current.id:
                break
            current = by_id[edge.target]
            path.append(self._nodes[current.id])
        return (
            [Selected(tuple(path), "the edges that the log marks as selected", ())]
            if len(path) > 1
            else []
        )


def parse(content: bytes, given: ImportHints) -> list[Imported]:
    """A run a log, a round a snapshot."""
    return some_runs([_run(record, given) for record in unwrap(read_records(content))], "$")


def _run(record: Record, given: ImportHints) -> Imported:
    where, remarks = record.where, FileRemarks()
    log = decode(ReasonersLog, record.value, where, remarks)
    states = {
        node.id: node.data for snapshot in log.logs for node in snapshot.nodes.values() if node.data
    }
    reading = ReasonersReading(
        Transcript(
            "llm-reasoners",
            given,
            strategy="llm-reasoners",
            program="llm-reasoners",
            remarks=remarks,
        ),
        states,
    )
    for index, snapshot in enumerate(log.logs):
        reading.take(snapshot, f"{where}.logs[{index}]")
    return reading.trace.finish()


def _downwards(root: int, edges: Iterable[LogEdge], nodes: int, where: str) -> list[LogEdge]:
    """The edges from the root down. Raises `BadInput` where they do not reach every node, as in a
    cycle."""
    below: dict[int, list[LogEdge]] = {}
    for edge in edges:
        below.setdefault(edge.source, []).append(edge)
    found, waiting = list[LogEdge](), [root]
    while waiting:
        layer = [edge for source in waiting for edge in below.get(source, ())]
        found += layer
        waiting = [edge.target for edge in layer]
    if len(found) != nodes - 1 or sum(map(len, below.values())) != len(found):
        raise BadInput(
            f"{where}.edges",
            given=f"{len(found)} of {nodes - 1} nodes below the root are reached",
            accepted="a tree",
        )
    return found


def text_of(state: dict[str, JSON], said: dict[str, JSON]) -> str:
    """What a step says: the action where the log has it, else the newest text of the state, else
    the whole state."""
    for found in (said.get("action"), *(state.get(name) for name in TEXTS)):
        if isinstance(found, str) and found:
            return found
    lines = (
        f"{name}: {value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)}"
        for name, value in state.items()
    )
    return "\n".join(lines)


def _holds(value: JSON) -> bool:
    logs = value.get("logs") if isinstance(value, dict) else None
    return isinstance(logs, list) and all(
        isinstance(each, dict) and {"nodes", "edges"} <= each.keys() for each in logs[:1]
    )


FORMAT = Format(
    "llm-reasoners",
    "LLM Reasoners tree log (JSON)",
    "llm-reasoners",
    lambda beginning: begins(beginning, rb'^\s*\{\s*"logs"\s*:\s*\['),
    parse,
    order=20,
    holds=_holds,
)

__all__ = ["FORMAT"]
