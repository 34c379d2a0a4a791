"""A run as Parquet tables: `run.parquet` (one row), `nodes.parquet`, `events.parquet`, in a folder
or a zip archive. Where other verifiers gave scores later, or nodes are linked, `scores.parquet` and
`links.parquet` are beside them.

Columns are those of the store, without the run's number. JSON is kept as text, exactly as it is
stored; times are UTC to the microsecond. The tables hold what the export in JSON lines holds and
pass the same checks when they are read.
"""

from __future__ import annotations

import hashlib
import io
import shutil
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import ValidationError
from pydantic_core import from_json

from backend.core.errors import BadInput, StorageFailure
from backend.core.records import EventRow, NodeRecord
from backend.core.types import JSON
from backend.exchange.archive import members
from backend.exchange.base import (
    BYTES_LIMIT,
    EVENT_LIMIT,
    NODE_LIMIT,
    Imported,
    LaterScore,
    LinkRecord,
    within_limit,
)
from storage.arrow import EVENT_TYPES, LINK_SCHEMA, NODE_TYPES, SCORE_SCHEMA
from storage.beside import Beside
from storage.export import OWN, in_todays_terms, run_fields, sound, version_of
from storage.lines import (
    BESIDE_LIMIT,
    FORMAT,
    TYPED,
    VERSION,
    EventLine,
    Line,
    LinkLine,
    NodeLine,
    RunLine,
    ScoreLine,
)
from storage.rows import NodeFull, RunRow
from storage.tables import json_text

RUN, NODES, EVENTS = NAMES = ("run.parquet", "nodes.parquet", "events.parquet")
SCORES, LINKS = BESIDE = ("scores.parquet", "links.parquet")
VALUES = 20_000_000
"""Entries of one column, those of lists counted one by one."""
TEXTS, MOMENT = pa.string(), pa.timestamp("us", tz="UTC")
JSON_COLUMNS = {
    RUN: ("spec", "manifest", "ledger", "forked_from", "problem"),
    NODES: ("alternatives",),
    EVENTS: ("data",),
    SCORES: (),
    LINKS: (),
}
RUN_TYPES: dict[str, pa.DataType] = {
    "format": TEXTS,
    "version": pa.int32(),
    "problem": TEXTS,
    **dict.fromkeys(RunLine.model_fields, TEXTS),
    "seed": pa.int64(),
    "correct": pa.bool_(),
    "chosen_node": pa.int32(),
    "limit_value": pa.float64(),
    "created_at": MOMENT,
    "finished_at": MOMENT,
}
SCHEMAS: dict[str, pa.Schema] = {
    RUN: pa.schema(RUN_TYPES),
    NODES: pa.schema({name: kind for name, kind in NODE_TYPES.items() if name != "run_id"}),
    EVENTS: pa.schema({name: kind for name, kind in EVENT_TYPES.items() if name != "run_id"}),
    SCORES: SCORE_SCHEMA.remove(0),
    LINKS: LINK_SCHEMA.remove(0),
}
LATER_COLUMNS = ("limit_axis", "limit_value")
"""Columns of a run that a table may lack: they came with version 3, and are written only there."""
AnyLine = TypeVar("AnyLine", bound=Line)


class Header(RunLine):
    """The row of the run table."""

    format: str
    version: int
    problem: dict[str, Any] | None


def tables(
    run: RunRow, nodes: Sequence[NodeFull], events: Sequence[EventRow], beside: Beside
) -> dict[str, bytes]:
    """The files by name; those of what stands beside the log only where there is any."""
    more = {
        name: _table(name, records) for name, records in zip(BESIDE, beside, strict=True) if records
    }
    version = version_of(run, beside)
    row = {
        **run_fields(run),
        "created_at": run.created_at,
        "finished_at": run.finished_at,
        "format": FORMAT,
        "version": version,
    }
    return {
        RUN: _table(RUN, [{**row, "problem": run.problem}]),
        NODES: _table(NODES, nodes),
        EVENTS: _table(EVENTS, events),
        **more,
    }


