r"""What can be an answer: its worth, and what is wrapped around it (`**72**`, `$72$`, `\(72\)`)."""

from __future__ import annotations

import re
from enum import IntEnum
from typing import NamedTuple


class AnswerWorth(IntEnum):
    """How good a text is as an answer: none at all, a story in words, or a value."""

    NONE = 0
    WORDY = 1
    VALUE = 2


class Value(NamedTuple):
    """A possible answer with its place, `text[start:end]`, and its worth."""

    answer: str
    start: int
    end: int
    worth: AnswerWorth


MOST_WORDS = 6
"""Words that may stand with a number (`12 apples in each box`)."""
MOST_NAMES = 3
"""Words that a name may have that is the answer; each begins with a capital."""

_PAIRS = (
    ("**", "**"),
    ("__", "__"),
    ("`", "`"),
    (r"\(", r"\)"),
    (r"\[", r"\]"),
    ("$$", "$$"),
    ("$", "$"),
    ('"', '"'),
    ("“", "”"),
    ("*", "*"),
    ("'", "'"),
)
_HALVES = ("**", "__", "`", "*", "“", "”", '"')
_EMPTY = re.compile(
    r"(?:[.…_?\s\-–—~$#*\"'`]|&nbsp;|\\(?:[,;:!\s]|quad|qquad|[lc]?dots|square|Box|text\s*\{\s*\})|"
    r"\{\s*\})*"
)
_NO_ANSWER = re.compile(
    r"(?:\W|\\text)*(?:unclear|clear|correct|right|wrong|incorrect|obvious|as\s+follows|below|above"
    r"|not\s+(?:clear|known|sure|correct|right|here|given|there|obvious)\b.*|here|asked(?:\s+for)?"
    r"|(?:(?:your|the|my|a)\s+)?(?:final\s+)?answer|required|result|value|number|boxed)"
    r"(?:\s+(?:now|then|here|again|enough))?\W*",
    re.IGNORECASE | re.DOTALL,
)
_WORD = re.compile(r"(?<![\\A-Za-z])[A-Za-zÀ-ÿ]{2,}")
_TEXT_COMMAND = re.compile(r"\\(?:text|mathrm|mbox|textbf)\s*\{[^{}]{0,200}\}")
_COMMAND = re.compile(r"\\[A-Za-z]+")
_SIGN = re.compile(r"[\d\\$=^√π∞%]")
_STORY = re.compile(
    r"(?:the|a|an|our|this|that|these|those|his|her|their|what|how|obtained|found|in|to|as|we|i|it"
    r"|there|you|because)\s",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"[+−-]?\s*(?:\d+(?:,\d{3})*(?:\.\d+)?|\.\d+)")
_LEADING_NUMBER = re.compile(r"\$?\s*([+−-]?(?:\d+(?:,\d{3})*(?:\.\d+)?|\.\d+))(?=[\s%]|$)")
_WHOLE_AND_DOTS = re.compile(r"([+−-]?\d+)\.{2,}")
_LETTER = re.compile(r"\(?[A-H]\)?|\([a-h]\)")


def tells_a_story(text: str) -> bool:
    """Whether it begins as a sentence does (`the sum, that is 12`), not as a value does."""
    return _STORY.match(text) is not None


def has_value(text: str) -> bool:
    """Whether there is a digit, a formula or another sign of a value in it."""
    return _SIGN.search(text) is not None


def worth_of(answer: str) -> AnswerWorth:
    """Whether a text can be an answer: it is none if it is empty, a placeholder, or says something
    about the answer (`unclear`)."""
    if _EMPTY.fullmatch(answer) or _NO_ANSWER.fullmatch(answer):
        return AnswerWorth.NONE
    words = len(_WORD.findall(_COMMAND.sub(" ", _TEXT_COMMAND.sub(" ", answer))))
    if has_value(answer):
        return AnswerWorth.VALUE if words <= MOST_WORDS else AnswerWorth.WORDY
    named = words <= 1 or (words <= MOST_NAMES and answer.istitle())
    return AnswerWorth.VALUE if named and not tells_a_story(answer) else AnswerWorth.WORDY


def is_number(answer: str) -> bool:
    """Whether it is a plain decimal number, commas every three digits allowed."""
    return _NUMBER.fullmatch(answer) is not None


def leading_number(answer: str) -> str | None:
    """The plain number that it begins with, without commas; None if it begins otherwise."""
    found = _LEADING_NUMBER.match(answer)
    return None if found is None else found[1].replace(",", "").replace("−", "-")


def stands_alone(answer: str) -> bool:
    """Whether it is a value and nothing else: a number, a formula or the letter of a choice. A
    small letter is one only in brackets: by itself it may as well be the beginning of a word."""
    bare_words = _WORD.findall(_COMMAND.sub(" ", _TEXT_COMMAND.sub(" ", answer)))
    return _LETTER.fullmatch(answer) is not None or (has_value(answer) and not bare_words)


def judge(text: str, start: int, end: int, *, sentence: bool = True) -> Value | None:
    """The answer in `text[start:end]` with its worth, without what is wrapped around it; None where
    it is worth nothing. `sentence`: an exclamation mark at its end is not part of it."""
    start, end = unwrap(text, start, end, sentence=sentence)
    answer = text[start:end].replace("**", "").replace("`", "").strip()
    worth = worth_of(answer)
    return None if worth is AnswerWorth.NONE else Value(answer, start, end, worth)


def unwrap(text: str, start: int, end: int, *, sentence: bool = True) -> tuple[int, int]:
    """The part without space, marks of a sentence at its end, and pairs of signs around it."""
    if sentence and text[start:end].rstrip(" *_`").endswith("!"):
        end = text.rindex("!", start, end)
    before = None
    while before != (start, end):
        before = start, end
        start, end = _without_space(text, start, end)
        for opening, closing in _PAIRS:
            inside = text[start + len(opening) : max(start + len(opening), end - len(closing))]
            if (
                inside.strip()
                and text.startswith(opening, start)
                and text.startswith(closing, end - len(closing))
                and opening not in inside
                and closing not in inside
            ):
                start, end = start + len(opening), end - len(closing)
        start, end = _without_half(text, start, end)
    return start, end


def _without_space(text: str, start: int, end: int) -> tuple[int, int]:
    """Without space, and without what ends a sentence; `0.333...` and `7 p.m.` keep their dots."""
    while start < end and text[start].isspace():
        start += 1
    while end > start:
        sign, before = text[end - 1], text[max(start, end - 4) : end - 1]
        if not (
            sign.isspace()
            or (sign in ",;:" and not before.endswith("\\"))
            or (sign == "." and not before.endswith((".", "\\", "p.m", "a.m")))
            or (sign == "}" and "{" not in text[start:end])
        ):
            break
        end -= 1
    dots = _WHOLE_AND_DOTS.fullmatch(text, start, end)
    return start, dots.end(1) if dots else end


def _without_half(text: str, start: int, end: int) -> tuple[int, int]:
    """Without one half of a pair of signs whose other half stands outside."""
    inside = text[start:end]
    for sign in _HALVES:
        if inside.count(sign) == 1 and len(inside) > len(sign):
            if inside.endswith(sign):
                return start, end - len(sign)
            if inside.startswith(sign):
                return start + len(sign), end
    return start, end
