"""The rows of a problem file: JSON lines, a JSON array, CSV or Parquet, told apart by what the file
holds and not by its name.

A row's number is its place in the file, from 1: the line of JSON lines, the element of an array,
the record below the header of a CSV file, the row of a Parquet table.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from backend.core.errors import ProblemError
from backend.problems.base import JSON
from backend.problems.file_fields import FIELDS, QUESTIONS, plain_name

MOST_PROBLEMS = 100_000
LARGEST_TABLE_BYTES = 256 << 20
"""Bytes of a Parquet table once unpacked."""
LONGEST_CELL = 1 << 20
BATCH = 256

FORMS = "JSON lines, a JSON array, CSV or Parquet"
WRAPPERS = ("data", "rows", "problems", "questions", "examples", "samples", "instances", "train",
            "test", "items")  # fmt: skip
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")


class Row(NamedTuple):
    """A row with its number, and what errors call its place."""

    number: int
    place: str
    value: JSON


class ProblemTable(NamedTuple):
    """The rows of a file and the ending of a file of its form."""

    ending: str
    rows: Iterator[Row]


def read_table(content: bytes, source: str) -> ProblemTable:
    """The rows of a file, which errors call `source`. Raises `ProblemError` with the place, at once
    or while rows are read."""
    if content.startswith(b"PAR1"):
        return ProblemTable(".parquet", _parquet_rows(content, source))
    text = decode_text(content, source)
    first = text.lstrip()[:1]
    if first == "[":
        return ProblemTable(".json", _array_rows(_parse(text, source), source))
    if first == "{" or not text.strip():
        whole = _one_object(text)
        if whole is not None:
            return ProblemTable(".json", _array_rows(whole, source))
        return ProblemTable(".jsonl", _line_rows(text, source))
    delimiter = _delimiter(text)
    if delimiter is None:
        raise ProblemError(
            f"{source} line 1: got {text.lstrip()[:60]!a}, accepted: {FORMS} with {FIELDS}"
        )
    return ProblemTable(".csv", _csv_rows(text, delimiter, source))


def decode_text(content: bytes, source: str) -> str:
    """The file as text. Raises `ProblemError` that names what else it is."""
    if content.startswith(_UTF_16) or content[:200].count(0) * 3 > len(content[:200]) > 3:
        raise ProblemError(
            f"{source} is text in UTF-16 or UTF-32; accepted: UTF-8 (save the file as UTF-8)"
        )
    if content.startswith((b"PK\x03\x04", b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"BZh")):
        raise ProblemError(f"{source} is compressed; accepted: the file itself, {FORMS}")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ProblemError(
            f"{source} is not UTF-8 at byte {error.start}; accepted: {FORMS}, in UTF-8"
        ) from error


def _parse(text: str, place: str) -> JSON:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        line = f"line {error.lineno}, " if "\n" in text else ""
        raise ProblemError(
            f"{place}: {error.msg} at {line}column {error.colno}; accepted: JSON"
        ) from error
    except (ValueError, RecursionError) as error:
        said = str(error).partition(";")[0] or type(error).__name__
        raise ProblemError(f"{place}: {said}; accepted: JSON") from error


def _one_object(text: str) -> JSON | None:
    """The rows that one JSON object holds; None where every line is an object of its own."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(found, dict):
        return None
    over_lines = [found] if "\n" in text.strip() else None
    return _unwrapped(found) or over_lines


def _unwrapped(found: Mapping[str, JSON]) -> JSON | None:
    """The rows within an answer of the datasets viewer or a table written by columns; None where
    the object is itself a row."""
    names = {plain_name(name): name for name in found}
    for name in WRAPPERS:
        rows = found.get(names.get(name, ""))
        if isinstance(rows, list) and all(isinstance(row, Mapping) for row in rows):
            return [row.get("row", row) for row in rows]
    asked = next((found[names[name]] for name in QUESTIONS if name in names), None)
    columns = {
        name: list(column.values()) if isinstance(column, Mapping) else column
        for name, column in found.items()
    }
    if isinstance(asked, Mapping) or (
        isinstance(asked, list) and all(isinstance(each, str) for each in asked)
    ):
        return [
            {name: each[at] for name, each in columns.items() if isinstance(each, list)
             and at < len(each)}
            for at in range(len(asked))
        ]  # fmt: skip
    return None


def _line_rows(text: str, source: str) -> Iterator[Row]:
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            place = f"{source} line {number}"
            yield Row(number, place, _parse(line, place))


def _array_rows(found: JSON, source: str) -> Iterator[Row]:
    assert isinstance(found, Sequence)
    for number, value in enumerate(found, start=1):
        yield Row(number, f"{source} element {number}", value)


def _delimiter(text: str) -> str | None:
    """What separates the columns of a header that names a question; None where none does."""
    header = text.lstrip().partition("\n")[0]
    for delimiter in ",\t;":
        names = next(csv.reader([header], delimiter=delimiter), [])
        if any(plain_name(name.strip()) in QUESTIONS for name in names):
            return delimiter
    return None


def _csv_rows(text: str, delimiter: str, source: str) -> Iterator[Row]:
    csv.field_size_limit(LONGEST_CELL)
    reader = csv.reader(io.StringIO(text.lstrip(), newline=""), delimiter=delimiter)
    number = 0
    try:
        header = [name.strip() for name in next(reader)]
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue
            number += 1
            place = f"{source} row {number} (line {reader.line_num})"
            if len(cells) > len(header):
                raise ProblemError(
                    f"{place}: got {len(cells)} cells, accepted: {len(header)}, as in the header"
                )
            yield Row(number, place, dict(zip(header, cells, strict=False)))
    except csv.Error as error:
        raise ProblemError(f"{source} line {reader.line_num}: {error}; accepted: CSV") from error


def _parquet_rows(content: bytes, source: str) -> Iterator[Row]:
    import pyarrow as pa
    from pyarrow import parquet

    number = 0
    try:
        file = parquet.ParquetFile(pa.BufferReader(content))
        about = file.metadata
        unpacked = sum(
            about.row_group(group).total_byte_size for group in range(about.num_row_groups)
        )
        if unpacked > LARGEST_TABLE_BYTES:
            raise ProblemError(
                f"{source} has {unpacked} bytes once unpacked; accepted: up to "
                f"{LARGEST_TABLE_BYTES}"
            )
        for batch in file.iter_batches(BATCH):
            for value in batch.to_pylist():
                number += 1
                yield Row(number, f"{source} row {number}", value)
    except (pa.ArrowException, OSError, ValueError) as error:
        said = str(error).partition("\n")[0][:120]
        raise ProblemError(f"{source}: {said}; accepted: a whole Parquet file") from error


__all__ = ["FORMS", "MOST_PROBLEMS", "ProblemTable", "Row", "decode_text", "read_table"]
