r"""Numbers read exactly: integers, fractions and decimals. What is read here is decided without any
algebra system.

Accepted, each with an optional sign and within dollar signs, \( \) or nothing: `12`, `1,234`
(commas every three digits), `0.50`, `.5`, `3/4`, `\frac{3}{4}` (also `\dfrac`, `\tfrac`). Nothing
else: `50%`, `1 1/2`, `3 apples` and `1e3` are not read, so that no meaning is guessed.
"""

from __future__ import annotations

import re
from fractions import Fraction

LONGEST_NUMBER = 500
"""Characters; what is longer is read as text."""

_INTEGER, _GROUPED = r"\d{1,100}", r"\d{1,3}(?:,\d{3}){1,30}"
_PLAIN = re.compile(rf"([+-]?)\s*({_GROUPED}|{_INTEGER}|(?=\.\d))(?:\.(\d{{1,100}}))?")
_RATIO = re.compile(rf"([+-]?)\s*({_INTEGER})\s*/\s*({_INTEGER})")
_FRAC = re.compile(rf"([+-]?)\s*\\[dt]?frac\s*\{{\s*({_INTEGER})\s*\}}\s*\{{\s*({_INTEGER})\s*\}}")
_LOOSE_SPACE = re.compile(r"(?<!\d) | (?!\d)")
_COMMAND = re.compile(r"(\\[A-Za-z]+)")
_WORD = re.compile(r"[A-Za-z]{3}")


def bare(text: str) -> str:
    r"""The text without space around it, a full stop at its end, and one pair of `$` or `\( \)`."""
    text = text.strip().removesuffix(".").strip()
    for opening, closing in (("$", "$"), ("\\(", "\\)")):
        if (
            len(text) > len(opening + closing)
            and text.startswith(opening)
            and text.endswith(closing)
        ):
            text = text[len(opening) : -len(closing)].strip()
    return text


def exact(text: str) -> Fraction | None:
    """The number that the text is, or None if it is not in one of the accepted forms."""
    text = bare(text.replace("−", "-"))
    if m := _PLAIN.fullmatch(text):
        value = Fraction((m[2].replace(",", "") or "0") + (f".{m[3]}" if m[3] else ""))
    elif (m := _RATIO.fullmatch(text) or _FRAC.fullmatch(text)) and int(m[3]):
        value = Fraction(int(m[2]), int(m[3]))
    else:
        return None
    return -value if m[1] == "-" else value


def canonical(answer: str) -> str:
    """The string by which answers are compared without algebra: a reduced fraction for a number,
    else the text without dollar signs and loose spaces.

    A space between two digits stays (`3 1 4` is a list of three). Case is ignored, but not in LaTeX
    commands (`\\delta` is not `\\Delta`), and not in a formula in which a letter stands in both
    sizes (`R^2-r^2`).
    """
    number = exact(answer.replace("$", "")) if len(answer) <= LONGEST_NUMBER else None
    if number is not None:
        return str(number)
    text = _LOOSE_SPACE.sub("", " ".join(bare(answer).replace("$", "").split())).removesuffix(".")
    return fold_case(text)


def fold_case(text: str) -> str:
    """The text in small letters, but for LaTeX commands, and for formulas in which a letter stands
    in both sizes."""
    if _has_both_sizes(text):
        return text
    return "".join(
        part if place % 2 else part.casefold() for place, part in enumerate(_COMMAND.split(text))
    )


def _has_both_sizes(text: str) -> bool:
    """Whether a formula holds a letter both in capitals and in small letters; words are none."""
    letters = _COMMAND.sub(" ", text[:LONGEST_NUMBER])
    small = set(letters)
    return not _WORD.search(letters) and any(
        each.isalpha() and each != each.casefold() and each.casefold() in small for each in small
    )
