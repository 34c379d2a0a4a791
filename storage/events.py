"""Nodes and events on their way out, columns become tuples, and what a run appends at once."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any, NamedTuple, TypeVar

import msgspec

from backend.core.events import ScoreGiven
from backend.core.records import EventRecord, EventRow, NodeRecord
from storage.rows import NodeFull, NodeRow, ScoreRow

AnyRow = TypeVar("AnyRow", NodeRow, NodeFull, EventRow)


class ArrowBatch(NamedTuple):
    """What a run appends in one transaction: nodes first, then the events that name them."""

    run_id: int
    nodes: Sequence[NodeRecord]
    events: Sequence[EventRecord]

    def newer_than(self, node_id: int, seq: int) -> ArrowBatch:
        """The part that is not stored yet."""
        return ArrowBatch(
            self.run_id,
            [node for node in self.nodes if node.id > node_id],
            [event for event in self.events if event.seq > seq],
        )


def _loads(texts: Iterable[str | None]) -> list[Any]:
    """Many JSON texts in one call of the parser, which is several times as fast as one call each.

    The fast parser accepts all that `encode` stores. A file that somebody tampered with may hold
    NaN, which `verify_run` has to see.
    """
    whole = "[" + ",".join("null" if text is None else text for text in texts) + "]"
    try:
        decoded: list[Any] = msgspec.json.decode(whole)
    except (msgspec.DecodeError, RecursionError):
        decoded = json.loads(whole)
    return decoded


def _rows(row: type[AnyRow], columns: dict[str, list[Any]]) -> list[AnyRow]:
    """One named tuple a row. `tuple.__new__` makes it in C; the class itself would call Python for
    each."""
    return list(
        map(partial(tuple.__new__, row), zip(*(columns[name] for name in row._fields), strict=True))
    )


def node_rows(columns: dict[str, list[Any]]) -> list[NodeRow]:
    return _rows(NodeRow, columns)


def node_fulls(columns: dict[str, list[Any]]) -> list[NodeFull]:
    columns["token_ids"] = [tuple(ids) for ids in columns["token_ids"]]
    columns["logprobs"] = [
        None if values is None else tuple(values) for values in columns["logprobs"]
    ]
    columns["alternatives"] = _loads(columns["alternatives"])
    return _rows(NodeFull, columns)


def event_rows(columns: dict[str, list[Any]]) -> list[EventRow]:
    columns["data"] = _loads(columns["data"])
    return _rows(EventRow, columns)


def score_rows(events: Iterable[EventRecord]) -> list[ScoreRow]:
    """The scores that a run gave, in order of seq."""
    return [
        ScoreRow(event.seq, given.node, given.scorer, given.value, given.steps, given.reason)
        for event in events
        if isinstance(given := event.body, ScoreGiven)
    ]
