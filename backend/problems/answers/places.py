"""Places in a text that no bracket encloses: where it is split, and where commas join digits."""

from __future__ import annotations

import re

OPENING, CLOSING = "([{❴⟨", ")]}❵⟩"
_GROUPED = re.compile(
    r"(?<![\d.,'_^A-Za-z}])\d{1,3}(?:(?:,\d{3})+|(?: \d{3})+|(?:'\d{3})+)"
    r"(?!\d|[,']\d{1,2}(?!\d)|,\d| \d| ?/|'\d)"
)
_DOTTED = re.compile(r"-?\d{1,3}(?:\.\d{3}){2,}(?:,\d+)?|-?\d{1,3}(?:\.\d{3})+,\d{1,2}")


def outside(text: str) -> list[bool]:
    """For each character, whether no bracket encloses it (brackets themselves are enclosed)."""
    depth, found = 0, list[bool]()
    for each in text:
        if each in OPENING:
            depth += 1
        found.append(depth == 0)
        if each in CLOSING:
            depth = max(0, depth - 1)
    return found


def split_at(text: str, separator: re.Pattern[str]) -> tuple[list[str], list[str]]:
    """The parts between separators that no bracket encloses, and the separators."""
    free = outside(text)
    parts, marks, start = list[str](), list[str](), 0
    for found in separator.finditer(text):
        if free[found.start()]:
            parts.append(text[start : found.start()])
            marks.append(found[0].strip().casefold())
            start = found.end()
    return [*parts, text[start:]], marks


def is_wrapped(text: str, opening: str, closing: str) -> bool:
    """Whether one pair of brackets encloses the whole text."""
    if len(text) < 2 or text[0] != opening or text[-1] != closing:
        return False
    return not any(outside(text)[1:-1])


def join_thousands(text: str) -> str:
    """The text with the marks taken out that group the digits of long numbers. Inside of round and
    square brackets and sets a comma separates."""
    if found := _DOTTED.fullmatch(text):
        return found[0].replace(".", "").replace(",", ".")
    depth, bracketed = 0, list[bool]()
    for each in text:
        depth += (each in "([❴⟨") - (each in ")]❵⟩")
        bracketed.append(depth > 0)
    if text.startswith("{") and is_wrapped(text, "{", "}") and "," in text:
        return text
    return _GROUPED.sub(
        lambda found: found[0] if bracketed[found.start()] else re.sub("[, ']", "", found[0]), text
    )
