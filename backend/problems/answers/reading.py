"""An answer's text read as a value of one type.

Readers are tried in a fixed order; each reads the whole text or declines. What none reads is text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import lru_cache

from backend.problems.answers import marked, moments, quantities, relations
from backend.problems.answers.kinds import (
    Collection,
    IntervalUnion,
    Measure,
    Percent,
    Scalar,
    Text,
    Value,
    ValueInterval,
)
from backend.problems.answers.places import is_wrapped, join_thousands, split_at
from backend.problems.answers.scalars import Inner, as_spans, is_wordy, scalar, text_form
from backend.problems.answers.tidy import tidy

LONGEST_ANSWER = 2_000
DEEPEST = 8
MOST_ITEMS = 64
_SEPARATOR = re.compile(r",\s*(?:and|or)\b|\b(?:and|or)\b|[,;∧]", re.IGNORECASE)


@lru_cache(maxsize=8_192)
def read(text: str) -> Value:
    """The value that an answer is. Never raises; what is too long is text."""
    if len(text) > LONGEST_ANSWER:
        return Text(text_form(text), wordy=False)
    tidied = join_thousands(tidy(text))
    return read_value(tidied, 0) or Text(text_form(tidied), is_wordy(tidied))


def read_value(text: str, depth: int) -> Value | None:
    """The value of a tidied text, or None if it is plain text."""
    text = text.strip()
    if not text or depth > DEEPEST:
        return None
    for reader in READERS:
        found = reader(text, Inner(read_value, depth + 1))
        if found is not None:
            return found
    return None


def read_list(text: str, inner: Inner) -> Value | None:
    """Answers side by side: `5, 6`, `5 or 6`, `x=5 or x=6`, `A, B and C`."""
    text = re.sub(r"^(?:either|both)\s+(?=.*\b(?:or|and)\b)", "", text)
    parts, marks = split_at(text, _SEPARATOR)
    if not 1 < len(parts) <= MOST_ITEMS:
        return None
    items = [inner.item(part) for part in parts]
    found = [item for item in items if item is not None]
    return relations.join(found, marks) if len(found) == len(items) else None


def read_bracketed(text: str, inner: Inner) -> Value | None:
    """What stands in brackets as a whole: tuple, set, interval, or the value inside."""
    if text.replace(" ", "") in ("∅", "❴❵", "{}"):
        return Collection("set", ())
    if span := _read_span(text):
        return span
    for opening, closing, shape in (
        ("(", ")", "tuple"), ("❴", "❵", "set"), ("{", "}", "set"), ("⟨", "⟩", "tuple"),
        ("[", "]", "square"),
    ):  # fmt: skip
        if is_wrapped(text, opening, closing):
            return _read_inside(text[1:-1].strip(), shape, inner)
    return None


def _read_inside(inside: str, shape: str, inner: Inner) -> Value | None:
    if shape == "set" and (
        found := re.fullmatch(r"([a-z])(?:∈\\mathbb\s*\{?R\}?)?\s*[|:]\s*(.+)", inside)
    ):
        told = inner.value(found[2])
        return told if isinstance(told, IntervalUnion) and told.name == found[1] else None
    parts, _ = split_at(inside, re.compile(r"[,;]"))
    if not 1 <= len(parts) <= MOST_ITEMS:
        return None
    if len(parts) == 1:
        item = inner.value(inside)
        return Collection("set", (item,)) if item is not None and shape == "set" else item
    items = [inner.item(part) for part in parts]
    found_items = tuple(item for item in items if item is not None)
    return Collection(shape, found_items) if len(found_items) == len(items) else None


def _read_span(text: str) -> IntervalUnion | None:
    """An interval that its brackets or an infinite bound make one."""
    if len(text) < 5 or text[0] not in "([]" or text[-1] not in ")][":
        return None
    round_pair = text[0] == "(" and text[-1] == ")"
    parts, _ = split_at(text[1:-1], re.compile(r"[,;]"))
    if len(parts) != 2 or (round_pair and "∞" not in text):
        return None
    low, high = (scalar(part) for part in parts)
    if low is None or high is None:
        return None
    low_closed, high_closed = text[0] == "[", text[-1] == "]"
    return IntervalUnion((ValueInterval(low, high, low_closed, high_closed),))


def read_union(text: str, inner: Inner) -> Value | None:
    if re.fullmatch(r"\\mathbb\s*\{?\s*R\s*\}?|ℝ", text):
        return _read_span("(-∞,∞)")
    parts, _ = split_at(text, re.compile(r"∪|(?<=[\])]) ?U ?(?=[\[(])"))
    if len(parts) < 2 or len(parts) > MOST_ITEMS:
        return None
    spans = list[ValueInterval]()
    for part in parts:
        span = as_spans(inner.value(part))
        if span is None or span.name is not None:
            return None
        spans.extend(span.parts)
    return relations.union(spans, None)


def read_either_sign(text: str, inner: Inner) -> Value | None:
    if text.count("±") != 1:
        return None
    items = [inner.value(text.replace("±", sign)) for sign in "+-"]
    found = tuple(item for item in items if isinstance(item, Scalar | Measure | Percent))
    return Collection("list", found) if len(found) == 2 else None


def read_scalar(text: str, inner: Inner) -> Value | None:
    return scalar(text)


READERS: Sequence[Callable[[str, Inner], Value | None]] = (
    moments.read_clock,
    moments.read_day,
    marked.read_score,
    marked.read_choice,
    marked.read_matrix,
    marked.read_base,
    read_list,
    relations.read_relation,
    read_union,
    read_bracketed,
    marked.read_ratio,
    quantities.read_percent,
    quantities.read_money,
    read_either_sign,
    quantities.read_quantity,
    read_scalar,
)
"""In this order: a reader that recognises a form by its marks comes before one that would also
accept it as an expression."""