def _table(name: str, records: Sequence[Any]) -> bytes:
    columns, schema = [], SCHEMAS[name]
    for column in LATER_COLUMNS if name == RUN and records[0]["version"] < TYPED else ():
        schema = schema.remove(schema.get_field_index(column))
    for field in schema:
        values = [
            record[field.name] if isinstance(record, dict) else getattr(record, field.name)
            for record in records
        ]
        if field.name in JSON_COLUMNS[name]:
            values = [None if value is None else json_text(value) for value in values]
        columns.append(pa.array(values, field.type))
    sink = io.BytesIO()
    pq.write_table(pa.table(columns, schema=schema), sink, compression="zstd")
    return sink.getvalue()


def archive(files: Mapping[str, bytes]) -> bytes:
    """The files as one zip archive, which is always the same for the same files."""
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name), content)
    return sink.getvalue()


def write(
    path: Path, run: RunRow, nodes: Sequence[NodeFull], events: Sequence[EventRow], beside: Beside
) -> None:
    """Write an archive where the path ends in `.zip`, else a new folder: first under another name,
    so that half of it is never taken for whole."""
    part, files = path.with_name(path.name + ".part"), tables(run, nodes, events, beside)
    if path.is_dir():
        raise BadInput(
            "folder of the export",
            given=str(path),
            accepted="a folder that does not exist yet, or a path that ends in .zip",
        )
    try:
        if path.suffix == ".zip":
            part.write_bytes(archive(files))
        else:
            shutil.rmtree(part, ignore_errors=True)
            part.mkdir()
            for name, content in files.items():
                (part / name).write_bytes(content)
        part.replace(path)
    except OSError as problem:
        raise StorageFailure(
            f"the export {path} cannot be written: {problem.strerror}"
        ) from problem


def read(path: Path) -> bytes:
    """A folder as the archive that it could have been. Raises `BadInput` saying what cannot be
    read."""
    try:
        more = [name for name in BESIDE if (path / name).exists()]
        return archive({name: (path / name).read_bytes() for name in (*NAMES, *more)})
    except OSError as problem:
        raise BadInput(
            "export folder",
            given=str(path),
            accepted=f"a folder with {', '.join(NAMES)} ({problem.strerror})",
        ) from problem


def parse(content: bytes, name: str) -> Imported:
    """Read and check an archive called `name`. Raises `BadInput` naming the table and row."""
    files = members(
        content, lambda member: member in (*NAMES, *BESIDE), 4 * BYTES_LIMIT, others=False
    )
    missing = [each for each in NAMES if each not in files]
    if missing:
        raise BadInput(name, given=f"an archive without {missing[0]}", accepted=", ".join(NAMES))
    headers = _lines(RUN, files[RUN], Header, 1)
    if len(headers) != 1 or headers[0].format != FORMAT or not 1 <= headers[0].version <= VERSION:
        given = [(header.format, header.version) for header in headers]
        raise BadInput(
            RUN, given=given, accepted=f"one row of format {FORMAT}, version 1 to {VERSION}"
        )
    run = RunLine.model_validate({each: getattr(headers[0], each) for each in RunLine.model_fields})
    nodes = [NodeRecord(**dict(line)) for line in _lines(NODES, files[NODES], NodeLine, NODE_LIMIT)]
    events = [
        EventRow(**dict(line)) for line in _lines(EVENTS, files[EVENTS], EventLine, EVENT_LIMIT)
    ]
    if headers[0].version < TYPED:
        run = in_todays_terms(run, events)
    source: dict[str, JSON] = {
        "format": OWN[1],
        "sha256": hashlib.sha256(content).hexdigest(),
        "bytes": len(content),
        "file": name,
    }
    scores = (
        [
            LaterScore(**dict(line))
            for line in _lines(SCORES, files[SCORES], ScoreLine, BESIDE_LIMIT)
        ]
        if SCORES in files
        else []
    )
    links = (
        [LinkRecord(**dict(line)) for line in _lines(LINKS, files[LINKS], LinkLine, BESIDE_LIMIT)]
        if LINKS in files
        else []
    )
    return sound(run, headers[0].problem, nodes, events, source, _place, Beside(scores, links))


