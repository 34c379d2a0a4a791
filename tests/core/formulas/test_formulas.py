"""Every formula: its LaTeX says what its function computes, with the symbols of its inputs."""

from __future__ import annotations

import math
import re
from typing import Annotated, Any

import pytest
import sympy
from hypothesis import given, reject, settings
from hypothesis import strategies as st
from latex2sympy2_extended import latex2sympy

from backend.core.formulas import FORMULAS, Formula, Input, show
from backend.core.formulas.backups import children
from backend.core.formulas.formula import describe, formula
from backend.core.formulas.latex import SHOWN, Over, as_text, tex
from backend.core.formulas.particles import ladder, normalise
from backend.core.formulas.shares import shares
from backend.core.formulas.walks import rest, uct
from backend.core.registry import STRATEGIES
from backend.service import catalog

EVERY = pytest.mark.parametrize("one", FORMULAS.values(), ids=list(FORMULAS))


def exact(value: float) -> str:
    """A number in full, where a page shows four digits."""
    if math.isinf(value):
        return tex(value)
    mantissa, _, power = f"{value:.17g}".partition("e")
    return f"{mantissa} \\cdot 10^{{{int(power)}}}" if power else mantissa


def evaluate(latex: str) -> float:
    """What LaTeX with numbers comes to, by another program's reading of it."""
    left, greater, right = latex.partition(" > ")
    if greater:
        return float(evaluate(left) > evaluate(right))
    try:
        return float(sympy.N(latex2sympy(latex), 20))
    except (ZeroDivisionError, sympy.core.evalf.PrecisionExhausted):
        # sympy neither compares a product of zeros with a number nor rounds what it cannot tell
        # from a whole number
        reject()


def numbers(one: Input) -> st.SearchStrategy[float]:
    """Values of an input inside its range, away from its ends where a formula would divide by
    nothing."""
    if one.whole:
        low = int(one.low) if math.isfinite(one.low) else -5
        return st.integers(low, int(one.high) if math.isfinite(one.high) else low + 8)
    low = one.low + 0.05 if math.isfinite(one.low) else -3.0
    high = one.high - 0.05 if math.isfinite(one.high) else low + 4.0
    return st.floats(low, high).map(lambda value: round(value, 3))


@st.composite
def inputs_of(draw: st.DrawFn, one: Formula) -> dict[str, Any]:
    """Inputs of a formula by name; all sequences have the same length, and are written out."""
    size = draw(st.integers(1, SHOWN))
    return {
        name: draw(st.lists(numbers(each), min_size=size, max_size=size))
        if each.each
        else draw(numbers(each))
        for name, each in one.inputs.items()
    }


@EVERY
@settings(deadline=None, max_examples=6)
@given(data=st.data())
def test_the_latex_with_numbers_comes_to_the_value(one: Formula, data: st.DataObject) -> None:
    inputs = data.draw(inputs_of(one))
    result = one.value(**inputs)
    size = len(result) if isinstance(result, list | tuple) else 1
    at = data.draw(st.integers(0, size - 1))
    made = one.show(inputs, at, exact)
    assert made.value == (result[at] if isinstance(result, list | tuple) else result)
    if isinstance(made.value, int) and not isinstance(made.value, bool):
        assert abs(evaluate(made.numbers) - made.value) <= 1  # rounding up guards against noise
    else:
        assert evaluate(made.numbers) == pytest.approx(float(made.value), rel=1e-9, abs=1e-9)


@EVERY
def test_the_latex_is_written_with_the_symbol_of_every_input(one: Formula) -> None:
    for each in one.inputs.values():
        assert f"{each.symbol}_" in one.latex if each.each else each.symbol in one.latex
    assert "$" not in one.latex and one.latex.count("{") == one.latex.count("}")


@EVERY
def test_every_input_is_described_in_words_and_as_text(one: Formula) -> None:
    assert one.title and one.summary
    for each in one.inputs.values():
        assert each.meaning and each.low < each.high
        assert not re.search(r"[\\{}$]", as_text(each.symbol)), each.symbol
    symbols = [(each.symbol, each.each) for each in one.inputs.values()]
    assert len(set(symbols)) == len(symbols), "two inputs with the same symbol"


def test_the_formulas_that_strategies_declare_are_declared_here() -> None:
    named = {name for entry in STRATEGIES.values() for name in entry.formulas}
    assert named <= FORMULAS.keys()
    assert FORMULAS.keys() - named == {"exact_share", "expected_copies"}  # for pages only


