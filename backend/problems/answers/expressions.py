r"""Expressions, read to their last character into trees, and their exact values if rational.

Letters side by side are a product only where an operator, a digit or LaTeX stands beside them, or
where all are of x, y, z; a caret without braces takes the whole number that follows (`2^10`). A
whole number before a proper fraction is a mixed number. What is not understood is refused: nothing
is ever left out.
"""

from __future__ import annotations

import math
import re
from fractions import Fraction
from functools import lru_cache
from typing import NamedTuple

from backend.problems.answers.units import NO_NOUNS
from backend.problems.answers.words import words

DEEPEST = 40
LONGEST_EXPRESSION = 2_000
LARGEST_BITS = 20_000
"""Numbers beyond are not computed exactly: such an expression is left to algebra with its limit."""
LARGEST_FACTORIAL = 1_000

FUNCTIONS = words(
    """
    sin cos tan cot sec csc arcsin arccos arctan asin acos atan sinh cosh tanh ln log lg exp
    sqrt abs gcd lcm max min floor ceil
    """
)
POWERED = FUNCTIONS - words(
    """
    sqrt abs gcd lcm max min floor ceil exp
    """
)
"""Functions whose name may carry an exponent, as in `\\sin^2 x`."""
SAME_NAMES = {"asin": "arcsin", "acos": "arccos", "atan": "arctan"}
INVERSES = {"sin": "arcsin", "cos": "arccos", "tan": "arctan"}
GREEK = words(
    """
    alpha beta gamma delta epsilon varepsilon zeta eta theta vartheta kappa lambda mu nu xi
    rho sigma tau phi varphi chi psi omega Gamma Delta Theta Lambda Xi Sigma Phi Psi Omega
    ell
    """
)
LONGEST_PRODUCT = 4
"""Letters in a row beyond this are one name."""

_NUMBER = re.compile(r"(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,4}(?![\d.]))?")
_MIXED = re.compile(r"(\d{1,30}) +(\d{1,30}) ?/ ?(\d{1,30})(?! ?[\d.^!(])")
_PROPER = re.compile(
    r"\\frac\s*(?:\{\s*(\d{1,30})\s*\}|(\d))\s*(?:\{\s*(\d{1,30})\s*\}|(\d))(?!\s*[\^!])"
)
_COMMAND = re.compile(r"\\([A-Za-z]+)")
_RUN = re.compile(r"[A-Za-z]+")
_REPEATING = re.compile(
    r"(\d*)\.(\d*)\\(?:overline|bar|dot)\s*\{?\s*(\d+)\s*\}?|(\d*)\.(\d*)\((\d+)\)"
)
_DOTTED = re.compile(r"(\d*)\.(\d{2,})\s*…")
_SUBSCRIPT = re.compile(r"_\s*(?:\{\s*([A-Za-z0-9+,-]{1,20})\s*\}|([A-Za-z0-9]))")


class ExpressionTree(NamedTuple):
    """An operation with its parts; leaves are `number` (a value), `name` and the constants `pi`,
    `e`, `i`, `infinity`."""

    op: str
    parts: tuple[ExpressionTree, ...] = ()
    value: Fraction = Fraction(0)
    name: str = ""


class Unread(Exception):
    """The text is no expression that is understood to its last character."""


def number(value: Fraction | int) -> ExpressionTree:
    """A leaf."""
    return ExpressionTree("number", value=Fraction(value))


@lru_cache(maxsize=4_096)
def read_expression(text: str) -> ExpressionTree | None:
    """The tree of a tidied text, or None if a part of it is not understood."""
    if not text.strip() or len(text) > LONGEST_EXPRESSION:
        return None
    try:
        return _Reader(text).whole()
    except (Unread, RecursionError):
        return None


def names_in(tree: ExpressionTree) -> frozenset[str]:
    """The variables of an expression."""
    if tree.op == "name":
        return frozenset((tree.name,))
    return frozenset().union(*map(names_in, tree.parts))


