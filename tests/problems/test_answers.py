"""Comparing answers exactly."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.problems.equivalence import equal_exactly
from backend.problems.exact import exact


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("12", Fraction(12)),
        ("-1,234", Fraction(-1234)),
        ("+0.50", Fraction(1, 2)),
        ("$\\frac{6}{8}$", Fraction(3, 4)),
        ("-\\dfrac{1}{3}.", Fraction(-1, 3)),
        ("10 / 4", Fraction(5, 2)),
        ("1/0", None),
        ("12,34", None),
        ("50%", None),
        ("1e3", None),
        ("1 1/2", None),
        ("3 apples", None),
        ("", None),
    ],
)
def test_numbers_are_read_in_the_documented_forms_only(text: str, value: Fraction | None) -> None:
    assert exact(text) == value


@given(st.fractions())
def test_a_fraction_equals_itself_in_another_form(value: Fraction) -> None:
    text = f"{value.numerator}/{value.denominator}"
    sign = "-" if value < 0 else ""
    assert (
        equal_exactly(text, f"{sign}\\frac{{{abs(value.numerator)}}}{{{value.denominator}}}")
        is True
    )
    assert (
        equal_exactly(text, f"{value.numerator + value.denominator}/{value.denominator}") is False
    )


def test_what_is_no_number_is_equal_only_to_the_same_text() -> None:
    assert equal_exactly("x + 1", " x + 1. ") is True
    assert equal_exactly("x + 1", "1 + x") is None
    assert equal_exactly("x" * 3_000, "x" * 3_000) is None
