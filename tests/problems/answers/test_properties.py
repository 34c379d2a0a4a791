"""What holds for all answers: the relation is symmetric, what is written otherwise is the same, and
a hostile text costs little."""

from __future__ import annotations

import time
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.problems.answers import algebra
from backend.problems.answers.grader import bare_form, grade_answer, same_answer
from backend.problems.answers.reading import read
from tests.problems.answers.test_pairs import PAIRS

ANSWERS = sorted({pair[side] for pair in PAIRS for side in ("given", "right")})
PIECES = st.sampled_from(
    ["1", "2", "12", "x", "y", "\\frac", "{", "}", "(", ")", "[", "]", ",", " ", "^", "_", "+", "-",
     "\\sqrt", "\\text{ cm}", "%", "$", "=", "<", "\\le", "or", ":", ".", "\\pi", "\\infty", "°",
     "\\begin{pmatrix}", "\\end{pmatrix}", "&", "\\\\", "\\{", "\\}", "±", "∪", "!", "|", "\u200b"]
)  # fmt: skip
TEXTS = st.one_of(st.text(), st.lists(PIECES, max_size=14).map("".join), st.sampled_from(ANSWERS))


@given(TEXTS, TEXTS)
def test_both_relations_are_symmetric(one: str, other: str) -> None:
    assert grade_answer(one, other).equal is grade_answer(other, one).equal
    assert same_answer(one, other) is same_answer(other, one)


@given(TEXTS)
def test_any_text_is_read_without_error_and_is_the_same_as_itself(text: str) -> None:
    read(text)
    bare_form(text)
    assert same_answer(text, text) is True


@given(
    st.fractions(), st.sampled_from(["{a}/{b}", "\\frac{{{a}}}{{{b}}}", "$\\dfrac{{{a}}}{{{b}}}$"])
)
def test_a_fraction_is_the_same_however_it_is_written(value: Fraction, form: str) -> None:
    text = form.format(a=value.numerator, b=value.denominator)
    assert same_answer(text, f"{value.numerator * 3}/{value.denominator * 3}") is True
    other = value + Fraction(1, 10**9)
    assert same_answer(text, f"{other.numerator}/{other.denominator}") is False


@given(st.lists(st.integers(-99, 99), min_size=2, max_size=6, unique=True), st.randoms())
def test_a_list_has_no_order_and_a_tuple_has_one(numbers: list[int], random: object) -> None:
    turned = [*numbers[1:], numbers[0]]
    plain = [", ".join(map(str, each)) for each in (numbers, turned)]
    assert same_answer(*plain) is True
    assert same_answer(f"\\{{{plain[0]}\\}}", plain[1]) is True
    assert same_answer(f"({plain[0]})", f"({plain[1]})") is False
    assert same_answer(plain[0], ", ".join(map(str, numbers[1:]))) is False


@given(st.lists(st.sampled_from(ANSWERS), min_size=3, max_size=3, unique=True))
def test_the_strict_relation_is_transitive(answers: list[str]) -> None:
    one, other, third = answers
    if same_answer(one, other) and same_answer(other, third):
        assert same_answer(one, third) is True


@pytest.mark.parametrize(
    "text",
    [
        "9^{9^{9^{9}}}",
        "(" * 5_000 + "x" + ")" * 5_000,
        "{" * 1_900,
        "(" * 900 + "1" + ")" * 900,
        "1,2" * 600,
        "±" * 1_900,
        "\\frac" * 380,
        "\\text{" * 300,
        "1+" * 990 + "1",
        "x=" * 900,
        "[0,1]∪" * 300,
        "-" * 1_990,
        "\\begin{pmatrix}" * 120,
        "$" * 1_990,
        "1:" * 990,
        "100!!!!!",
        "1 000" * 390,
        "9" * 1_999,
        "a_" * 990,
        "\\sqrt" * 390,
        "sin" * 600,
        "1e9999",
        "0.\\overline{" + "3" * 1_900 + "}",
        "2^{2^{2^{2^{2^{2}}}}}",
        "\\binom{999}{500}^{999}",
        "1" * 1_000_000,
        "x+" * 1_000_000,
        "\\{" * 1_000_000,
    ],
    ids=lambda text: f"{text[:20]} of {len(text)}",
)
def test_a_hostile_text_is_read_in_a_second(text: str) -> None:
    began = time.process_time()
    for other in ("5", text + " ", f"x = {text}"):
        grade_answer(text, other)
        grade_answer(other, text)
    assert time.process_time() - began < 2.0


def test_a_thousand_short_pairs_take_ten_seconds_at_most() -> None:
    pairs = (PAIRS * 3)[:1_000]
    began = time.process_time()
    for pair in pairs:
        grade_answer(pair["given"], pair["right"], algebra=algebra.compare)
    assert time.process_time() - began < 10.0