class _Reader:
    """Recursive descent over one text."""

    def __init__(self, text: str) -> None:
        self.text, self.place, self.depth = text, 0, 0
        self.products = _holds_marks(text) or set(_letters(text)) <= set("xyz")

    def whole(self) -> ExpressionTree:
        tree = self.sum()
        if self.peek():
            raise Unread
        return tree

    def peek(self) -> str:
        """The next character that is no space; empty at the end."""
        while self.place < len(self.text) and self.text[self.place] == " ":
            self.place += 1
        return self.text[self.place : self.place + 1]

    def take(self, sign: str) -> bool:
        if self.peek() == sign:
            self.place += 1
            return True
        return False

    def need(self, sign: str) -> None:
        if not self.take(sign):
            raise Unread

    def sum(self) -> ExpressionTree:
        self.depth += 1
        if self.depth > DEEPEST:
            raise Unread
        parts = [self.signed()]
        while (sign := self.peek()) and sign in "+-":
            self.place += 1
            term = self.product()
            parts.append(term if sign == "+" else ExpressionTree("negative", (term,)))
        self.depth -= 1
        return parts[0] if len(parts) == 1 else ExpressionTree("sum", tuple(parts))

    def signed(self) -> ExpressionTree:
        if self.take("-"):
            return ExpressionTree("negative", (self.product(),))
        self.take("+")
        return self.product()

    def product(self) -> ExpressionTree:
        tree = self.power()
        while True:
            sign = self.peek()
            if sign and sign in "*·":
                self.place += 1
                tree = ExpressionTree("product", (tree, self.factor()))
            elif sign == "/":
                self.place += 1
                tree = ExpressionTree("quotient", (tree, self.factor()))
            elif self.begins_factor(sign):
                tree = ExpressionTree("product", (tree, self.power()))
            else:
                return tree

    def factor(self) -> ExpressionTree:
        """A factor behind an operator, with a sign."""
        return ExpressionTree("negative", (self.power(),)) if self.take("-") else self.power()

    def begins_factor(self, sign: str) -> bool:
        """Whether what follows is one more factor, without any operator."""
        if not sign or sign in "+-/*·)]}|,=<>≤≥≠±∪∈;:…%$^_!°'❴❵&":
            return False
        if sign.isdigit() or sign == ".":
            raise Unread  # two numbers side by side are no product
        if sign == "\\":
            following = _COMMAND.match(self.text, self.place)
            if following is None or following[1] in ("rfloor", "rceil"):
                return False
        return True

    def power(self) -> ExpressionTree:
        tree = self.postfixed(self.atom())
        if self.take("^"):
            tree = ExpressionTree("power", (tree, self.exponent()))
            if self.peek() == "!":
                raise Unread
        return tree

    def postfixed(self, tree: ExpressionTree) -> ExpressionTree:
        while (sign := self.peek()) and sign in "!°":
            self.place += 1
            if sign == "!":
                if self.peek() == "!":
                    raise Unread
                tree = ExpressionTree("factorial", (tree,))
            else:
                tree = ExpressionTree(
                    "product",
                    (tree, ExpressionTree("quotient", (ExpressionTree("pi"), number(180)))),
                )
        return tree

    def exponent(self) -> ExpressionTree:
        if self.peek() == "{":
            return self.group()
        negative = self.take("-")
        sign = self.peek()
        if sign.isdigit() or sign == ".":
            tree = self.numeral(mixed=False)
        elif sign == "(":
            tree = self.atom()
        elif sign == "\\" or sign.isalpha():
            tree = self.single()
        else:
            raise Unread
        if self.take("^"):
            tree = ExpressionTree("power", (tree, self.exponent()))
        return ExpressionTree("negative", (tree,)) if negative else tree

    def group(self) -> ExpressionTree:
        """The inside of braces."""
        self.need("{")
        tree = self.sum()
        self.need("}")
        return tree

    def argument(self) -> ExpressionTree:
        """A group in braces, or one digit, letter or command."""
        return self.group() if self.peek() == "{" else self.single()

    def single(self) -> ExpressionTree:
        sign = self.peek()
        if sign.isdigit():
            self.place += 1
            return number(int(sign))
        if sign.isascii() and sign.isalpha():
            self.place += 1
            return self.letter(sign)
        if sign == "\\":
            return self.atom()
        raise Unread

    def atom(self) -> ExpressionTree:
        sign = self.peek()
        if sign.isdigit() or sign == ".":
            return self.numeral()
        if sign == "{":
            return self.group()
        if sign and sign in "([|":
            return self.bracketed(sign)
        if sign == "∞":
            self.place += 1
            return ExpressionTree("infinity")
        if sign == "\\":
            return self.command()
        if sign.isascii() and sign.isalpha():
            return self.letters()
        raise Unread

    def bracketed(self, sign: str) -> ExpressionTree:
        self.place += 1
        tree = self.sum()
        self.need({"(": ")", "[": "]", "|": "|"}[sign])
        return ExpressionTree("abs", (tree,)) if sign == "|" else tree

    def numeral(self, *, mixed: bool = True) -> ExpressionTree:
        if found := (
            _REPEATING.match(self.text, self.place) or _DOTTED.match(self.text, self.place)
        ):
            self.place = found.end()
            return number(_repeating(found))
        if mixed and (found := _MIXED.match(self.text, self.place)):
            self.place = found.end()
            return number(_mixed(*map(int, found.groups())))
        found = _NUMBER.match(self.text, self.place)
        if found is None:
            raise Unread
        self.place = found.end()
        value = Fraction(found[0].rstrip(".") if found[0].endswith(".") else found[0])
        if mixed and found[0].isdigit() and self.peek() == "\\":
            part = _PROPER.match(self.text, self.place)
            if part is not None:
                self.place = part.end()
                top, bottom = part[1] or part[2], part[3] or part[4]
                return number(_mixed(int(value), int(top), int(bottom)))
        return number(value)

    def letters(self) -> ExpressionTree:
        """A function's name, a constant, a variable, or a product of variables."""
        found = _RUN.match(self.text, self.place)
        assert found is not None
        run = found[0]
        if run in FUNCTIONS:
            self.place = found.end()
            if run == "sqrt" and self.peek().isdigit():
                return ExpressionTree("root", (self.numeral(), number(2)))
            return self.function(run)
        if run in ("pi", "infinity"):
            self.place = found.end()
            return ExpressionTree(run)
        if len(run) > 1 and (not self.products or self.is_word(found)):
            raise Unread
        if len(run) > LONGEST_PRODUCT:
            self.place = found.end()
            return self.letter(run)
        self.place += 1
        return self.letter(run[0])

    def is_word(self, found: re.Match[str]) -> bool:
        """Whether letters stand between spaces as a word of plain language (`8 is x`)."""
        before, after = self.text[: found.start()][-1:], self.text[found.end() : found.end() + 1]
        return {before, after} <= {" ", ""} and found[0].casefold() in NO_NOUNS

    def letter(self, name: str) -> ExpressionTree:
        if found := _SUBSCRIPT.match(self.text, self.place):
            self.place = found.end()
            return ExpressionTree("name", name=f"{name}_{found[1] or found[2]}")
        if self.text[self.place : self.place + 1] in ("_", "'"):
            raise Unread
        return ExpressionTree(name) if name in ("e", "i") else ExpressionTree("name", name=name)

    def command(self) -> ExpressionTree:
        found = _COMMAND.match(self.text, self.place)
        if found is None:
            raise Unread
        self.place, name = found.end(), found[1]
        if name == "frac":
            return ExpressionTree("quotient", (self.argument(), self.argument()))
        if name == "binom":
            return ExpressionTree("binomial", (self.argument(), self.argument()))
        if name == "sqrt":
            return self.root()
        if name in FUNCTIONS:
            return self.function(name)
        if name in ("lfloor", "lceil"):
            tree = self.sum()
            if not self.text.startswith("\\r" + name[1:], self.place + (self.peek() == "")):
                raise Unread
            self.place += len(name) + 1
            return ExpressionTree(name[1:], (tree,))
        if name == "pi":
            return ExpressionTree("pi")
        if name in GREEK:
            return self.letter(name)
        raise Unread

    def root(self) -> ExpressionTree:
        degree = number(2)
        if self.take("["):
            degree = self.sum()
            self.need("]")
        if self.peek() == "(":
            inside = self.atom()
        elif self.peek().isdigit():
            found = _NUMBER.match(self.text, self.place)
            whole = self.text[self.place - 1] == " " and found is not None
            inside = self.numeral() if whole else self.single()
        else:
            inside = self.argument()
        return ExpressionTree("root", (inside, degree))

    def function(self, name: str) -> ExpressionTree:
        base, exponent = None, None
        if name == "log" and self.take("_"):
            base = (
                self.argument()
                if self.peek() == "{" or not self.peek().isdigit()
                else self.numeral()
            )
        if name in POWERED and self.take("^"):
            exponent = self.exponent()
        if name == "sqrt":
            return self.root()
        arguments = self.arguments()
        name = SAME_NAMES.get(name, name)
        if (
            exponent is not None
            and exponent == ExpressionTree("negative", (number(1),))
            and name in INVERSES
        ):
            name, exponent = INVERSES[name], None
        tree = ExpressionTree(name, arguments if base is None else (*arguments, base))
        return tree if exponent is None else ExpressionTree("power", (tree, exponent))

    def arguments(self) -> tuple[ExpressionTree, ...]:
        """What a function is applied to: brackets, or the factors that follow."""
        if self.peek() in ("(", "["):
            closing = ")" if self.peek() == "(" else "]"
            self.place += 1
            found = [self.sum()]
            while self.take(","):
                found.append(self.sum())
            self.need(closing)
            return tuple(found)
        tree = self.factor()
        while (
            (sign := self.peek())
            and sign != "("
            and self.begins_factor(sign)
            and not self.at_function()
        ):
            tree = ExpressionTree("product", (tree, self.power()))
        return (tree,)

    def at_function(self) -> bool:
        found = re.compile(r"\\?([A-Za-z]+)").match(self.text, self.place)
        return found is not None and found[1] in FUNCTIONS