def test_the_catalogue_lists_every_formula_with_its_inputs() -> None:
    listed = {name: catalog.formula(one) for name, one in FORMULAS.items()}
    assert {name: one.latex for name, one in listed.items()} == {
        name: one.latex for name, one in FORMULAS.items()
    }
    assert [each.name for each in listed["uct"].inputs] == ["q", "n", "parent_n", "c"]
    assert (listed["uct"].inputs[3].low, listed["uct"].inputs[3].high) == (0.0, None)
    assert listed["normalise"].vector and listed["normalise"].inputs[0].each


def test_an_input_that_the_formula_does_not_declare_is_left_alone() -> None:
    inputs = {"q": 0.5, "n": 3, "parent_n": 9, "c": 1.0, "prior": 0.1}
    assert FORMULAS["uct"].show(inputs).value == uct(0.5, 3, 9, 1.0)
    with pytest.raises(KeyError):
        FORMULAS["uct"].show({"q": 0.5})


def test_a_formula_is_shown_with_the_numbers_of_the_moment() -> None:
    made = show(uct)(q=-0.25, n=0, parent_n=9, c=1.5)
    assert made.numbers == r"-0.25 + 1.5 \cdot \sqrt{\frac{\ln\max(1, 9)}{\max(1, 0)}}"
    assert [(term.symbol, term.value) for term in made.terms] == [
        ("Q", -0.25),
        ("N", 0),
        ("Nₚ", 9),
        ("c", 1.5),
    ]


def test_a_formula_in_pieces_shows_the_piece_that_holds() -> None:
    assert show(rest)(0.5, 0, 9, 1.0, 0.8).numbers == "0.5 + 0.8"
    assert r"\sqrt" in show(rest)(0.5, 2, 9, 1.0, 0.8).numbers
    assert r"\begin{cases}" in FORMULAS["rest"].latex and "N = 0" in FORMULAS["rest"].latex


def test_an_element_of_a_vector_is_shown_with_those_before_and_after_it() -> None:
    made = show(shares, 1)([0.9, 0.8, 0.7], 16, 0.2)
    assert made.symbols.startswith("n_i = ")
    assert made.numbers == (
        r"\left\lceil \left(16 - 9\right) \cdot \frac{e^{0.8 / 0.2}}"
        r"{e^{0.8 / 0.2} + e^{0.7 / 0.2}} \right\rceil"
    )
    assert made.value == shares([0.9, 0.8, 0.7], 16, 0.2)[1] == 5
    assert show(ladder, 2)(1.0, 4.0, 3).value == 4.0


def test_a_negative_summand_has_brackets() -> None:
    assert show(children)([0.5, -0.25], [1, 2], 0.1).numbers == (
        r"\frac{0.5 + \left(-0.25\right)}{1 + 2}"
    )


def test_of_a_long_sum_the_first_terms_and_the_last_are_written_out() -> None:
    made = show(normalise, 3)([float(-place) for place in range(40)])
    assert made.numbers.endswith(r"+ e^{-2} + \dots + e^{-39}}")
    assert made.numbers.startswith(r"\frac{e^{-3}}{e^{0} + e^{-1}")


def test_numbers_are_written_as_people_write_them() -> None:
    assert [tex(value) for value in (2.0, 0.123456, 1e-9, -math.inf, 1e6)] == [
        "2",
        "0.1235",
        r"1 \cdot 10^{-9}",
        r"-\infty",
        r"1 \cdot 10^{6}",
    ]
    assert [
        as_text(symbol) for symbol in (r"\lambda_1", r"\bar y", r"\text{cut}", r"\tau_0^2")
    ] == [
        "λ₁",
        "y\u0304",
        "cut",
        "τ₀²",
    ]
    assert describe(Input("x", "length", unit="tokens")) == "length, tokens"


Half = Annotated[float, Input("x", "a number")]


def test_a_declaration_that_leaves_an_input_out_is_refused() -> None:
    def bare(x: float) -> float:
        return x

    def two(x: Half, y: Annotated[float, Input("y", "another")]) -> float:
        return x + y

    with pytest.raises(ValueError, match="input 'x' of formula 'bare' is not described"):
        formula("Bare", "$x")(bare)
    with pytest.raises(ValueError, match=r"does not mention \['y'\]"):
        formula("Two", "$x")(two)
    with pytest.raises(ValueError, match=r"does not mention \['total'\]"):
        formula("Two", "$x + $y", total=Over("sum", "$x"))(two)
    with pytest.raises(ValueError, match=r"mentions \['z'\], no inputs of it"):
        formula("Two", "$x + $y + $z")(two)
    with pytest.raises(ValueError, match="'uct' is declared twice"):
        formula("Two", "$x + $y", names=("uct",))(two)
    assert not {"bare", "two"} & FORMULAS.keys()
