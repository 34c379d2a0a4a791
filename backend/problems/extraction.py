"""Finding the answer in what a model wrote."""

from __future__ import annotations

import re

LONGEST_TEXT = 100_000
BOX = "\\boxed{"
_MARKER = re.compile(r"(?:the\s+)?(?:final\s+)?answer\s*(?:is|=|:)\s*:?\s*(.+)", re.IGNORECASE)
_HASHES = re.compile(r"####\s*(.+)")


def extract_answer(text: str) -> str | None:
    r"""The content of the last balanced `\boxed{...}`; else what follows the last answer marker
    ("answer is", "answer:", "####"); else None.

    Only the last 100,000 characters are read.
    """
    text = text[-LONGEST_TEXT:]
    closed = _closing_braces(text)
    start = text.rfind(BOX)
    while start >= 0:
        inside = start + len(BOX)
        if inside - 1 in closed:
            return text[inside : closed[inside - 1]].strip()
        start = text.rfind(BOX, 0, start)
    for line in reversed(text.splitlines()):
        match = _HASHES.search(line) or _MARKER.search(line[-500:])
        if match:
            return match[1].strip().rstrip(".").strip() or None
    return None


def _closing_braces(text: str) -> dict[int, int]:
    """Where each brace that is closed is closed, found in one pass."""
    opened, closed = list[int](), dict[int, int]()
    for brace in re.finditer(r"[{}]", text):
        if brace[0] == "{":
            opened.append(brace.start())
        elif opened:
            closed[opened.pop()] = brace.start()
    return closed
