"""Texts in cells of CSV compute nothing in a spreadsheet, and come back exactly."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.core.cells import FORMULA, quote_cell, unquote_cell


@pytest.mark.parametrize(
    "text",
    ["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "-", "+", "--5",
     "-5 apples", "=HYPERLINK(\"http://192.0.2.1\")", "-1,5", "\uff1d1"],
)  # fmt: skip
def test_what_a_spreadsheet_would_compute_is_quoted(text: str) -> None:
    assert quote_cell(text) == f"'{text}"


@pytest.mark.parametrize("text", ["-5", "+5", "-.5", "-3.", "-1.5e-7", "5", "a=b", "", " =1", "x"])
def test_numbers_and_other_texts_stay(text: str) -> None:
    assert quote_cell(text) == text


@given(st.text(max_size=12) | st.text(alphabet="=+-@'\t\r\n5.e", max_size=6))
def test_every_text_comes_back(text: str) -> None:
    quoted = quote_cell(text)
    assert unquote_cell(quoted) == text
    assert not quoted.startswith(FORMULA) or quoted.startswith("'") or quoted == text
