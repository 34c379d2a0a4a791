"""All formats that an import reads, found in the folder of this file: each declares itself as
`FORMAT`."""

from __future__ import annotations

from backend.core.registry import Registry, import_modules
from backend.exchange.base import BYTES_LIMIT, Format, Imported, ImportHints, within_limit

BEGINNING = 64 * 2**10
"""Bytes at the beginning of a file by which its format is recognised."""

FORMATS: Registry[Format] = Registry("format of an import")
for _module in import_modules("backend.exchange"):
    _format = getattr(_module, "FORMAT", None)
    if isinstance(_format, Format):
        FORMATS.add(_format.name, _format)


def formats_in_order() -> list[Format]:
    """All formats, in the order in which a file of unknown kind is tried."""
    return sorted(FORMATS.values(), key=lambda one: one.order)


def recognise(content: bytes) -> str | None:
    """The name of the first format that the beginning of a file fits, or None."""
    beginning = content[:BEGINNING]
    return next((one.name for one in formats_in_order() if one.recognises(beginning)), None)


def parse_file(name: str, content: bytes, given: ImportHints) -> list[Imported]:
    """The runs of a file. Raises `BadInput` with the place of what is wrong, or naming the
    formats.
    """
    within_limit("the file", "bytes", len(content), BYTES_LIMIT)
    return FORMATS[name].parse(content, given)


__all__ = ["FORMATS", "formats_in_order", "parse_file", "recognise"]
