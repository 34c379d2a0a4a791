"""Marks of an answer other than boxes: words ("the answer is"), headings ("Final Answer"), `####`,
`<answer>` tags, conclusions ("Therefore ... is") and a text that is a value and nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from backend.problems.extraction.boxes import read_boxes
from backend.problems.extraction.reading import Extraction, ReadBy
from backend.problems.extraction.sentences import line_end, skip_opening, value_at
from backend.problems.extraction.values import AnswerWorth, Value, judge, stands_alone

MOST_MARKS = 300
"""Marks of one kind that are tried, from the end of the text."""

_NOUN = (
    r"(?:final\s{1,5}(?:answer|result|solution|value)|(?:correct|right|best)\s{1,5}(?:option|choice)"
    r"|answers?|ans(?=[\s.:=*_\"]))"
)
_OF = r"(?:\s{1,5}(?:to|for|of)\s{1,5}(?:\S{1,30}\s{1,5}){0,8}?\S{1,30}(?=\s{1,5}(?:is|=|should|must)))?"
_ADVERB = (
    r"(?:\s{0,5},?\s{1,5}(?:therefore|thus|hence|then|now|indeed|finally|also|here|in\s+fact),?)?"
)
_VERB = (
    r"(?:is|was|are|equals|becomes|(?:should|must|would|will|has\s+to|can\s+only)\s+be|comes\s+(?:out\s+)?to"
    r"|(?:turns|works)\s+out\s+to\s+be|isn['’]t(?P<negative>))\b"
)
_MARKER = re.compile(
    rf"(?<![A-Za-z\\])(?P<noun>{_NOUN})[\"'*_`)\]]{{0,4}}{_OF}{_ADVERB}"
    rf"\s{{0,5}}[*_`]{{0,3}}(?:{_VERB}|[:=：→⇒]|\.(?=\s*\d)|\s[—–-](?=\s))",
    re.IGNORECASE,
)
_HEADING = re.compile(
    r"(?:^|\n)[ \t#*_>✅🎯0-9.)-]{0,12}(?:(?:the|my)\s{1,3})?(?:final\s{1,3}(?:answer|result)|answer)"
    r"[ \t*_:#✅]{0,12}(?=\r?\n)",
    re.IGNORECASE,
)
_HASHES = re.compile(r"(?<!\#)\#{4}(?!\#)[ \t]{0,20}")
_SECTION = re.compile(r"\d{1,2}[.)]\s|(?:step|part|case|section|problem|question|check)\b", re.I)
_SENTENCE = re.compile(
    r"(?P<value>\$[^$\n]{1,200}\$|\*\*[^*\n]{1,100}\*\*|(?<![\d.,/])[+−-]?\d[\d.,/]{0,100})[ \t]{1,5}is[ \t]{1,5}"
    r"(?:the|our|my)[ \t]{1,5}(?:(?:final|correct|right)[ \t]{1,5})?answer\b",
    re.IGNORECASE,
)
_CONCLUSION = re.compile(
    r"(?:^|[.!?:\n]\s{0,5}|\*\*)(?:(?:therefore|thus|hence|so|consequently|in\s+conclusion"
    r"|in\s+total|altogether|finally|\\therefore)(?![A-Za-z])|∴|(?:the\s)?result(?=\s?[:=])|(?:the\s)?(?:result|solution)"
    r"(?=\sis))",
    re.IGNORECASE,
)
_IS = re.compile(
    r":\s|\s(?:is|are|equals|equal|has|have|gives|get|was|were|makes|=)[\s:]{1,5}|=\s{0,5}|\s=\s{0,5}",
    re.IGNORECASE,
)
_SUPPOSED = re.compile(
    r"\b(?:if|suppose|assume|assuming|whether|unless|say|when|think\s+that|claims?(?:\s+that)?)"
    r"(?:\s+that)?\s+(?:the\s+|our\s+|my\s+)?(?:final\s+|correct\s+)?$",
    re.IGNORECASE,
)
_TAG = re.compile(r"<(final_)?answer>|\[(?:FINAL_)?ANSWER\](?=\s*\S)", re.IGNORECASE)
_TAG_END = re.compile(r"</(?:final_)?answer>|\[/(?:FINAL_)?ANSWER\]", re.IGNORECASE)
WRONG_AFTER_ALL = re.compile(
    r"\b(?:wait|wrong|incorrect|mistake|error|actually|corrected|correction|no|instead|recheck)\b",
    re.IGNORECASE,
)


def read_tag(text: str, begin: int, stop: int) -> Extraction | None:
    """What the last `<answer>` tag that is not empty holds: its box, or its marked answer, or all
    of it."""
    for tag in reversed(list(_TAG.finditer(text, begin, stop))[-MOST_MARKS:]):
        closing = _TAG_END.search(text, tag.end(), stop)
        end = closing.start() if closing else stop
        boxed = read_boxes(text, tag.end(), end)
        if boxed is not None:
            return boxed if boxed.answer is None else boxed._replace(rule=ReadBy.TAG)
        value = choose_mark(text, tag.end(), end)
        if value is not None:
            return value._replace(rule=ReadBy.TAG)
        whole = judge(text, tag.end(), end)
        if whole is not None:
            return Extraction(whole.answer, ReadBy.TAG, whole.start, whole.end)
        stop = tag.start()
    return None


def choose_mark(text: str, begin: int, stop: int) -> Extraction | None:
    """The last marked answer that is a value; else the last in words; None without any."""
    found = sorted(
        (place, rule, value)
        for rule, marks in (
            (ReadBy.MARKER, _markers(text, begin, stop)),
            (ReadBy.HEADING, _headings(text, begin, stop)),
            (ReadBy.HASHES, _hashes(text, begin, stop)),
            (ReadBy.SENTENCE, _sentences(text, begin, stop)),
        )
        for place, value in marks
    )
    for worth in (AnswerWorth.VALUE, AnswerWorth.WORDY):
        for _, rule, value in reversed(found):
            if value.worth is worth:
                return Extraction(value.answer, rule, value.start, value.end)
    return None


def read_conclusion(text: str, begin: int, stop: int) -> Extraction | None:
    """The value of the last sentence that begins with "Therefore" or the like and says what
    something is."""
    for mark in reversed(list(_CONCLUSION.finditer(text, begin, stop))[-MOST_MARKS:]):
        end = line_end(text, mark.end(), min(stop, mark.end() + 300))
        for link in _IS.finditer(text, mark.end(), end):
            value = value_at(text, link.end(), end)
            if value is not None and value.worth is AnswerWorth.VALUE and _begins_with_value(value):
                return Extraction(value.answer, ReadBy.CONCLUSION, value.start, value.end)
    return None


def read_alone(text: str, begin: int, stop: int) -> Extraction | None:
    """The text itself if it is a value and nothing else."""
    if stop - begin > 1_000:
        return None
    value = judge(text, begin, stop)
    if value is None or "\n" in value.answer or not stands_alone(value.answer):
        return None
    return Extraction(value.answer, ReadBy.ALONE, value.start, value.end)


def _markers(text: str, begin: int, stop: int) -> Iterator[tuple[int, Value]]:
    for mark in list(_MARKER.finditer(text, begin, stop))[-MOST_MARKS:]:
        if _SUPPOSED.search(text[max(begin, mark.start() - 60) : mark.start()]):
            continue
        at = mark.end()
        if mark["negative"] is not None:
            at, value = mark.end(), _after_negation(text, mark.end(), stop)
        else:
            value = value_at(text, at, stop)
        if value is not None and "\\boxed" not in value.answer:
            yield mark.start(), value


_INSTEAD = re.compile(r".{0,200}?\b(?:but|rather|it\s+is|it['’]s)\b\s{0,5}", re.IGNORECASE)


def _after_negation(text: str, at: int, stop: int) -> Value | None:
    instead = _INSTEAD.match(text, at, line_end(text, at, stop))
    return value_at(text, instead.end(), stop) if instead else None


def _headings(text: str, begin: int, stop: int) -> Iterator[tuple[int, Value]]:
    for mark in list(_HEADING.finditer(text, begin, stop))[-MOST_MARKS:]:
        value = value_at(text, mark.end(), stop)
        if value is not None and "\\boxed" not in value.answer:
            yield mark.start(), value


def _hashes(text: str, begin: int, stop: int) -> Iterator[tuple[int, Value]]:
    """What follows `####`, unless that is the text of a heading: a few words, or a section's
    number."""
    for mark in list(_HASHES.finditer(text, begin, stop))[-MOST_MARKS:]:
        at = skip_opening(text, mark.end(), stop)
        if _SECTION.match(text, at, stop):
            continue
        value = value_at(text, at, stop)
        if value is None or "\\boxed" in value.answer:
            continue
        if stands_alone(value.answer) or _begins_with_value(value):
            yield mark.start(), value
        elif not text[value.end : stop].strip(" .*_\n") and value.worth is AnswerWorth.VALUE:
            yield mark.start(), value._replace(worth=AnswerWorth.WORDY)


def _sentences(text: str, begin: int, stop: int) -> Iterator[tuple[int, Value]]:
    for mark in list(_SENTENCE.finditer(text, begin, stop))[-MOST_MARKS:]:
        value = judge(text, mark.start("value"), mark.end("value"))
        if value is not None and text[mark.end() : mark.end() + 1] != "?":
            yield mark.start(), value


_VALUE_START = re.compile(r"[+−-]?[\d.$\\({\[√π∞]|[A-Za-z]\s{0,3}=|[A-Za-z]$")


def _begins_with_value(value: Value) -> bool:
    return _VALUE_START.match(value.answer) is not None