def _letters(text: str) -> str:
    return re.sub(r"\\[A-Za-z]+|[^A-Za-z]", "", text)


def _holds_marks(text: str) -> bool:
    """Whether an operator, a digit or LaTeX stands in the text."""
    return bool(re.search(r"[-+*·/^0-9\\=<>≤≥!|_]", text))


def _mixed(whole: int, top: int, bottom: int) -> Fraction:
    if not 0 < top < bottom:
        raise Unread
    return whole + Fraction(top, bottom)


def _repeating(found: re.Match[str]) -> Fraction:
    """The value of a decimal that goes on for ever: the part under the bar, or what is seen to
    repeat before the dots."""
    groups = [each for each in found.groups() if each is not None]
    if len(groups) == 2:
        groups = [groups[0], *_period(groups[1])]
    whole, fixed, period = groups
    shift = 10 ** len(fixed)
    value = Fraction(int((whole or "0") + fixed), shift)
    return value + Fraction(int(period), shift * (10 ** len(period) - 1))


def _period(digits: str) -> tuple[str, str]:
    for length in range(1, len(digits) // 2 + 1):
        times = 3 if length == 1 else 2
        block = digits[-length:]
        if digits.endswith(block * times):
            fixed = digits
            while fixed.endswith(block):
                fixed = fixed[:-length]
            return fixed, block
    raise Unread


@lru_cache(maxsize=4_096)
def value_of(tree: ExpressionTree) -> Fraction | None:
    """The exact value of an expression, or None if it is not rational, too large, or not seen to be
    rational without algebra."""
    if tree.op == "number":
        return tree.value
    parts = [value_of(part) for part in tree.parts]
    if not parts or None in parts:
        return None
    try:
        return _operate(tree.op, [part for part in parts if part is not None])
    except (ZeroDivisionError, OverflowError):
        return None


def _operate(op: str, parts: list[Fraction]) -> Fraction | None:
    match op, parts:
        case "sum", _:
            return sum(parts, Fraction(0))
        case "negative", [one]:
            return -one
        case "product", [one, other]:
            return one * other if _bits(one) + _bits(other) < LARGEST_BITS else None
        case "quotient", [one, other]:
            return one / other if _bits(one) + _bits(other) < LARGEST_BITS else None
        case "power", [one, other]:
            return _power(one, other)
        case "root", [one, other] if other.denominator == 1 and other > 0:
            odd = one < 0 and other % 2 == 1
            found = _power(abs(one) if odd else one, 1 / other)
            return -found if odd and found is not None else found
        case "abs", [one]:
            return abs(one)
        case "floor", [one]:
            return Fraction(math.floor(one))
        case "ceil", [one]:
            return Fraction(math.ceil(one))
        case "factorial", [one] if one.denominator == 1 and 0 <= one <= LARGEST_FACTORIAL:
            return Fraction(math.factorial(int(one)))
        case "binomial", [one, other] if _is_small_count(one) and _is_small_count(other):
            return Fraction(math.comb(int(one), int(other)))
        case "max", _:
            return max(parts)
        case "min", _:
            return min(parts)
        case "gcd" | "lcm", _ if all(part.denominator == 1 for part in parts):
            return Fraction(getattr(math, op)(*map(int, parts)))
    return None


def _is_small_count(value: Fraction) -> bool:
    return value.denominator == 1 and 0 <= value <= LARGEST_FACTORIAL


def _bits(value: Fraction) -> int:
    return value.numerator.bit_length() + value.denominator.bit_length()


def _power(base: Fraction, exponent: Fraction) -> Fraction | None:
    if exponent.denominator == 1:
        if _bits(base) * abs(exponent) > LARGEST_BITS or (base == 0 and exponent <= 0):
            return None
        return base ** int(exponent)
    if (
        exponent.denominator > 64
        or base < 0
        or _bits(base) * abs(exponent.numerator) > LARGEST_BITS
    ):
        return None
    top, bottom = (_root(part, exponent.denominator) for part in base.as_integer_ratio())
    if top is None or bottom is None or base == 0:
        return Fraction(0) if base == 0 and exponent > 0 else None
    return Fraction(top, bottom) ** exponent.numerator


def _root(value: int, degree: int) -> int | None:
    """The whole root of a whole number, or None if there is none."""
    low, high = 0, 1 << (value.bit_length() // degree + 1)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if middle**degree <= value else (low, middle - 1)
    return low if low**degree == value else None
