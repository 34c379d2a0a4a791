"""Labels as one table, a line a label: CSV and Parquet with the same columns.

A spreadsheet takes a cell that begins with =, +, -, @ or a control character for a formula. So in
CSV a text that begins so is written with an apostrophe before it, and one that begins with an
apostrophe as well: whoever reads the file takes one leading apostrophe off every text column
(`unescape_cell`) and has the text exactly. Parquet holds texts as they are.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

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
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20", "'")


def escape_cell(text: str) -> str:
    """A text as a spreadsheet shows it without computing anything."""
    return "'" + text if text.startswith(FORMULA) else text


def unescape_cell(text: str) -> str:
    """Undo `escape_cell`."""
    return text.removeprefix("'")


def csv_bytes(rows: Iterable[Mapping[str, Any]]) -> bytes:
    """UTF-8 with a line of names; nothing where there is no value."""
    sink = io.StringIO(newline="")
    writer = csv.writer(sink)
    writer.writerow(SCHEMA.names)
    for row in rows:
        writer.writerow([_cell(name, row.get(name)) for name in SCHEMA.names])
    return sink.getvalue().encode()


def _cell(name: str, value: Any) -> str:
    if value is None:
        return ""
    if name in TEXTS:
        return escape_cell(str(value))
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


__all__ = ["SCHEMA", "TEXTS", "csv_bytes", "escape_cell", "parquet_bytes", "unescape_cell"]
