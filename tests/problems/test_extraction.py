"""Finding an answer in a text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.problems import extract_answer


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        (r"so \boxed{3} or rather \boxed{\frac{1}{2}}.", r"\frac{1}{2}"),
        (r"\boxed{ 12 }", "12"),
        (r"\boxed{7} and \boxed{unclosed", "7"),
        ("I think.\nThe final answer is 42.\nThat is all.", "42"),
        ("Answer: x = 3", "x = 3"),
        ("work\n#### 72", "72"),
        ("no idea", None),
        ("", None),
        (r"\boxed{}", ""),
    ],
)
def test_the_last_box_counts_else_the_last_marked_line(text: str, answer: str | None) -> None:
    assert extract_answer(text) == answer


def test_only_the_end_of_a_very_long_text_is_read() -> None:
    assert extract_answer("\\boxed{1}" + "x" * 200_000) is None
    assert extract_answer("{" * 200_000 + "\\boxed{1}") == "1"


def test_many_unclosed_boxes_take_no_quadratic_time() -> None:
    assert extract_answer("\\boxed{" * 14_000) is None


@given(st.text())
def test_any_text_is_searched_without_error(text: str) -> None:
    found = extract_answer(text)
    assert found is None or isinstance(found, str)
