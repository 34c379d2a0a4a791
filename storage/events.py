"""Nodes and events on their way in and out: records become Arrow tables, columns become tuples.

Bulk appends go through Arrow because row by row they are a hundred times slower. What cannot be
stored is refused with the record's name: numbers must be finite and text must be valid Unicode (a
lone surrogate is not).
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any, NamedTuple, TypeAlias, TypeVar

import msgspec
import pyarrow as pa
import sqlalchemy as sa
from duckdb_sqlalchemy.bulk import insert_from_arrow

from backend.core.errors import StorageFailure
from backend.core.events import ScoreGiven
from backend.core.records import EventRecord, EventRow, NodeRecord
from backend.core.types import JSON
from storage.rows import NodeFull, NodeRow, ScoreRow
from storage.tables import Event, Node, json_text

NODE_TYPES: dict[str, pa.DataType] = {
    "run_id": pa.int64(),
    "id": pa.int32(),
    "parent_id": pa.int32(),
    "depth": pa.int32(),
    "kind": pa.string(),
    "role": pa.string(),
    "text": pa.string(),
    "token_ids": pa.list_(pa.int32()),
    "logprobs": pa.list_(pa.float64()),
    "finish": pa.string(),
    "done": pa.bool_(),
    "key": pa.string(),
    "seq": pa.int32(),
    "alternatives": pa.string(),
}
EVENT_TYPES: dict[str, pa.DataType] = {
    "run_id": pa.int64(),
    "seq": pa.int32(),
    "t_ms": pa.float64(),
    "kind": pa.string(),
    "node_id": pa.int32(),
    "track": pa.string(),
    "round": pa.int32(),
    "phase": pa.string(),
    "label": pa.string(),
    "value": pa.float64(),
    "data": pa.string(),
}
Events: TypeAlias = Sequence[EventRecord | EventRow]
AnyRow = TypeVar("AnyRow", NodeRow, NodeFull, EventRow)
NODE_SCHEMA, EVENT_SCHEMA = pa.schema(NODE_TYPES), pa.schema(EVENT_TYPES)


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


class Encoded(NamedTuple):
    """A batch as Arrow tables."""

    nodes: pa.Table
    events: pa.Table


def encode(run_id: int, nodes: Sequence[NodeRecord], events: Events) -> Encoded:
    """The records as Arrow, events as a search recorded them or as a file holds them. Raises
    `StorageFailure` naming the record that cannot be stored."""
    try:
        return Encoded(_node_table(run_id, nodes), _event_table(run_id, events))
    except (ValueError, TypeError, OverflowError, pa.ArrowException) as problem:
        culprit = _culprit(run_id, nodes, events)
        raise StorageFailure(f"{culprit} cannot be stored: {problem}") from problem


def append(connection: sa.Connection, encoded: Encoded) -> None:
    """Insert inside the caller's transaction."""
    if encoded.nodes.num_rows:
        insert_from_arrow(connection, Node.__table__, encoded.nodes)
    if encoded.events.num_rows:
        insert_from_arrow(connection, Event.__table__, encoded.events)


def _table(
    schema: pa.Schema,
    run_id: int,
    records: Sequence[object],
    special: dict[str, Callable[[Any], object]],
) -> pa.Table:
    arrays = [pa.array([run_id] * len(records), schema.field(0).type)]
    for field in list(schema)[1:]:
        values = [getattr(record, field.name) for record in records]
        encoder = special.get(field.name)
        arrays.append(
            pa.array(
                values if encoder is None else [encoder(value) for value in values], field.type
            )
        )
    return pa.table(arrays, schema=schema)


def _node_table(run_id: int, nodes: Sequence[NodeRecord]) -> pa.Table:
    return _table(NODE_SCHEMA, run_id, nodes, {"logprobs": _finite_list, "alternatives": _json})


def _event_table(run_id: int, events: Events) -> pa.Table:
    rows = [event.row() if isinstance(event, EventRecord) else event for event in events]
    return _table(EVENT_SCHEMA, run_id, rows, {"t_ms": _finite, "value": _finite, "data": _json})


def _json(value: JSON) -> str | None:
    return None if value is None else json_text(value)


def _finite(value: float | None) -> float | None:
    if value is not None and not math.isfinite(value):
        raise ValueError(f"got the number {value}, accepted: finite numbers")
    return value


def _finite_list(values: Sequence[float] | None) -> Sequence[float] | None:
    if values is not None and not all(map(math.isfinite, values)):
        raise ValueError("got a log-probability that is not finite, accepted: finite numbers")
    return values


def _culprit(run_id: int, nodes: Sequence[NodeRecord], events: Events) -> str:
    """The first record that cannot be encoded on its own."""
    for node in nodes:
        if _fails(_node_table, run_id, node):
            return f"node {node.id} of run {run_id}"
    for event in events:
        if _fails(_event_table, run_id, event):
            return f"event {event.seq} ({event.kind}) of run {run_id}"
    return f"a record of run {run_id}"


def _fails(table: Callable[[int, Any], pa.Table], run_id: int, record: object) -> bool:
    try:
        table(run_id, [record])
    except (ValueError, TypeError, OverflowError, pa.ArrowException):
        return True
    return False


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
