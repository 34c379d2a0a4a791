"""The reader of version 2: which part of a text states the answer, and which rule reads it
there."""

from __future__ import annotations

import itertools
import re

from backend.problems.extraction.boxes import read_boxes
from backend.problems.extraction.marks import (
    WRONG_AFTER_ALL,
    choose_mark,
    read_alone,
    read_conclusion,
    read_tag,
)
from backend.problems.extraction.reading import Extraction, ReadBy, TextSpan
from backend.problems.extraction.values import leading_number

LONGEST_TEXT = 1_000_000
"""Characters that are read, from the end of the text."""

_THINKING_ENDS = ("</think>", "</thinking>", "<|end_of_thought|>", "[/THINK]")
_THINKING = ("<think>", "<thinking>", "<|begin_of_thought|>", "[THINK]")
_RUN_ON = re.compile(
    r"\n[ \t]{0,20}[#*]{0,6}[ \t]{0,5}(?:(?:new[ \t]|next[ \t])?(?:question|problem|exercise)|Q|human|user"
    r"|<\|im_start\|>|<\|im_end\|>|<\|endoftext\|>)[ \t*]{0,5}(?P<number>\d{1,3})?[ \t*]{0,5}(?::|(?<=\|>))"
    r"|<\|im_end\|>|<\|endoftext\|>|</s>|<\|eot_id\|>",
    re.IGNORECASE,
)
_FIRST = re.compile(r"\b(?:question|problem|exercise|Q)\s{0,5}1\s{0,5}:", re.IGNORECASE)
MOST_CUTS = 2
"""Places at which a text is cut; what follows the last is one piece."""


def extract(text: str) -> Extraction:
    """The answer that a text states, with the rule and the place. Time is linear in the length of
    the text.

    Read is what follows the last `</think>`, up to where the text runs on to a new question. An
    `<answer>` tag comes before a box, a box before a mark in words or `####`, and that before a
    conclusion ("Therefore ... is"). Where a text says two things, no answer is read: different
    boxes in its last statement, or a later sentence with another number than the box.
    """
    part = find_final_part(text)
    if part is None:
        return Extraction(None, ReadBy.UNFINISHED_THINKING, len(text), len(text))
    for begin, stop in cut_statements(text, part):
        if (found := _read(text, begin, stop)) is not None:
            return found
    return Extraction(None, ReadBy.NOTHING, len(text), len(text))


def find_final_part(text: str) -> TextSpan | None:
    """What follows the thinking, or all of a text without any; None where thinking begins and does
    not end."""
    begin = max(
        (at + len(end) for end in _THINKING_ENDS if (at := text.rfind(end)) >= 0), default=0
    )
    if any(text.find(start, begin) >= 0 for start in _THINKING):
        return None
    return TextSpan(max(begin, len(text) - LONGEST_TEXT), len(text))


def cut_statements(text: str, part: TextSpan) -> list[TextSpan]:
    """The part, cut where it runs on to a new question; the first piece is the model's own answer.

    A question at the very beginning is a repetition of the one that was asked, and numbered
    questions from 1 on are steps of one solution.
    """
    begin, cuts, numbered = part.start, list[int](), None
    for mark in _RUN_ON.finditer(text, part.start, part.end):
        if mark["number"]:
            if numbered is None:
                numbered = bool(_FIRST.search(text, begin, mark.end()))
            if numbered:
                continue
        if len(cuts) < MOST_CUTS and text[begin : mark.start()].strip():
            cuts.append(mark.start())
    edges = [begin, *cuts, part.end]
    return [TextSpan(*pair) for pair in itertools.pairwise(edges)]


def _read(text: str, begin: int, stop: int) -> Extraction | None:
    tagged = read_tag(text, begin, stop)
    if tagged is not None:
        return tagged
    boxed = read_boxes(text, begin, stop)
    if boxed is not None:
        return _against_marks(text, boxed, stop)
    return (
        choose_mark(text, begin, stop)
        or read_conclusion(text, begin, stop)
        or read_alone(text, begin, stop)
    )


def _against_marks(text: str, boxed: Extraction, stop: int) -> Extraction:
    """The box, unless a sentence after it marks another number: then that one if the text takes the
    box back, else neither."""
    marked = choose_mark(text, boxed.end, stop)
    if boxed.answer is None or marked is None or marked.answer is None:
        return boxed
    in_box, in_words = leading_number(boxed.answer), leading_number(marked.answer)
    if in_box is None or in_words is None or float(in_box) == float(in_words):
        return boxed
    if WRONG_AFTER_ALL.search(text, boxed.end, marked.start):
        return marked
    return Extraction(None, ReadBy.BOX_AND_MARKER, marked.start, marked.end)
