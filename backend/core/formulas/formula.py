r"""What a formula is: a plain function, the symbols and meanings of its inputs, and its LaTeX.

The function computes, in a strategy as in a page. Its inputs say in their annotations what they
are, and its decorator says how it is written:

    Visits = Annotated[int, Input("N", "visits", low=0)]

    @formula("UCT", r"$q + $c\sqrt{\frac{\ln\max(1, $parent_n)}{\max(1, $n)}}")
    def uct(q: Mean, n: Visits, parent_n: ParentVisits, c: Exploration) -> float:
        return q + c * math.sqrt(math.log(max(1, parent_n)) / max(1, n))

That is the whole declaration: `FORMULAS["uct"]` then holds it for the catalogue and for the pages.
A function that returns a sequence is a formula of each of its elements; element i is written with
index i, `$place` is i (from 0) and `$result` stands for elements that were made before.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, NamedTuple, ParamSpec, TypeVar, get_type_hints

from backend.core.formulas.latex import (
    Case,
    Number,
    Over,
    Spot,
    as_text,
    fill,
    in_place,
    names_of,
    tex,
)

P = ParamSpec("P")
Result = TypeVar("Result", bound=float | Sequence[float])

PLACE, RESULT = "place", "result"
OWN = (PLACE, RESULT)
"""What a template of a vector may mention beside the inputs."""

_THIN = r"\,"


@dataclass(frozen=True)
class Input:
    """An input of a formula: its symbol in LaTeX, what it means, its unit ("" for a pure number)
    and its range. `each`: a sequence with one value an element; `whole`: a whole number."""

    symbol: str
    meaning: str
    low: float = -math.inf
    high: float = math.inf
    unit: str = ""
    each: bool = False
    whole: bool = False


class Term(NamedTuple):
    """A symbol of a formula as text, what it means, and its value here."""

    symbol: str
    meaning: str
    value: float


@dataclass(frozen=True)
class Shown:
    """A formula with numbers put in: `symbols` and `numbers` are LaTeX, as is `left`, what the
    value is called ("" for no name). `value` is what it gives, `terms` are its inputs but for those
    with one value an element."""

    title: str
    left: str
    symbols: str
    numbers: str
    value: float
    terms: tuple[Term, ...]


@dataclass(frozen=True)
class Formula:
    """A formula of a strategy. `value` computes it; `cases` are its templates, more than one where
    it is defined piece by piece; `parts` are sums that the templates mention by name; `left` is
    what the value is called, in LaTeX."""

    name: str
    title: str
    summary: str
    value: Callable[..., float | Sequence[float]]
    inputs: Mapping[str, Input]
    cases: tuple[Case, ...]
    parts: Mapping[str, Over] = field(default_factory=dict)
    left: str = ""
    vector: bool = False

    @property
    def latex(self) -> str:
        """The formula in symbols."""
        made = [fill(case.template, self._symbol, _THIN) for case in self.cases]
        if len(made) > 1:
            lines = [
                f"{line} & {fill(case.condition, self._symbol, _THIN)}"
                for line, case in zip(made, self.cases, strict=True)
            ]
            made = [r"\begin{cases} " + r" \\ ".join(lines) + r" \end{cases}"]
        return f"{self.value_name} = {made[0]}" if self.left else made[0]

    @property
    def value_name(self) -> str:
        """What the value is called, with the index of an element."""
        return f"{self.left}_i" if self.vector and self.left else self.left

    def _symbol(self, name: str, spot: Spot | None = None, index: str = "i") -> str:
        if name in self.parts:
            return self.parts[name].symbols(lambda one: self._symbol(one, index="j"))
        if name in OWN:
            return index if name == PLACE else f"{self.left}_{index}"
        given = self.inputs[name]
        return f"{given.symbol}_{index}" if given.each else given.symbol

    def show(self, inputs: Mapping[str, Any], at: int = 0, number: Number = tex) -> Shown:
        """The formula with the inputs that it declares; others may be among them and are left
        alone. `at` is the element, where it is one of many. Raises `KeyError` where one is
        missing."""
        given = {name: inputs[name] for name in self.inputs}
        found = self.value(**given)
        results = tuple(found) if isinstance(found, Sequence) else ()
        own = {PLACE: at} if self.vector else {}
        case = next(case for case in self.cases if case.holds(**given, **own))
        return Shown(
            self.title,
            self.value_name,
            self.latex,
            _Filled(self, given, results, number).numbers(case.template, at),
            found if isinstance(found, float | int) else found[at],
            self._terms(given, at if self.vector else None),
        )

    def _terms(self, given: Mapping[str, Any], at: int | None) -> tuple[Term, ...]:
        found = []
        for name, one in self.inputs.items():
            if not one.each:
                found.append(Term(as_text(one.symbol), describe(one), given[name]))
            elif at is not None:
                found.append(Term(as_text(f"{one.symbol}_i"), describe(one), given[name][at]))
        return tuple(found)


def describe(one: Input) -> str:
    """What an input means, with its unit."""
    return f"{one.meaning}, {one.unit}" if one.unit else one.meaning


class _Filled(NamedTuple):
    """A formula whose inputs are known."""

    formula: Formula
    given: Mapping[str, Any]
    result: Sequence[float]
    number: Number

    def numbers(self, template: str, at: int) -> str:
        """A template with the numbers of element `at`."""

        def replace(name: str, spot: Spot) -> str:
            part = self.formula.parts.get(name)
            if part is not None:
                return part.numbers(self._count(), at, self.numbers, spot.first and spot.last)
            return in_place(self._value(name, at), self.number, spot)

        return fill(template, replace, r"\cdot")

    def _value(self, name: str, at: int) -> float:
        if name in OWN:
            return at if name == PLACE else self.result[at]
        value = self.given[name]
        return float(value[at]) if self.formula.inputs[name].each else float(value)

    def _count(self) -> int:
        return next(len(self.given[name]) for name, one in self.formula.inputs.items() if one.each)


_FORMULAS: dict[str, Formula] = {}
FORMULAS: Mapping[str, Formula] = MappingProxyType(_FORMULAS)
"""All formulas by name, in order of declaration."""


def always(**inputs: object) -> bool:
    """The condition of a formula with one case."""
    return True


def formula(
    title: str,
    latex: str | tuple[Case, ...],
    *,
    left: str = "",
    names: tuple[str, ...] = (),
    **parts: Over,
) -> Callable[[Callable[P, Result]], Callable[P, Result]]:
    """Declare a function to be a formula; the function itself stays as it is. `names` are those
    that strategies know it by, if not by the function's own. Raises `ValueError` where an input
    is not described, or is not mentioned by the LaTeX."""
    cases = (Case(latex, "", always),) if isinstance(latex, str) else latex

    def declare(function: Callable[P, Result]) -> Callable[P, Result]:
        for name in names or (function.__name__,):
            made = Formula(
                name,
                title,
                inspect.getdoc(function) or "",
                function,
                _inputs(function),
                cases,
                parts,
                left,
                _is_vector(function),
            )
            _check(made)
            _FORMULAS[name] = made
        return function

    return declare


def _inputs(function: Callable[..., object]) -> dict[str, Input]:
    hints = get_type_hints(function, include_extras=True)
    hints.pop("return")
    found: dict[str, Input] = {}
    for name, hint in hints.items():
        described_by = [one for one in getattr(hint, "__metadata__", ()) if isinstance(one, Input)]
        if not described_by:
            raise ValueError(f"input {name!r} of formula {function.__name__!r} is not described")
        found[name] = described_by[0]
    return found


def _is_vector(function: Callable[..., object]) -> bool:
    return get_type_hints(function)["return"] not in (float, int, bool)


def _check(one: Formula) -> None:
    if one.name in _FORMULAS:
        raise ValueError(f"formula {one.name!r} is declared twice")
    templates = [case.template for case in one.cases] + [case.condition for case in one.cases]
    mentioned = names_of([*templates, *(part.template for part in one.parts.values())])
    known = {*one.inputs, *one.parts, *OWN}
    if unknown := mentioned - known:
        raise ValueError(f"the LaTeX of {one.name!r} mentions {sorted(unknown)}, no inputs of it")
    if unused := {*one.inputs, *one.parts} - mentioned:
        raise ValueError(f"the LaTeX of {one.name!r} does not mention {sorted(unused)}")


def show(function: Callable[P, Result], at: int = 0) -> Callable[P, Shown]:
    """The function that shows a formula, in place of the one that computes it: it takes the same
    inputs. `at` is the element, where the formula is one of many."""
    made = next(one for one in FORMULAS.values() if one.value is function)

    def put_in(*args: P.args, **kwargs: P.kwargs) -> Shown:
        bound = inspect.signature(function).bind(*args, **kwargs)
        bound.apply_defaults()
        return made.show(bound.arguments, at)

    return put_in
