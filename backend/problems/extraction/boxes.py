r"""Boxes: `\boxed{5}` and its forms `\boxed {5}`, `\boxed 5`, `\boxed\frac12`, `\fbox{5}`,
`\\boxed{5}`, and what several of them say together.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from backend.problems.extraction.reading import Extraction, ReadBy
from backend.problems.extraction.values import AnswerWorth, unwrap, worth_of

MOST_BOXES = 2_000
"""Boxes that are read, from the end of the text."""

_BOX = re.compile(r"(?<!\\)(\\+)(?:boxed|fbox|framebox)(?![A-Za-z])\s{0,20}(\{)?")
_BRACE = re.compile(r"\\[{}\\]|[{}]")
_TERM = re.compile(
    r"[+−-]?\s{0,5}(?:\\[dt]?frac\s{0,5}(?:\{[^{}\n]{0,200}\}|\d)\s{0,5}(?:\{[^{}\n]{0,200}\}|\d)"
    r"|\\[A-Za-z]{1,20}(?:\s{0,5}\{[^{}\n]{0,200}\}){0,2}|\d[\d,]{0,100}(?:\.\d{1,100})?|[A-Za-z])"
)
_MATH_END = re.compile(r"\$|\\\)|\\\]|\n")
_SIGNS = re.compile(r"\$|\\[()]")
_APART = re.compile(
    r"[.?!]\s|\n|\b(?:but|no|not|rather|instead|wait|actually|so|then|hence|therefore|thus|becomes"
    r"|finally|corrected?)\b|→|⇒|\\(?:to|rightarrow|implies|Rightarrow|therefore)\b",
    re.IGNORECASE,
)


class Box(NamedTuple):
    """A box from `start` to `end`, with its content `text[inner_start:inner_end]`, unwrapped."""

    start: int
    end: int
    inner_start: int
    inner_end: int
    content: str


def read_boxes(text: str, begin: int, stop: int) -> Extraction | None:
    """The content of the last full box. Where the last statement has boxes that differ, or where a
    box holds another one and more, there is no answer and the rule says so. None without a full
    box."""
    full = [
        box for box in boxes_in(text, begin, stop) if worth_of(box.content) is not AnswerWorth.NONE
    ]
    if not full:
        return None
    last = full[-1]
    if _disagree(text, full):
        return Extraction(None, ReadBy.SEVERAL_BOXES, last.start, last.end)
    return Extraction(last.content, ReadBy.BOX, last.inner_start, last.inner_end)


def boxes_in(text: str, begin: int, stop: int) -> list[Box]:
    """The boxes that are closed, in order of their beginnings. One that holds nothing but another
    box is left out."""
    closed = _closing_braces(text, begin, stop)
    found = list(_BOX.finditer(text, begin, stop))[-MOST_BOXES:]
    boxes = [box for each in found if (box := _box(text, each, closed, stop)) is not None]
    places = {(box.start, box.end) for box in boxes}
    return [box for box in boxes if (box.inner_start, box.inner_end) not in places]


def _box(text: str, opened: re.Match[str], closed: dict[int, int], stop: int) -> Box | None:
    start, inside = opened.start(), opened.end()
    if opened[2]:
        if inside - 1 not in closed:
            return None
        end, behind = closed[inside - 1], closed[inside - 1] + 1
    else:
        end = behind = _term_end(text, start, inside, stop)
    inner_start, inner_end = unwrap(text, inside, end, sentence=False)
    content = text[inner_start:inner_end]
    if len(opened[1]) % 2 == 0:  # the text was escaped once more than it should be
        content = content.replace(r"\\", "\\")
    return Box(start, behind, inner_start, inner_end, content)


def _term_end(text: str, start: int, inside: int, stop: int) -> int:
    """Where the content of a box without braces ends: with its formula, or after one term."""
    line = text.rfind("\n", max(0, start - 2_000), start) + 1
    if len(_SIGNS.findall(text, max(line, start - 2_000), start)) % 2:
        closing = _MATH_END.search(text, inside, min(stop, inside + 500))
        if closing and closing[0] != "\n":
            return closing.start()
    term = _TERM.match(text, inside, stop)
    return term.end() if term else inside


def _disagree(text: str, full: list[Box]) -> bool:
    """Whether the last box is not alone with its content: another one is around it with more, or
    stands in the same statement with another."""
    last = full[-1]
    for box in reversed(full[:-1]):
        if box.end >= last.end:
            return box.content != last.content
        if _APART.search(text, box.end, last.start) or last.start - box.end > 300:
            return False
        if box.content != last.content:
            return True
    return False


def _closing_braces(text: str, begin: int, stop: int) -> dict[int, int]:
    """Where each brace that is closed is closed, found in one pass; `\\{` and `\\}` are no braces
    of the box."""
    opened, closed = list[int](), dict[int, int]()
    for brace in _BRACE.finditer(text, begin, stop):
        if brace[0] == "{":
            opened.append(brace.start())
        elif brace[0] == "}" and opened:
            closed[opened.pop()] = brace.start()
    return closed
