"""Lists of words in the code."""

from __future__ import annotations


def words(text: str) -> frozenset[str]:
    """The words of a text, separated by space."""
    return frozenset(text.split())
