"""Reading and grading of plain integers."""

from __future__ import annotations

import re

from backend.problems.base import Grade

_INTEGER = re.compile(r"[+-]?\d{1,18}")


def integer(text: str) -> int | None:
    """The integer that the text is (spaces around it allowed, no separators), or None."""
    text = text.strip()
    return int(text) if _INTEGER.fullmatch(text) else None


def grade_number(expected: str, answer: str | None) -> Grade:
    """Grade of an answer that must be one integer."""
    if answer is None:
        return Grade(False, "no answer was given")
    value = integer(answer)
    if value is None:
        return Grade(False, f"{answer.strip()[:40]!r} is not an integer; the answer is {expected}")
    if value == int(expected):
        return Grade(True, f"{value} is the same integer as {expected}")
    return Grade(False, f"{value} is not {expected}")
