"""A file of another program as what it holds: parsed first, so that formats are told by structure
and not by how a file begins or in which order its keys stand."""

from __future__ import annotations

import json
import re
from typing import NamedTuple

from pydantic_core import from_json

from backend.core.errors import BadInput
from backend.core.types import JSON

UTF_8 = "text in UTF-8"
UTF_16 = "text in UTF-16 or UTF-32"
WRAPPERS = ("results", "runs", "outputs", "records", "rows", "data", "items")
"""Names under which a file holds a list of results."""
_UTF_16_MARKS = (b"\xff\xfe", b"\xfe\xff")
_LIKE_JSON = re.compile(r"\s*(?:\{\s*(?:\"|\}|$)|\[\s*(?:[\[{\"]|$))")
_PLACE = re.compile(r" at line (\d+) column (\d+)$")


class Record(NamedTuple):
    """A value of a file and its place, such as `$`, `$[3]` or `line 3, $`."""

    where: str
    value: JSON


def decode_text(content: bytes) -> str:
    """The file as text, without the mark at its beginning. Raises `BadInput` with the place of the
    first byte that is none."""
    sample = content[:400]
    if content.startswith(_UTF_16_MARKS) or (len(sample) > 3 and sample.count(0) * 3 > len(sample)):
        raise BadInput(
            "line 1 of the file",
            given=UTF_16,
            accepted=f"{UTF_8}: save the file as UTF-8",
        )
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        line = content.count(b"\n", 0, problem.start) + 1
        raise BadInput(
            f"line {line} of the file",
            given=content[problem.start : problem.start + 8],
            accepted=UTF_8,
        ) from problem


def read_records(content: bytes) -> list[Record]:
    """The values that a file of JSON holds: the elements of an array, or of the list that an object
    holds as its results; one value a line of JSON lines; else the one value. Raises `BadInput` with
    line and column."""
    text = decode_text(content)
    try:
        whole = load(text, 1)
    except BadInput:
        lines = [(number, line) for number, line in enumerate(text.split("\n"), 1) if line.strip()]
        if len(lines) < 2 or not _is_value(lines[0][1]):
            raise
        return [Record(f"line {number}, $", load(line, number)) for number, line in lines]
    if isinstance(whole, list):
        return [Record(f"$[{place}]", value) for place, value in enumerate(whole)]
    return [Record("$", whole)]


def unwrap(records: list[Record]) -> list[Record]:
    """The results that the one object of a file holds as a list; the records themselves where it
    holds none."""
    where, found = records[0] if len(records) == 1 else ("", None)
    if isinstance(found, dict):
        for name in WRAPPERS:
            rows = found.get(name)
            if isinstance(rows, list) and rows and all(isinstance(row, dict) for row in rows):
                return [Record(f"{where}.{name}[{at}]", row) for at, row in enumerate(rows)]
    return records


def load(text: str, line: int) -> JSON:
    """The value of a JSON text that begins in that line of the file. Raises `BadInput` with line
    and column."""
    try:
        value: JSON = from_json(text)
    except ValueError as problem:
        if "hex escape" in str(problem):
            return _load_halves(text, line)
        place = _PLACE.search(str(problem))
        at = (int(place[1]) + line - 1, int(place[2])) if place else (line, 1)
        said = str(problem)[: place.start()] if place else str(problem)
        raise _broken(*at, text[:40], said) from problem
    return value


def looks_like_json(text: str) -> bool:
    """Whether a text that is no JSON was meant to be: it begins as an object or a list of values
    does."""
    return _LIKE_JSON.match(text[:4096]) is not None


def _load_halves(text: str, line: int) -> JSON:
    """The same for a text with halves of characters, which become signs of their own later."""
    try:
        value: JSON = json.loads(text)
    except json.JSONDecodeError as problem:
        raise _broken(problem.lineno + line - 1, problem.colno, text[:40], problem.msg) from problem
    except (ValueError, RecursionError) as problem:
        raise _broken(line, 1, text[:40], str(problem)) from problem
    return value


def _broken(line: int, column: int, given: str, said: str) -> BadInput:
    return BadInput(
        f"line {line}, column {column} of the file", given=given, accepted=f"JSON ({said[:120]})"
    )


def _is_value(line: str) -> bool:
    try:
        return isinstance(load(line, 1), dict | list)
    except BadInput:
        return False


__all__ = [
    "UTF_8",
    "UTF_16",
    "Record",
    "decode_text",
    "load",
    "looks_like_json",
    "read_records",
    "unwrap",
]
