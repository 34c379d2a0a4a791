r"""The answer behind a mark such as "the answer is": where it begins, and where the sentence leaves
it.

A sentence hedges before its answer (`therefore 6`), goes on after it (`72, in total, so the farmer
...`), tells a story first (`the sum, that is 12`) or says what the answer is not (`not 5 but 7`).
Only one line of at most `LONGEST_VALUE` characters is looked at, or one display formula.
"""

from __future__ import annotations

import re

from backend.problems.extraction.values import (
    AnswerWorth,
    Value,
    has_value,
    is_number,
    judge,
    tells_a_story,
)

LONGEST_VALUE = 500
"""Characters that are looked at behind a mark of an answer."""

_OPENING = re.compile(r"(?:\n[ \t]{0,8}-\s|[\s:*_`>•]|=(?=\s)|\#{1,6}\s|✅|👉|→){1,200}")
_HEDGE = re.compile(
    r"(?:therefore|thus|hence|then|so|simply|just|exactly|clearly|now|also|indeed|actually|probably"
    r"|likely|approximately|about|roughly|around|equal\s+to|given\s+by|option|choice"
    r"|the\s+(?:number|value|integer|fraction|point|interval|set|pair|ordered\s+pair|tuple)"
    r"(?=\s+[\d\\$({\[−-]))\b[\s,:]{0,20}|[≈=:]\s{0,20}",
    re.IGNORECASE,
)
_DISPLAY = re.compile(
    r"\$\$(?P<dollars>.{0,500}?)\$\$|\\\[(?P<brackets>.{0,500}?)\\\]"
    r"|(?P<lines>\\begin\{(?P<name>\w{1,20}\*?)\}.{0,500}?\\end\{(?P=name)\})",
    re.DOTALL,
)
_SENTENCE_END = re.compile(
    r"(?:(?<!\.)(?<![ap]\.m)\.|[?!])(?=[\s\"”*_]|$)|\.?\s{0,5}\\{1,2}(?:boxed|fbox)"
)
_DASH = r"(?P<dash>\s(?:[—–]{1,3}\s(?=[A-Za-z])|-{1,3}\s(?=[A-Za-z]{2})))"
_CLAUSE = (
    r"(?P<clause>[;,](?=\s+(?!(?:and|or)\s)[A-Za-z]{2})"
    r"|,(?=\s+(?:and|or)\s+[a-z]{2}|\s?\")|:(?=\s+[A-Za-z\\])|\s(?=\((?:since|because|as|rounded|in|which"
    r"|approx\w*|i\.e|see|from|not|or|the|to|that|using|by|nearest|correct)\b))"
)
_GOES_ON = (
    r"(?P<on>\s(?=(?:because|since|which|where|while|whereas|thus|hence|therefore|after|altogether"
    r"|but|rather|due|as|so|for|if|when|given|in\s+total|and\s+(?:so|the|that|not|we|is)|not"
    r"|instead|by\s+\w+ing)\b))"
)
_LEAVES = re.compile(rf"(?P<end>{_SENTENCE_END.pattern})|{_DASH}|{_CLAUSE}|{_GOES_ON}")
_NEGATED = re.compile(
    r"not\b.{0,200}?(?:\bbut\b|\brather\b|\binstead\b|\bit\s+(?:is|must\s+be|should\s+be)\b"
    r"|\bit['’]s\b)[\s:,]{0,20}",
    re.IGNORECASE,
)
_NOT = re.compile(r"(?:not|never)\b", re.IGNORECASE)
_LINK = re.compile(
    r"(?:\bthat\s+is|\bi\.\s?e\.|\bnamely|\bwhich\s+(?:is|equals|gives|makes)|\bis|\bare|\bequals"
    r"|\bgives|=|:)[\s,:]{1,20}(?=\S{0,50}[\d\\$])",
    re.IGNORECASE,
)
_WRONG = re.compile(
    r"\b(?:is|was|would\s+be|seems)\s+(?:wrong|incorrect|not|false|impossible)\b", re.IGNORECASE
)
_SUM = re.compile(r"([\d\s.,+*/×·÷()−-]{1,200})=([\d\s.,+*/×·÷()−-]{1,200})")
_ONE_NUMBER = re.compile(r"\$[^$]{1,100}\$|[$€£]?\s?(?<![\w.])[+−-]?\d[\d,]*(?:\.\d+)?")
_QUOTED = re.compile(r'"((?:[^"\\\n]|\\.){1,500})"')
_MONEY = re.compile(r"\s*\$\s*[\d.,]+(?:\s|$)")
_CLOSERS = {")": "(", "]": "[", "}": "{"}


