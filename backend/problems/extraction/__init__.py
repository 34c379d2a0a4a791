"""Finding the answer in what a model wrote.

`extract` reads as the newest version does and says by which rule and where. A run keeps the version
that it was made with: `reader_of(version)` is how it reads answers, for ever.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TypeAlias

from backend.core.errors import BadInput
from backend.core.spec import NEWEST
from backend.problems.extraction.first import extract_as_first
from backend.problems.extraction.reader import extract
from backend.problems.extraction.reading import IN_WORDS, Extraction, ReadBy

Reader: TypeAlias = Callable[[str], Extraction]
"""Reads the answer that a text states."""

READERS: Mapping[int, Reader] = MappingProxyType({1: extract_as_first, 2: extract})
"""How answers were read, by version. A change of what is read is a new version; an old one
stays."""

READER_VERSION = NEWEST.reader


def reader_of(version: int) -> Reader:
    """How a run of that version reads answers. Raises `BadInput` for a version that is unknown."""
    if version not in READERS:
        accepted = ", ".join(map(str, READERS))
        raise BadInput("version of the reader", given=version, accepted=accepted)
    return READERS[version]


def reader_version(spec: Mapping[str, object]) -> int:
    """The version of the reader in the stored settings of a run: 1 where none is named."""
    versions = spec.get("versions")
    named = versions.get("reader", 1) if isinstance(versions, Mapping) else 1
    return named if named in READERS else READER_VERSION


def extract_answer(text: str) -> str | None:
    """The answer that a text states, as the newest version reads it."""
    return extract(text).answer


__all__ = [
    "IN_WORDS",
    "READERS",
    "READER_VERSION",
    "Extraction",
    "ReadBy",
    "Reader",
    "extract",
    "extract_answer",
    "reader_of",
    "reader_version",
]
