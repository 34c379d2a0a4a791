"""Expressions valued in floating point: for ordering bounds and for rounding, never to prove that
two are equal."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

from backend.problems.answers.expressions import ExpressionTree, value_of

_ONE: Mapping[str, Callable[[float], float]] = {
    "negative": lambda x: -x, "abs": abs, "floor": lambda x: float(math.floor(x)),
    "ceil": lambda x: float(math.ceil(x)), "exp": math.exp, "ln": math.log, "lg": math.log10,
    "sin": math.sin, "cos": math.cos, "tan": math.tan, "sinh": math.sinh, "cosh": math.cosh,
    "tanh": math.tanh, "arcsin": math.asin, "arccos": math.acos, "arctan": math.atan,
    "cot": lambda x: 1 / math.tan(x), "sec": lambda x: 1 / math.cos(x),
    "csc": lambda x: 1 / math.sin(x),
}  # fmt: skip
_TWO: Mapping[str, Callable[[float, float], float]] = {
    "product": lambda x, y: x * y, "quotient": lambda x, y: x / y,
    "power": lambda x, y: math.pow(x, y),
    "root": lambda x, n: -math.pow(-x, 1 / n) if x < 0 and n % 2 == 1 else math.pow(x, 1 / n),
    "log": lambda x, base: math.log(x) / math.log(base),
}  # fmt: skip
_CONSTANTS = {"pi": math.pi, "e": math.e, "infinity": math.inf}


def approximate(tree: ExpressionTree) -> float | None:
    """About the value of an expression without variables; None where it has none that is real."""
    try:
        return _value(tree)
    except (ArithmeticError, ValueError, KeyError, RecursionError):
        return None


def _value(tree: ExpressionTree) -> float:
    exact = value_of(tree)
    if exact is not None:
        return float(exact)
    if tree.op in _CONSTANTS:
        return _CONSTANTS[tree.op]
    parts = [_value(part) for part in tree.parts]
    if tree.op == "sum":
        return math.fsum(parts)
    if len(parts) == 1:
        return _ONE[tree.op](parts[0])
    return _TWO[tree.op](*parts[:2])