def _place(kind: str, index: int) -> str:
    return RUN if kind == "run" else f"row {index} of {kind}.parquet"


def _lines(name: str, content: bytes, model: type[AnyLine], limit: int) -> list[AnyLine]:
    """The rows of a table, each checked. Raises `BadInput`."""
    found: list[AnyLine] = []
    try:
        for row in _rows(name, content, limit):
            found.append(_check(name, len(found), row, model))
    except (pa.ArrowException, OSError, ValueError, OverflowError) as problem:
        raise BadInput(
            name,
            given=f"{type(problem).__name__}: {str(problem)[:100]}",
            accepted="a whole Parquet table",
        ) from problem
    return found


def _check(name: str, index: int, row: dict[str, Any], model: type[AnyLine]) -> AnyLine:
    where = f"row {index} of {name}"
    plain: dict[str, Any] = {
        column: tuple(value) if isinstance(value, list) else value for column, value in row.items()
    }
    for column in JSON_COLUMNS[name]:
        if plain[column] is not None:
            try:
                plain[column] = from_json(plain[column], allow_inf_nan=False)
            except ValueError as problem:
                raise BadInput(
                    f"{column} in {where}",
                    given=ascii(plain[column])[:80],
                    accepted=f"JSON ({problem})",
                ) from problem
    try:
        return model.model_validate(plain)
    except ValidationError as problem:
        first = problem.errors(include_url=False)[0]
        column = ".".join(map(str, first["loc"]))
        raise BadInput(
            f"{column} in {where}", given=ascii(first["input"])[:80], accepted=first["msg"]
        ) from problem


def _rows(name: str, content: bytes, limit: int) -> Iterator[dict[str, Any]]:
    """The rows of a table whose columns are those expected. What a small file would unpack to is
    bounded before it is unpacked."""
    schema = SCHEMAS[name]
    given = pq.ParquetFile(pa.BufferReader(content)).schema_arrow
    for later in LATER_COLUMNS if name == RUN else ():
        if later not in given.names:
            schema = schema.remove(schema.get_field_index(later))
    for column in {*schema.names, *given.names}:
        kinds = [
            _kind(one.field(column).type) if column in one.names else "no such column"
            for one in (given, schema)
        ]
        if kinds[0] != kinds[1]:
            raise BadInput(
                f"column {ascii(column)[:80]} of {name}", given=kinds[0], accepted=kinds[1]
            )
    texts = [field.name for field in schema if field.type == TEXTS]
    file = pq.ParquetFile(pa.BufferReader(content), read_dictionary=texts)
    within_limit(name, "rows", file.metadata.num_rows, limit)
    groups = [file.metadata.row_group(index) for index in range(file.num_row_groups)]
    for column in range(file.metadata.num_columns):
        within_limit(
            name,
            "entries of a column",
            sum(group.column(column).num_values for group in groups),
            VALUES,
        )
    within_limit(
        name, "bytes unpacked", sum(group.total_byte_size for group in groups), 8 * BYTES_LIMIT
    )
    characters = 0
    for batch in file.iter_batches(batch_size=4096):
        characters += sum(_characters(batch.column(column)) for column in texts)
        within_limit(name, "bytes of text", characters, 8 * BYTES_LIMIT)
        yield from batch.to_pylist()


def _kind(kind: pa.DataType) -> str:
    """A column's type in words; what a list calls its entries does not matter."""
    return f"list of {kind.value_type}" if pa.types.is_list(kind) else str(kind)


def _characters(column: pa.Array) -> int:
    """Bytes of the texts of a column, repeated ones counted again."""
    import pyarrow.compute as pc  # its import costs more than opening a store

    if not pa.types.is_dictionary(column.type):
        return int(column.nbytes)
    return int(pc.sum(pc.take(pc.binary_length(column.dictionary), column.indices)).as_py() or 0)


__all__ = ["NAMES", "archive", "parse", "read", "tables", "write"]
