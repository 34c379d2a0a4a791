"""The reader of version 1, kept for the runs that were made with it: it is never changed."""

from __future__ import annotations

import re

from backend.problems.extraction.reading import Extraction, ReadBy

LONGEST_TEXT = 100_000
BOX = "\\boxed{"
_MARKER = re.compile(r"(?:the\s+)?(?:final\s+)?answer\s*(?:is|=|:)\s*:?\s*(.+)", re.IGNORECASE)
_HASHES = re.compile(r"####\s*(.+)")


def extract_as_first(text: str) -> Extraction:
    r"""The content of the last balanced `\boxed{...}`; else what follows the last answer marker
    ("answer is", "answer:", "####"); else None.

    Only the last 100,000 characters are read. An empty box is an answer without text.
    """
    before = max(0, len(text) - LONGEST_TEXT)
    tail = text[before:]
    closed = _closing_braces(tail)
    start = tail.rfind(BOX)
    while start >= 0:
        inside = start + len(BOX)
        if inside - 1 in closed:
            end = closed[inside - 1]
            return Extraction(tail[inside:end].strip(), ReadBy.BOX, before + inside, before + end)
        start = tail.rfind(BOX, 0, start)
    return _marked(tail, before) or Extraction(None, ReadBy.NOTHING, len(text), len(text))


def _marked(tail: str, before: int) -> Extraction | None:
    """The answer of the last marked line; None without such a line, or where nothing follows its
    mark."""
    end = len(tail)
    for line in reversed(tail.splitlines(keepends=True)):
        start, end = end - len(line), end - len(line)
        line = line.splitlines()[0]
        hashes = _HASHES.search(line)
        match = hashes or _MARKER.search(line[-500:])
        if match:
            answer = match[1].strip().rstrip(".").strip() or None
            shift = before + start + (0 if hashes else max(0, len(line) - 500))
            rule = ReadBy.NOTHING if answer is None else ReadBy.HASHES if hashes else ReadBy.MARKER
            return Extraction(answer, rule, shift + match.start(1), shift + match.end(1))
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
