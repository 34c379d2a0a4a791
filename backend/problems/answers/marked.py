"""Forms that their own marks tell: options, scores, matrices, numbers in a base, ratios."""

from __future__ import annotations

import re

from backend.problems.answers.kinds import (
    BaseNumber,
    ChoiceLetter,
    GameScore,
    MatrixValue,
    Proportion,
    Value,
)
from backend.problems.answers.places import split_at
from backend.problems.answers.scalars import Inner, scalar, text_form

_CHOICE = re.compile(r"\(([A-Za-z])\)|([A-Z])[.:)]?|\(?([A-Z])\)|([A-Z])\)")
_CHOICE_TEXT = re.compile(r"(?:\(([A-J])\)\s*[.:]?|([A-J])[.):])\s*(\S.*)")
_BASE = re.compile(
    r"\(?([0-9A-Za-z]{1,200})\)?\s*"
    r"(?:_\s*(?:\{\s*\(?(\w{1,12})\)?\s*\}|(\d{1,2}))|\(?\s*(?:in )?base[- ](\w{1,12})\)?)"
)
_BASES = {"two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9,
          "ten": 10, "twelve": 12, "sixteen": 16}  # fmt: skip
_SCORE = re.compile(r"(\d{1,4}) ?- ?(\d{1,4})")
_MATRIX = re.compile(
    r"\\begin\s*\{\s*([pbBvV]?matrix|array)\s*\}(?:\{[lcr| ]*\})?(.*)\\end\s*\{\s*\1\s*\}",
    re.DOTALL,
)


def read_choice(text: str, inner: Inner) -> Value | None:
    text = re.sub(r"^(?:option|choice)\s+", "", text, flags=re.IGNORECASE)
    if found := _CHOICE.fullmatch(text):
        letter = next(each for each in found.groups() if each)
        if letter.isupper() or (found[1] and letter in "abcdefgh"):
            return ChoiceLetter(letter.upper())
    if found := _CHOICE_TEXT.fullmatch(text):
        return ChoiceLetter(found[1] or found[2], text_form(found[3]))
    return None


def read_score(text: str, inner: Inner) -> Value | None:
    found = _SCORE.fullmatch(text)
    return GameScore(found[1], found[2]) if found else None


def read_matrix(text: str, inner: Inner) -> Value | None:
    found = _MATRIX.fullmatch(text)
    if found is None or found[1].lower() == "vmatrix" or "\\begin" in found[2]:
        return None
    body = re.sub(r"\\hline", " ", found[2]).strip()
    rows = [row.split("&") for row in re.split(r"\\\\", body)]
    if (rows and rows[-1] == [""]) or not rows[-1][0].strip():
        rows.pop()
    entries = [tuple(map(scalar, row)) for row in rows]
    if not rows or len({len(row) for row in rows}) != 1:
        return None
    read_rows = [tuple(each for each in row if each is not None) for row in entries]
    whole = all(len(one) == len(other) for one, other in zip(read_rows, rows, strict=True))
    return MatrixValue(tuple(read_rows)) if whole else None


def read_base(text: str, inner: Inner) -> Value | None:
    found = _BASE.fullmatch(text)
    if found is None:
        return None
    digits, named = found[1].upper(), (found[2] or found[3] or found[4]).casefold()
    base = _BASES.get(named) or (int(named) if named.isdigit() and len(named) <= 2 else 0)
    if not 2 <= base <= 36 or (found[1][0].isalpha() and (len(digits) < 2 or base < 11)):
        return None
    values = [int(each, 36) for each in digits]
    return BaseNumber(digits.lstrip("0") or "0", base) if max(values) < base else None


def read_ratio(text: str, inner: Inner) -> Value | None:
    parts, _ = split_at(text, re.compile(r":|(?<=\d) to (?=\d)"))
    if not 1 < len(parts) <= 20:
        return None
    dotted = parts[-1].strip() == "…"
    found = [scalar(part) for part in (parts[:-1] if dotted else parts)]
    read_parts = tuple(each for each in found if each is not None)
    return Proportion(read_parts, dotted) if len(read_parts) == len(found) > 1 else None
