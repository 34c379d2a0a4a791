"""What the row of a problem file says, under the field names of the benchmarks that people bring.

Names are compared without regard to case, spaces and underscores. The question stands in
`question`, `problem` (MATH, AIME), `input` (Inspect) or `prompt` (verl: chat messages); the right
answer in `answer`, `target` (Inspect), `final_answer`, `ground_truth` (verl: within
`reward_model`), or in the `solution` (MATH: the last box). GSM8K's answer is what follows `####`.
Everything else is ignored.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from backend.core.outside import clean_text
from backend.problems.base import JSON
from backend.problems.extraction import ReadBy, extract

LONGEST_TEXT = 20_000
MOST_ACCEPTED = 100
LARGEST_LEVEL = 100
LARGEST_TOLERANCE = 0.5

QUESTIONS = ("question", "problem", "input", "prompt", "query")
ANSWERS = ("answer", "target", "finalanswer", "expectedanswer", "goldanswer", "correctanswer",
           "groundtruth", "answerkey", "gold", "expected")  # fmt: skip
SOLUTIONS = ("solution", "solutions", "gtsolution")
FIELDS = (
    "question (problem, input, prompt) and answer (target, final_answer, reward_model, solution)"
)

_LEVEL = re.compile(r"(?:level|lvl)?\s*(\d{1,3})(?:\.0+)?", re.IGNORECASE)
_UNKNOWN_LEVEL = re.compile(r"level\s*\?", re.IGNORECASE)
_PLAIN_MARKS = (ReadBy.BOX, ReadBy.TAG, ReadBy.HASHES, ReadBy.MARKER, ReadBy.HEADING)


class FieldError(Exception):
    """A field of a row that cannot be read: its name, what it holds, what is accepted."""

    def __init__(self, field: str, given: object, accepted: str) -> None:
        super().__init__(f"{field}: got {ascii(given)[:80]}, accepted: {accepted}")


class FileFields(NamedTuple):
    """What a row says. `accepted` are all answers that are right, the first one first; empty where
    none is known."""

    question: str
    accepted: tuple[str, ...]
    level: int | None
    tolerance: float | None


def read_fields(row: JSON) -> FileFields:
    """The fields of a row. Raises `FieldError`."""
    if not isinstance(row, Mapping):
        raise FieldError("the row", row, f"an object with {FIELDS}")
    found = {plain_name(str(name)): value for name, value in reversed(list(row.items()))}
    choices = _choices(found.get("choices") or found.get("options"))
    question = _question(found) + "".join(
        f"\n({letter}) {text}" for letter, text in choices.items()
    )
    if len(question) > LONGEST_TEXT:
        raise FieldError("question", f"{len(question)} characters", f"up to {LONGEST_TEXT}")
    accepted = tuple(_letter(answer, choices) for answer in _accepted(found))
    return FileFields(question, accepted, _level(found.get("level")), _tolerance(found))


def plain_name(name: str) -> str:
    """A field's name as names are compared."""
    return name.casefold().replace("_", "").replace(" ", "").replace("-", "")


def _question(found: Mapping[str, JSON]) -> str:
    given = next((found[name] for name in QUESTIONS if found.get(name) not in (None, "")), None)
    text = clean_text(_said(given)).strip()
    if not text:
        raise FieldError("question", given, f"a text: {FIELDS}")
    return text


def _said(given: JSON) -> str:
    """A text, a number as it is written, or what the user said in a list of chat messages."""
    if isinstance(given, str):
        return given
    if isinstance(given, Sequence) and all(isinstance(each, Mapping) for each in given):
        asked = [each for each in given if each.get("role", "user") == "user"]
        return "\n\n".join(_content(each.get("content")) for each in asked)
    return _number(given) or ""


def _content(given: JSON) -> str:
    """The text of a message, which may be in parts."""
    if isinstance(given, Sequence) and not isinstance(given, str):
        parts = (each.get("text") for each in given if isinstance(each, Mapping))
        return "\n".join(each for each in parts if isinstance(each, str))
    return given if isinstance(given, str) else ""


def _number(given: JSON) -> str | None:
    """A number as it is written by hand: 204 for 204.0; None for what is none."""
    if isinstance(given, bool):
        return str(given)
    if isinstance(given, float):
        if not math.isfinite(given):
            return None
        return str(int(given)) if given.is_integer() and abs(given) < 1e15 else repr(given)
    return str(given) if isinstance(given, int) else None


