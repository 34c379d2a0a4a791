"""Arrow, through which tables are written: the types of their columns, and records as Arrow tables.

Bulk appends go through Arrow because row by row they are a hundred times slower. What cannot be
stored is refused with the record's name: numbers must be finite and text must be valid Unicode (a
lone surrogate is not). pyarrow takes as long to import as a small run to read, so this module is
imported where something is written.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

import pyarrow as pa
import sqlalchemy as sa
from duckdb_sqlalchemy.bulk import insert_from_arrow

from backend.core.errors import StorageFailure
from backend.core.records import EventRecord, EventRow, NodeRecord
from backend.core.types import JSON
from storage.tables import Event, Link, Node, Score, json_text

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
SCORE_SCHEMA = pa.schema(
    {
        "run_id": pa.int64(),
        "series": pa.string(),
        "node_id": pa.int32(),
        "value": pa.float64(),
        "steps": pa.list_(pa.float64()),
        "reason": pa.string(),
    }
)
LINK_SCHEMA = pa.schema(
    {"run_id": pa.int64(), "src": pa.int32(), "dst": pa.int32(), "kind": pa.string()}
)
Events: TypeAlias = Sequence[EventRecord | EventRow]
NODE_SCHEMA, EVENT_SCHEMA = pa.schema(NODE_TYPES), pa.schema(EVENT_TYPES)


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


def append_scores(connection: sa.Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert later scores, one row of the table each, inside the caller's transaction."""
    if rows:
        table = pa.Table.from_pylist(rows, schema=SCORE_SCHEMA)
        insert_from_arrow(connection, Score.__table__, table)


def append_links(connection: sa.Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert links, one row of the table each, inside the caller's transaction."""
    if rows:
        table = pa.Table.from_pylist(rows, schema=LINK_SCHEMA)
        insert_from_arrow(connection, Link.__table__, table)


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
