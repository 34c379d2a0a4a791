"""A number or an expression, and plain text: what all other values are made of."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

from backend.problems.answers.expressions import read_expression, value_of
from backend.problems.answers.kinds import (
    Collection,
    IntervalUnion,
    Scalar,
    Text,
    Value,
    ValueInterval,
)
from backend.problems.exact import fold_case

MOST_WORDS = 4
_LOOSE_SPACE = re.compile(r"(?<!\d) | (?!\d)")
_DECIMAL = re.compile(r"[-+]?\s*\d*\.(\d+)")


class Inner(NamedTuple):
    """Reads the parts of a text, one level deeper than the text itself."""

    read: Callable[[str, int], Value | None]
    depth: int

    def value(self, text: str) -> Value | None:
        """The value of a part, or None if it is plain text."""
        return self.read(text, self.depth)

    def item(self, text: str) -> Value | None:
        """The value of a part of a list, or a few plain words."""
        text = text.strip()
        found = self.read(text, self.depth)
        if found is None and text == "…":
            return Text("…", wordy=False)
        plain = text and is_wordy(text) and not re.search(r"\d", text)
        if found is None and plain and len(text.split()) <= MOST_WORDS:
            return Text(text_form(text), wordy=True)
        return found


def text_form(text: str) -> str:
    """Plain text as it is compared: case and loose spaces do not count."""
    return fold_case(_LOOSE_SPACE.sub("", " ".join(text.split())))


def is_wordy(text: str) -> bool:
    """Whether a text is plain words: letters, and no sign of a formula."""
    return bool(re.search(r"[A-Za-z]", text)) and not re.search(r"[\\^_=<>≤≥≠±∪]", text)


def scalar(text: str) -> Scalar | None:
    """A number or an expression, read to its end."""
    text = text.strip()
    tree = read_expression(text)
    if tree is None:
        return None
    decimal = _DECIMAL.fullmatch(text)
    return Scalar(text, tree, value_of(tree), len(decimal[1]) if decimal else None)


def as_spans(value: Value | None) -> IntervalUnion | None:
    """A pair in round brackets as an open interval; intervals as they are."""
    if isinstance(value, IntervalUnion):
        return value
    if isinstance(value, Collection) and value.shape == "tuple" and len(value.items) == 2:
        low, high = value.items
        if isinstance(low, Scalar) and isinstance(high, Scalar):
            return IntervalUnion((ValueInterval(low, high, False, False),))
    return None
