r"""The LaTeX of formulas: a template in which `$name` stands for an input.

One template gives both pictures of a formula: with the symbols of its inputs, and with numbers in
their place. ` * ` is a product: a thin space between symbols, a dot between numbers. `Over` is a
sum or an extreme value over many, which `$name` may stand for as well; its numbers are written out
one by one. `Case` is one line of a formula that is defined piece by piece.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeAlias

NAME = re.compile(r"\$(\w+)")
SHOWN = 4
"""Summands that are written out at most; of more, the first ones and the last."""

Number: TypeAlias = Callable[[float], str]
"""How a number is written."""


def tex(value: float) -> str:
    """A number in a formula: four significant digits."""
    if math.isinf(value):
        return r"\infty" if value > 0 else r"-\infty"
    if value == int(value) and abs(value) < 1e6:
        return str(int(value))
    shown = f"{value:.4g}"
    mantissa, _, power = shown.partition("e")
    return f"{mantissa} \\cdot 10^{{{int(power)}}}" if power else shown


@dataclass(frozen=True)
class Case:
    """One piece of a formula: its template, and where it holds, in LaTeX and as a function of the
    inputs by name."""

    template: str
    condition: str
    holds: Callable[..., bool]


@dataclass(frozen=True)
class Over:
    """A sum, or the least or greatest value over elements: `template` is the term of element j.
    `among` says which elements: all of them, or for the vector that is made one by one those before
    element i, or it and those after it."""

    operator: Literal["sum", "min", "max"]
    template: str
    among: Literal["all", "before", "from"] = "all"

    def symbols(self, symbol: Callable[[str], str]) -> str:
        """With the symbol of each input for element j."""
        index = {"all": "j", "before": "j<i", "from": r"j\ge i"}[self.among]
        inner = fill(self.template, lambda name, spot: symbol(name), r"\,")
        return f"\\{self.operator}_{{{index}}} {inner}"

    def numbers(self, count: int, place: int, term: Callable[[str, int], str], alone: bool) -> str:
        """With the numbers of `count` elements; `term(template, j)` writes one of them. `alone`: no
        brackets are needed around a sum."""
        first = place if self.among == "from" else 0
        places = range(first, place if self.among == "before" else count)
        terms = [term(self.template, one) for one in _ends(places)]
        if len(places) > SHOWN:
            terms.insert(-1, r"\dots")
        if self.operator != "sum":
            return f"\\{self.operator}\\left({', '.join(terms)}\\right)"
        joined = " + ".join(terms[:1] + [_bracket(one) for one in terms[1:]]) or "0"
        return joined if alone or len(terms) < 2 else f"\\left({joined}\\right)"


def _bracket(term: str) -> str:
    """A summand after the first one: in brackets if it begins with a sign."""
    return f"\\left({term}\\right)" if term.startswith("-") else term


def _ends(places: range) -> Sequence[int]:
    """All places, or of too many the first ones and the last."""
    return places if len(places) <= SHOWN else [*places[: SHOWN - 1], places[-1]]


class Spot(NamedTuple):
    """Where in a template a name stands: whether nothing stands before it, or nothing after it, in
    its brackets, and whether it is raised to a power."""

    first: bool
    last: bool
    raised: bool


def fill(template: str, replace: Callable[[str, Spot], str], product: str) -> str:
    """A template with every `$name` replaced by what `replace` makes of it at its spot."""

    def one(found: re.Match[str]) -> str:
        return replace(found[1], _spot(template[: found.start()], template[found.end() :]))

    template = template.replace(" * ", f" {product} ")
    return NAME.sub(one, template)


def _spot(before: str, after: str) -> Spot:
    left, right = before.rstrip()[-1:], after.lstrip()[:1]
    return Spot(not left or left in "{(,", not right or right in "}),", right == "^")


def names_of(templates: Sequence[str]) -> set[str]:
    """The names that templates mention."""
    return {name for template in templates for name in NAME.findall(template)}


def in_place(value: float, number: Number, spot: Spot) -> str:
    """A number where a template asks for one: in brackets where its sign, or the product that it is
    written as, would be taken for something else."""
    written = number(value)
    bare = spot.first and not spot.raised if value < 0 else spot.first and spot.last
    return f"\\left({written}\\right)" if not bare and _compound(value, written) else written


def _compound(value: float, written: str) -> bool:
    return value < 0 or r"\cdot" in written


LETTERS: Mapping[str, str] = {
    r"\alpha": "α",
    r"\beta": "β",
    r"\gamma": "γ",
    r"\ell": "ℓ",
    r"\epsilon": "ε",
    r"\kappa": "κ",
    r"\lambda": "λ",
    r"\nu": "ν",
    r"\psi": "ψ",
    r"\tau": "τ",
    r"\theta": "θ",
    r"\ln": "ln ",
}
_SMALL = str.maketrans("0123456789ijkmnp", "₀₁₂₃₄₅₆₇₈₉ᵢⱼₖₘₙₚ")
_RAISED = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


def as_text(symbol: str) -> str:
    r"""A symbol as text, for a table: `\lambda_1` is λ₁, `\bar y` is ȳ, `\text{cut}` is cut."""
    for name, letter in LETTERS.items():
        symbol = symbol.replace(name, letter)
    symbol = re.sub(r"\\bar ?(\w)", "\\1\u0304", symbol)
    symbol = re.sub(r"\\text\{([^}]*)\}", r"\1", symbol)
    symbol = re.sub(r"_\{?([0-9ijkmnp]+)\}?", lambda found: found[1].translate(_SMALL), symbol)
    return re.sub(r"\^\{?([0-9]+)\}?", lambda found: found[1].translate(_RAISED), symbol)