def value_at(text: str, at: int, stop: int) -> Value | None:
    """The answer that begins at `at`, or behind what opens it, and ends before `stop`; None where
    nothing there can be one."""
    at = skip_opening(text, at, stop)
    display = _DISPLAY.match(text, at, min(stop, at + 2 * LONGEST_VALUE))
    if display:
        group = display.lastgroup if display["lines"] is None else "lines"
        assert group is not None
        return judge(text, display.start(group), display.end(group))
    if quoted := _QUOTED.match(text, at, stop):
        return judge(text, quoted.start(1), quoted.end(1))
    end = line_end(text, at, min(stop, at + LONGEST_VALUE))
    if negated := _NEGATED.match(text, at, end):
        at = negated.end()
    elif _NOT.match(text, at, end):
        return None
    at = _skip_hedges(text, at, end)
    sentence = _sentence_end(text, at, end)
    if _WRONG.search(text, at, sentence):
        return None
    if tells_a_story(text[at:sentence]) and (told := _read_story(text, at, sentence, end)):
        return told
    return _cut(text, at, end)


def line_end(text: str, at: int, stop: int) -> int:
    """Where the line ends, at `stop` at the latest."""
    end = text.find("\n", at, stop)
    return stop if end < 0 else end


def skip_opening(text: str, at: int, stop: int) -> int:
    """Behind the space, the marks of emphasis and the bullets that begin at `at`."""
    opening = _OPENING.match(text, at, min(stop, at + LONGEST_VALUE))
    return opening.end() if opening else at


def _skip_hedges(text: str, at: int, end: int) -> int:
    while hedge := _HEDGE.match(text, at, end):
        at = skip_opening(text, hedge.end(), end)
    return at


def _sentence_end(text: str, at: int, end: int) -> int:
    for mark in _SENTENCE_END.finditer(text, at, end):
        if not _inside(text[at : mark.start()]):
            return mark.start()
    return end


def _read_story(text: str, at: int, sentence: int, end: int) -> Value | None:
    """The value in a sentence that tells a story first: behind its last "that is", "equals", ":"
    or the like, or from its only number on."""
    for link in reversed(list(_LINK.finditer(text, at, sentence))):
        value = _cut(text, _skip_hedges(text, skip_opening(text, link.end(), end), end), end)
        if value is not None and value.worth is AnswerWorth.VALUE and has_value(value.answer):
            return value
    numbers = list(_ONE_NUMBER.finditer(text, at, sentence))
    return _cut(text, numbers[0].start(), end) if len(numbers) == 1 else None


def _cut(text: str, start: int, end: int) -> Value | None:
    """The answer from `start` to where the sentence leaves it. A question gives none."""
    for mark in _LEAVES.finditer(text, start, end):
        left = text[start : mark.start()]
        if _inside(left):
            continue
        if mark["end"] == "?":
            return None
        if mark["end"] or _may_end(left, text[mark.end() :][:20]):
            end = mark.start()
            break
    return _read_sum(text, start, end) or judge(text, start, end)


def _may_end(left: str, right: str) -> bool:
    """Whether an answer may end here, where the sentence goes on: a value does, and a word does
    before a word that is no name."""
    return bool(left.strip()) and (has_value(left) or right.lstrip(" (")[:1].islower())


def _read_sum(text: str, start: int, end: int) -> Value | None:
    """The result of a sum such as `36 + 36 = 72`: the side that is a number already."""
    found = _SUM.fullmatch(text, start, end)
    if found is None:
        return None
    left, right = found[1].strip(), found[2].strip(" .,")
    if is_number(left) == is_number(right):
        return None
    place = found.start(1) if is_number(left) else found.start(2)
    return judge(text, place, found.end(1) if is_number(left) else found.end(2))


def _inside(left: str) -> bool:
    """Whether a place is within a formula or a bracket that was opened to its left."""
    if left.count("$") % 2 and not _MONEY.match(left):
        return True
    if left.count(r"\(") > left.count(r"\)"):
        return True
    depth = dict.fromkeys("([{", 0)
    for sign in left:
        if sign in depth:
            depth[sign] += 1
        elif sign in _CLOSERS and depth[_CLOSERS[sign]]:
            depth[_CLOSERS[sign]] -= 1
    return any(depth.values())
