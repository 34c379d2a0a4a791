"""Traces of other programs become runs. One format is one file with a pure reader, bytes to
records; nothing here writes to a store.

`FORMATS` lists them in the order in which a file of unknown kind is tried; plain text comes last,
because every text is one.
"""

from __future__ import annotations

from backend.core.registry import Registry
from backend.exchange.base import (
    BYTES_LIMIT,
    EVENT_LIMIT,
    NODE_LIMIT,
    Format,
    Given,
    Imported,
    within_limit,
)
from backend.exchange.inspect_log import INSPECT
from backend.exchange.its_hub import ITS_HUB
from backend.exchange.llm_reasoners import LLM_REASONERS
from backend.exchange.search_and_learn import SEARCH_AND_LEARN
from backend.exchange.smc import SMC
from backend.exchange.thinking import THINKING
from backend.exchange.treequest import TREEQUEST

BEGINNING = 64 * 2**10

FORMATS: Registry[Format] = Registry("format of an import")
for _each in (TREEQUEST, LLM_REASONERS, SMC, ITS_HUB, INSPECT, SEARCH_AND_LEARN, THINKING):
    FORMATS.add(_each.name, _each)


def recognised(content: bytes) -> str | None:
    """The name of the first format that the beginning of a file fits, or None."""
    return next(
        (name for name, each in FORMATS.items() if each.recognises(content[:BEGINNING])),
        None,
    )


def parsed(name: str, content: bytes, given: Given) -> list[Imported]:
    """The runs of a file. Raises `BadInput` with the place of what is wrong, or naming the
    formats.
    """
    within_limit("the file", "bytes", len(content), BYTES_LIMIT)
    return FORMATS[name].parse(content, given)


__all__ = [
    "EVENT_LIMIT",
    "FORMATS",
    "NODE_LIMIT",
    "Format",
    "Given",
    "Imported",
    "parsed",
    "recognised",
]
