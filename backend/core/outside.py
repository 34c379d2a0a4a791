"""What comes from outside (models, servers, files) as what can be kept: texts that are Unicode,
numbers that are finite.

This is the one place that says what a store can hold. Engines and imports use it where they read,
and the recorder for what reaches it all the same, so that nothing that a model says loses a run.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, TypeVar

import msgspec
from msgspec.structs import replace

from backend.core.ports import Completion
from backend.core.types import JSON, Alternative, Score

S = TypeVar("S", bound=msgspec.Struct)

UNKEPT: Final = re.compile("[\x00\ud800-\udfff]")
REPLACEMENT: Final = "\N{REPLACEMENT CHARACTER}"


def clean_text(text: str) -> str:
    """The text with pairs of surrogates joined, and U+FFFD for each lone one and for NUL.

    U+2028 and other separators stay: they are text.
    """
    if UNKEPT.search(text) is None:
        return text
    joined = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")
    return UNKEPT.sub(REPLACEMENT, joined) if UNKEPT.search(joined) else joined


def clean_numbers(values: Iterable[float] | None) -> tuple[float, ...] | None:
    """The numbers, or None where one of them is not finite: without it the others would stand at
    the wrong places."""
    found = None if values is None else tuple(values)
    return found if found is not None and all(map(math.isfinite, found)) else None


def clean_json(value: JSON) -> JSON:
    """The same with clean texts in keys and values, and None for numbers that are not finite."""
    if isinstance(value, str):
        return clean_text(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, list):
        return [clean_json(one) for one in value]
    if isinstance(value, Mapping):
        return {clean_text(key): clean_json(one) for key, one in value.items()}
    return value


def clean_texts(struct: S) -> S:
    """The struct with clean texts in its fields; itself where they all are."""
    found = {
        name: clean
        for name in struct.__struct_fields__
        if isinstance(given := getattr(struct, name), str)
        and (clean := clean_text(given)) is not given
    }
    return replace(struct, **found) if found else struct


def clean_completion(completion: Completion) -> Completion:
    """What an engine says, as it can be kept: texts, ids of 32 bits, finite log-probabilities."""
    found = clean_texts(completion)
    if not all(-1 <= token < 2**31 for token in found.token_ids):
        ids = tuple([token if -1 <= token < 2**31 else -1 for token in found.token_ids])
        found = replace(found, token_ids=ids)
    if found.logprobs is not None and (clean := clean_numbers(found.logprobs)) is None:
        found = replace(found, logprobs=clean, alternatives=())
    if any(map(unkept, found.alternatives)):
        found = replace(found, alternatives=tuple(map(clean_alternatives, found.alternatives)))
    return found


def unkept(options: Sequence[Alternative]) -> bool:
    """Whether some alternatives at a position cannot be kept."""
    return any(UNKEPT.search(one.text) or not math.isfinite(one.logprob) for one in options)


def clean_alternatives(options: Sequence[Alternative]) -> tuple[Alternative, ...]:
    """The alternatives at a position with clean texts, without those of no finite number."""
    return tuple(
        one._replace(text=clean_text(one.text)) for one in options if math.isfinite(one.logprob)
    )


def clean_score(score: Score) -> Score:
    """What a verifier says, as it can be kept: without the scores of steps where one is no finite
    number."""
    steps = clean_numbers(score.steps)
    found = score if steps is not None else replace(score, steps=())
    return clean_texts(found)


__all__ = [
    "clean_completion",
    "clean_json",
    "clean_numbers",
    "clean_score",
    "clean_text",
    "clean_texts",
]