def _accepted(found: Mapping[str, JSON]) -> list[str]:
    """The right answers; those of a worked solution where no field names one."""
    model = found.get("rewardmodel")
    told = [model.get("ground_truth")] if isinstance(model, Mapping) else []
    for given in (*(found.get(name) for name in ANSWERS), *told):
        if answers := _answers("answer", given, _short_answer):
            return answers
    for name in SOLUTIONS:
        if answers := _answers(name, found.get(name), _solved):
            return answers[:1]
    return []


def _answers(field: str, given: JSON, read: Callable[[str], str | None]) -> list[str]:
    if given is None or (isinstance(given, float) and math.isnan(given)):
        return []
    if isinstance(given, Mapping):
        raise FieldError(field, given, "a text, a number, or a list of accepted answers")
    many = given if isinstance(given, Sequence) and not isinstance(given, str) else [given]
    if len(many) > MOST_ACCEPTED:
        raise FieldError(field, f"{len(many)} accepted answers", f"up to {MOST_ACCEPTED}")
    answers = dict[str, None]()
    for each in many:
        text = each if isinstance(each, str) else _number(each)
        if text is None and each is not None:
            raise FieldError(field, given, "a text, a number, or a list of accepted answers")
        if text is not None and (answer := read(clean_text(text))):
            answers[answer] = None
    for answer in answers:
        if len(answer) > LONGEST_TEXT:
            raise FieldError(field, f"{len(answer)} characters", f"up to {LONGEST_TEXT}")
    return list(answers)


def _short_answer(text: str) -> str | None:
    """The answer alone: after `####`, or in the box of a text that has one."""
    if "####" in text:
        text = text.rpartition("####")[2]
    elif "\\boxed" in text:
        text = extract(text).answer or text
    return text.strip() or None


def _solved(text: str) -> str | None:
    """The answer that a worked solution marks; None where it marks none."""
    found = extract(text)
    return found.answer if found.rule in _PLAIN_MARKS else None


def _choices(given: JSON) -> dict[str, str]:
    """The options of a multiple-choice question by their letters."""
    if isinstance(given, Mapping):  # ARC: {"text": [...], "label": [...]}; else {"A": ...}
        texts, labels = given.get("text"), given.get("label")
        pairs = (
            zip(labels, texts, strict=False)
            if isinstance(texts, list) and isinstance(labels, list)
            else given.items()
        )
        return {str(label): _said(text) for label, text in pairs}
    if not isinstance(given, Sequence) or isinstance(given, str):
        return {}
    return {chr(ord("A") + place): _said(text) for place, text in enumerate(given[:26])}


def _letter(answer: str, choices: Mapping[str, str]) -> str:
    """The letter of an option that the file names by its place, from 0."""
    letters = list(choices)
    place = int(answer) if answer.isdecimal() and len(answer) < 3 else len(letters)
    named = answer in choices or answer in choices.values()
    return letters[place] if not named and place < len(letters) else answer


def _level(given: JSON) -> int | None:
    """`5`, `"5"`, `"Level 5"`; MATH has problems of `"Level ?"`, which have none."""
    if given is None or given == "" or (isinstance(given, float) and math.isnan(given)):
        return None
    text = given.strip() if isinstance(given, str) else _number(given) or ""
    if _UNKNOWN_LEVEL.fullmatch(text):
        return None
    match = _LEVEL.fullmatch(text)
    if match is None or not 1 <= int(match[1]) <= LARGEST_LEVEL:
        accepted = f"a whole number from 1 to {LARGEST_LEVEL}, or such as 'Level 5'"
        raise FieldError("level", given, accepted)
    return int(match[1])


def _tolerance(found: Mapping[str, JSON]) -> float | None:
    given = found.get("tolerance")
    if given is None or given == "" or (isinstance(given, float) and math.isnan(given)):
        return None
    try:
        value = float(given)
    except (TypeError, ValueError):
        value = math.nan
    if not 0 < value <= LARGEST_TOLERANCE:
        raise FieldError("tolerance", given, f"a number above 0, up to {LARGEST_TOLERANCE}")
    return value


__all__ = ["FIELDS", "QUESTIONS", "FieldError", "FileFields", "plain_name", "read_fields"]
