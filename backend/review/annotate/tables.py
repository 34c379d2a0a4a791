"""Labels as one table, a line a label: CSV and Parquet with the same columns.

In CSV, texts that a spreadsheet would compute are quoted (`backend.core.cells`), unless somebody
asks for them as they are. Parquet holds texts as they are.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from backend.core.cells import quote_cell

MOMENT = pa.timestamp("us", tz="UTC")
SCHEMA = pa.schema(
    {
        "id": pa.int64(),
        "run_id": pa.int64(),
        "strategy": pa.string(),
        "model": pa.string(),
        "problem_id": pa.string(),
        "node": pa.int32(),
        "step": pa.int32(),
        "kind": pa.string(),
        "label": pa.string(),
        "category_name": pa.string(),
        "span_start": pa.int32(),
        "span_end": pa.int32(),
        "span_tokens": pa.string(),
        "text": pa.string(),
        "note": pa.string(),
        "author": pa.string(),
        "blind": pa.bool_(),
        "created_at": MOMENT,
        "updated_at": MOMENT,
    }
)
"""`text` is what the label is about: the quoted span, else the step; empty for a whole run.
`span_tokens` is JSON: [[node, first, end], ...]."""

TEXTS = frozenset(field.name for field in SCHEMA if field.type == pa.string())


def csv_bytes(rows: Iterable[Mapping[str, Any]], *, quoted: bool = True) -> bytes:
    """UTF-8 with a line of names; nothing where there is no value. Not `quoted`, texts stand as
    they are."""
    sink = io.StringIO(newline="")
    writer = csv.writer(sink)
    writer.writerow(SCHEMA.names)
    for row in rows:
        writer.writerow([_cell(name, row.get(name), quoted) for name in SCHEMA.names])
    return sink.getvalue().encode()


def _cell(name: str, value: Any, quoted: bool) -> str:
    if value is None:
        return ""
    if name in TEXTS:
        return quote_cell(str(value)) if quoted else str(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def parquet_bytes(rows: Sequence[Mapping[str, Any]]) -> bytes:
    """The same table as Parquet."""
    sink = io.BytesIO()
    pq.write_table(
        pa.Table.from_pylist([dict(row) for row in rows], schema=SCHEMA), sink, compression="zstd"
    )
    return sink.getvalue()


__all__ = ["SCHEMA", "TEXTS", "csv_bytes", "parquet_bytes"]
