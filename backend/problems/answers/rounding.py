"""When a rounded number is enough: where the question asks for one, or a set names a tolerance."""

from __future__ import annotations

import re
from fractions import Fraction

from backend.problems.answers.kinds import Scalar
from backend.problems.answers.values import approximate

_ASKED = re.compile(
    r"\bapproximat|\bround(?:ed|ing)?\b|\bnearest\b|\bdecimal places?\b"
    r"|\bsignificant (?:figures?|digits?)\b"
    r"|\bestimate\b|\bto \w+ decimals?\b|\\approx|≈",
    re.IGNORECASE,
)
_PLACES = re.compile(r"\b(\d|one|two|three|four|five|six)[- ]decimal", re.IGNORECASE)
_NEAREST = re.compile(
    r"nearest\s+(?:whole|integer|unit|tenths?|hundredths?|thousandths?|cent|penny|dollar|degree"
    r"|percent)",
    re.IGNORECASE,
)
_WORDS = {"one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6}
_LAST = {"tenth": 1, "hundredth": 2, "thousandth": 3, "cent": 2, "penny": 2}
FEWEST_DIGITS = 3
"""Digits that a rounded decimal has to show where the question does not say how many."""


def asks_for_rounding(question: str) -> bool:
    """Whether a question asks for an approximate number."""
    return _ASKED.search(question) is not None


def places_asked(question: str) -> int | None:
    """The number of decimals that a question asks for, or None if it does not say."""
    if found := _PLACES.search(question):
        return _WORDS.get(found[1].lower()) or int(found[1])
    if found := _NEAREST.search(question):
        word = found[0].split()[-1].lower().removesuffix("s")
        return _LAST.get(word, 0)
    return None


def is_rounded(given: Scalar, right: Scalar, places: int | None) -> bool:
    """Whether one of the two is the other, a fraction or an irrational number, rounded in its last
    decimal. Two decimals are never a rounding of each other."""
    for short, full in ((given, right), (right, given)):
        decimals = _decimals(short)
        if decimals is None or full.places is not None or short.exact is None:
            continue
        if full.exact is not None and full.exact.denominator == 1:
            continue
        digits = len(re.sub(r"\D", "", short.text).lstrip("0"))
        enough = decimals >= places if places is not None else digits >= FEWEST_DIGITS
        if enough and _is_near(short.exact, full, Fraction(1, 2 * 10**decimals)):
            return True
    return False


def _decimals(value: Scalar) -> int | None:
    if value.places is not None:
        return value.places
    whole = value.exact is not None and value.exact.denominator == 1
    return 0 if whole and value.text.lstrip("-+ ").isdigit() else None


def is_within(given: Scalar, right: Scalar, tolerance: float) -> bool:
    """Whether two numbers differ by at most `tolerance` times the right one."""
    value = _value(right)
    if value is None or given.tree.op == "infinity":
        return False
    return _is_near(value, given, abs(value) * Fraction(tolerance))


def _is_near(value: Fraction, other: Scalar, distance: Fraction) -> bool:
    found = _value(other)
    return found is not None and abs(found - value) <= distance


def _value(scalar: Scalar) -> Fraction | None:
    if scalar.exact is not None:
        return scalar.exact
    found = approximate(scalar.tree)
    return None if found is None or found - found != 0 else Fraction(found)
