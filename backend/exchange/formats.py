"""All formats that an import reads, found in the folder of this file: each declares itself as
`FORMAT`."""

from __future__ import annotations

from collections.abc import Iterator

from backend.core.errors import BadInput
from backend.core.registry import Registry, import_modules
from backend.core.types import JSON
from backend.exchange.archive import is_archive
from backend.exchange.base import BYTES_LIMIT, Format, Imported, ImportHints, within_limit
from backend.exchange.document import UTF_16, decode_text, looks_like_json, read_records, unwrap

BEGINNING = 64 * 2**10
"""Bytes at the beginning of a file by which its format is recognised where it cannot be parsed."""
LOOKED_AT = 50
"""Values of a file by which its format is recognised."""

FORMATS: Registry[Format] = Registry("format of an import")
for _module in import_modules("backend.exchange"):
    _format = getattr(_module, "FORMAT", None)
    if isinstance(_format, Format):
        FORMATS.add(_format.name, _format)


def formats_in_order() -> list[Format]:
    """All formats, in the order in which a file of unknown kind is tried."""
    return sorted(FORMATS.values(), key=lambda one: one.order)


def recognise(content: bytes) -> str | None:
    """The name of the format of a file, by what it holds; by its beginning where it cannot be
    parsed. None where it is of no format."""
    try:
        return next((one.name for one in _fitting(content)), None)
    except BadInput:
        return None


def check_readable(content: bytes) -> None:
    """Raise `BadInput` with the place for a file that was meant to be read, but is text in UTF-16 or
    JSON that was cut off."""
    if is_archive(content):
        return
    try:
        text = decode_text(content)
    except BadInput as problem:
        if problem.given == UTF_16:
            raise
        return
    if looks_like_json(text):
        read_records(content)


def _fitting(content: bytes) -> Iterator[Format]:
    """The formats that a file fits. Raises `BadInput` for a file that is no text."""
    beginning = content[:BEGINNING]
    by_beginning = (one for one in formats_in_order() if one.recognises(beginning))
    if is_archive(content):
        yield from by_beginning
        return
    text = decode_text(content)
    try:
        records = read_records(content)
    except BadInput:
        like_json = looks_like_json(text)
        yield from (one for one in by_beginning if (one.holds is not None) == like_json)
        return
    values = [record.value for record in (*unwrap(records)[:LOOKED_AT], *records[:LOOKED_AT])]
    yield from (one for one in formats_in_order() if one.holds and any(map(one.holds, values)))
    if not any(_is_object(value) for value in values):
        yield from (one for one in by_beginning if one.holds is None)


def _is_object(value: JSON) -> bool:
    return isinstance(value, dict) or (isinstance(value, list) and any(map(_is_object, value)))


def parse_file(name: str, content: bytes, given: ImportHints) -> list[Imported]:
    """The runs of a file. Raises `BadInput` with the place of what is wrong, or naming the
    formats.
    """
    within_limit("the file", "bytes", len(content), BYTES_LIMIT)
    return FORMATS[name].parse(content, given)


__all__ = ["FORMATS", "check_readable", "formats_in_order", "parse_file", "recognise"]
