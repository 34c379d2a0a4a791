"""Whether two expressions are the same, by sympy: what a process of the pool computes.

Both are read by the project's own reader to their last character and built from their trees, so
nothing is guessed and nothing left out. A numeric value only ever refutes; equality is proven
exactly, or the pair is undecided. Letters count as positive for a proof; values below zero are
tried for a refutation wherever both sides are real there.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any, NamedTuple

import mpmath
import sympy

from backend.problems.answers.equality import fold
from backend.problems.answers.expressions import ExpressionTree, names_in, read_expression

DIGITS = 60
POINTS = (
    Fraction(13, 7), Fraction(29, 11), Fraction(5, 17), Fraction(-19, 13), Fraction(-7, 23),
    Fraction(3, 1), Fraction(-2, 1), Fraction(31, 3),
)  # fmt: skip
_SIGN = re.compile(r" ([=<≤≠]) ")


class Statement(NamedTuple):
    """An expression, or the two sides of a relation."""

    sign: str
    left: ExpressionTree
    right: ExpressionTree


ZERO = ExpressionTree("number")


def compare(expected: str, given: str) -> bool | None:
    """Whether two expressions, or two relations such as `2x+y = 3`, are the same."""
    statements = _read(expected), _read(given)
    one, other = statements
    if one is None or other is None:
        return None
    if one.sign != other.sign:
        return False
    verdicts = {_compare(one, other, base) for base in _bases(one, other)}
    return verdicts.pop() if len(verdicts) == 1 else None


def _read(text: str) -> Statement | None:
    parts = _SIGN.split(text)
    trees = [read_expression(part) for part in parts[::2]]
    read = [fold(tree) for tree in trees if tree is not None]
    if len(read) != len(trees) or len(trees) > 2:
        return None
    return Statement(parts[1], *read) if len(read) == 2 else Statement("", read[0], ZERO)


def _bases(one: Statement, other: Statement) -> tuple[str, ...]:
    """What a logarithm without a base may mean: both, where there is one."""
    plain = any(_has_plain_log(tree) for tree in (one.left, one.right, other.left, other.right))
    return ("lg", "ln") if plain else ("",)


def _has_plain_log(tree: ExpressionTree) -> bool:
    if tree.op == "log" and len(tree.parts) == 1:
        return True
    return any(map(_has_plain_log, tree.parts))


def _compare(one: Statement, other: Statement, base: str) -> bool | None:
    if one.sign:
        return _are_proportional(one, other, base)
    if _refutes(one.left, other.left, base):
        return False
    build = Builder(base)
    return True if is_zero(build(one.left) - build(other.left)) else None


def _difference(statement: Statement) -> ExpressionTree:
    return ExpressionTree("sum", (statement.left, ExpressionTree("negative", (statement.right,))))


def _are_proportional(one: Statement, other: Statement, base: str) -> bool | None:
    """Whether one relation is a multiple of the other: by any factor but 0 for an equation, by a
    positive one for an inequality."""
    differences = _difference(one), _difference(other)
    names = names_in(differences[0]) | names_in(differences[1])
    if names_in(differences[0]) != names_in(differences[1]):
        return False
    ratio: mpmath.mpf | None = None
    for point in _points(names):
        values = [_number(difference, point, base) for difference in differences]
        if None in values or any(value == 0 for value in values):
            continue
        found = values[0] / values[1]
        if ratio is not None and not _is_near(found, ratio):
            return False
        ratio = found
    build = Builder(base)
    quotient = sympy.simplify(build(differences[0]) / build(differences[1]))
    if quotient.free_symbols or quotient.is_zero or not quotient.is_finite:
        return None
    return (
        True
        if one.sign in "=≠" or quotient.is_positive
        else False
        if quotient.is_negative
        else None
    )


def is_zero(difference: Any) -> bool:
    """Whether an expression is proven to be zero."""
    for attempt in PROOFS:
        if attempt(difference) == 0:
            return True
    if not difference.free_symbols and difference.is_algebraic:
        unknown = sympy.Symbol("minimal")
        return bool(sympy.minimal_polynomial(difference, unknown) == unknown)
    return False


def _rewritten(difference: Any) -> Any:
    return sympy.simplify(difference.rewrite(sympy.exp))


PROOFS: tuple[Callable[[Any], Any], ...] = (
    sympy.expand, sympy.cancel, sympy.simplify, sympy.expand_log, sympy.trigsimp,
    lambda difference: sympy.simplify(sympy.expand_trig(difference)),
    lambda difference: sympy.simplify(sympy.expand_log(difference, force=True)),
    sympy.radsimp, sympy.sqrtdenest, _rewritten,
)  # fmt: skip


class Builder:
    """Makes a sympy expression of a tree; letters are positive."""

    def __init__(self, base: str) -> None:
        self._base = base

    def __call__(self, tree: ExpressionTree) -> Any:
        if tree.op == "number":
            return sympy.Rational(tree.value.numerator, tree.value.denominator)
        if tree.op == "name":
            return sympy.Symbol(tree.name, positive=True)
        if tree.op in SYMBOLS:
            return SYMBOLS[tree.op]
        parts = [self(part) for part in tree.parts]
        if tree.op == "log" and len(parts) == 1:
            parts.append(sympy.Integer(10) if self._base == "lg" else sympy.E)
        return OPERATIONS[tree.op](*parts)


def _root(inside: Any, degree: Any) -> Any:
    """The real root of a negative number where its degree is odd, as `\\sqrt[3]{-8}` is meant."""
    if degree.is_Integer and degree % 2 == 1 and inside.is_negative:
        return -((-inside) ** (1 / degree))
    return inside ** (1 / degree)


SYMBOLS = {"pi": sympy.pi, "e": sympy.E, "i": sympy.I, "infinity": sympy.oo}
OPERATIONS: dict[str, Callable[..., Any]] = {
    "sum": lambda *parts: sympy.Add(*parts), "negative": lambda x: -x,
    "product": lambda x, y: x * y, "quotient": lambda x, y: x / y, "power": lambda x, y: x**y,
    "factorial": sympy.factorial, "binomial": sympy.binomial, "abs": sympy.Abs,
    "floor": sympy.floor, "ceil": sympy.ceiling, "exp": sympy.exp, "ln": sympy.log,
    "lg": lambda x: sympy.log(x, 10), "log": sympy.log, "sin": sympy.sin, "cos": sympy.cos,
    "tan": sympy.tan, "cot": sympy.cot, "sec": sympy.sec, "csc": sympy.csc, "sinh": sympy.sinh,
    "root": _root,
    "cosh": sympy.cosh, "tanh": sympy.tanh, "arcsin": sympy.asin, "arccos": sympy.acos,
    "arctan": sympy.atan, "gcd": lambda *parts: sympy.gcd(list(parts)),
    "lcm": lambda *parts: sympy.lcm(list(parts)), "max": sympy.Max, "min": sympy.Min,
}  # fmt: skip


def _refutes(one: ExpressionTree, other: ExpressionTree, base: str) -> bool:
    """Whether the values differ somewhere by more than rounding explains."""
    names = names_in(one) | names_in(other)
    for point in _points(names):
        values = [_number(tree, point, base) for tree in (one, other)]
        if None not in values and not _is_near(*values):
            return True
    return False


def _points(names: frozenset[str]) -> Iterator[dict[str, Fraction]]:
    """Values for the variables, different ones for each, and none of them at all once."""
    ordered = sorted(names)
    for start in range(len(POINTS) if ordered else 1):
        yield {
            name: POINTS[(start + place) % len(POINTS)] + Fraction(place, 97)
            for place, name in enumerate(ordered)
        }


def _is_near(one: Any, other: Any) -> bool:
    scale = max(abs(one), abs(other))
    return bool(abs(one - other) <= scale * mpmath.mpf(10) ** (20 - DIGITS))


def _number(tree: ExpressionTree, point: dict[str, Fraction], base: str) -> Any:
    """The value at a point to `DIGITS` digits, or None: undefined, infinite, or not real on the way
    although no `i` is written."""
    with mpmath.workdps(DIGITS):
        try:
            value = _Numbers(point, base).value(tree)
        except (ArithmeticError, ValueError, KeyError, TypeError, mpmath.libmp.NoConvergence):
            return None
        return value if mpmath.isfinite(value) else None


class _Numbers:
    """Values of trees at one point."""

    def __init__(self, point: dict[str, Fraction], base: str) -> None:
        self._point, self._base = point, base
        self._below = any(value < 0 for value in point.values())

    def value(self, tree: ExpressionTree) -> Any:
        if tree.op in ("number", "name"):
            given = tree.value if tree.op == "number" else self._point[tree.name]
            return mpmath.mpf(given.numerator) / given.denominator
        if tree.op in CONSTANTS:
            return +CONSTANTS[tree.op]
        parts = [self.value(part) for part in tree.parts]
        if tree.op == "log" and len(parts) == 1:
            parts.append(mpmath.mpf(10) if self._base == "lg" else +mpmath.e)
        if tree.op == "power" and abs(parts[1]) > 10_000:
            raise OverflowError
        found = VALUES[tree.op](*parts)
        if self._below and isinstance(found, mpmath.mpc):
            raise ValueError("not real below zero")
        return found


def _number_root(inside: Any, degree: Any) -> Any:
    if isinstance(inside, mpmath.mpf) and inside < 0 and degree == int(degree) and degree % 2 == 1:
        return -((-inside) ** (1 / degree))
    return inside ** (1 / degree)


CONSTANTS = {"pi": mpmath.pi, "e": mpmath.e, "i": mpmath.mpc(0, 1)}
VALUES: dict[str, Callable[..., Any]] = {
    "sum": lambda *parts: mpmath.fsum(parts), "negative": lambda x: -x,
    "product": lambda x, y: x * y, "quotient": lambda x, y: x / y, "power": lambda x, y: x**y,
    "factorial": mpmath.factorial, "binomial": mpmath.binomial, "abs": abs,
    "floor": mpmath.floor, "ceil": mpmath.ceil, "exp": mpmath.exp, "ln": mpmath.log,
    "lg": lambda x: mpmath.log(x, 10), "log": mpmath.log, "sin": mpmath.sin, "cos": mpmath.cos,
    "tan": mpmath.tan, "cot": mpmath.cot, "sec": mpmath.sec, "csc": mpmath.csc,
    "sinh": mpmath.sinh, "root": _number_root, "cosh": mpmath.cosh, "tanh": mpmath.tanh,
    "arcsin": mpmath.asin,
    "arccos": mpmath.acos, "arctan": mpmath.atan, "max": max, "min": min,
}  # fmt: skip
