"""Equations, inequalities, assignments, and lists of them."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from fractions import Fraction

from backend.problems.answers.expressions import FUNCTIONS, GREEK, names_in, number
from backend.problems.answers.kinds import (
    Assignment,
    ChoiceLetter,
    Collection,
    IntervalUnion,
    Measure,
    OrderChain,
    Relation,
    Scalar,
    System,
    Text,
    Value,
    ValueInterval,
)
from backend.problems.answers.places import split_at
from backend.problems.answers.scalars import Inner, as_spans, scalar
from backend.problems.answers.values import approximate

_SIGN = re.compile(r"[=<>≤≥≠∈≈]|\\equiv")
NEAR = 0.05
"""How far two sides of `≈` may be apart, relatively."""
_FLIPPED = {">": "<", "≥": "≤"}
_SIMPLE_NAME = re.compile(
    r"(?:[A-Za-z]|\\[A-Za-z]+)\s*(?:_\s*(?:\{[A-Za-z0-9,]{1,12}\}|[A-Za-z0-9]))?"
)
_LONG_NAME = re.compile(
    r"[A-Z]{2,6}|[A-Za-z]{3,20}(?: [A-Za-z]{2,20}){0,3}|\\angle\s*[A-Za-z]{1,3}"
)
_FUNCTION_NAME = re.compile(
    r"[fghFGHpquvystrVSTNCRa](?:_\{?\w\}?)?'{0,2}\(\s*(?:\w|\\[a-z]+)(?:\s*,\s*\w)*\s*\)"
    r"|[PE]\(.{1,40}\)"
)


def read_relation(text: str, inner: Inner) -> Value | None:
    """A text with relation signs that no bracket encloses."""
    parts, signs = split_at(text, _SIGN)
    if not signs or len(signs) > 20 or not all(part.strip() for part in parts):
        return None
    if signs[-1] == "≈":
        return _approximated(parts, signs, inner)
    if signs == ["="]:
        return _equation(parts[0].strip(), parts[1].strip(), inner)
    if set(signs) == {"="}:
        return _equalities(parts, inner)
    if signs == ["∈"]:
        return _membership(parts[0], parts[1], inner)
    sides = [scalar(part) for part in parts]
    scalars = [side for side in sides if side is not None]
    if len(scalars) != len(sides):
        return None
    if signs == ["≠"]:
        return Relation("≠", *scalars)
    return _order(scalars, signs)


def _approximated(parts: list[str], signs: list[str], inner: Inner) -> Value | None:
    """`x ≈ 1.41` is the decimal; `x = √2 ≈ 1.414` and `√2 ≈ 1.414` are what stands before the
    sign, if the two are near."""
    name = name_of(parts[0])
    if len(parts) == 2 and name is not None:
        return _equation(parts[0].strip(), parts[1].strip(), inner)
    before, behind = (scalar(part) for part in parts[-2:])
    if before is None or behind is None:
        return None
    exact, rounded = approximate(before.tree), approximate(behind.tree)
    if exact is None or rounded is None or not math.isclose(exact, rounded, rel_tol=NEAR):
        return None
    return before if len(parts) == 2 else read_relation(_written(parts[:-1], signs[:-1]), inner)


def _written(parts: list[str], signs: list[str]) -> str:
    return "".join(part + sign for part, sign in zip(parts, [*signs, ""], strict=True))


def name_of(text: str) -> str | None:
    """The name that a text is, without spaces, or None if it is none."""
    text = text.strip()
    simple = _SIMPLE_NAME.fullmatch(text)
    if simple and (not text.startswith("\\") or text[1:].split("_")[0].strip() in GREEK):
        name = re.sub(r"[\s{}]", "", text)
        return None if name in ("e", "i") else name
    if text.casefold() in FUNCTIONS or set(text) <= set("xyz"):
        return None
    if _LONG_NAME.fullmatch(text) or _FUNCTION_NAME.fullmatch(text):
        return re.sub(r"[\s{}]", "", text)
    return None


def _equation(left: str, right: str, inner: Inner) -> Value | None:
    name, value = name_of(left), inner.item(right)
    if system := _componentwise(left, right, inner):
        return system
    if name is None and name_of(right) is not None:
        swapped = inner.value(left)
        if isinstance(swapped, Scalar) and not names_in(swapped.tree):
            return _equation(right, left, inner)
    sides = scalar(left), scalar(right)
    relation = None
    if sides[0] is not None and sides[1] is not None:
        relation = Relation("=", sides[0], sides[1])
    if name is not None and value is not None and not isinstance(value, ChoiceLetter):
        plain = relation if _SIMPLE_NAME.fullmatch(left) else None
        return Assignment(name, value, plain)
    if relation is not None and not names_in(relation.left.tree) | names_in(relation.right.tree):
        return _settled(relation.left, relation.right)
    return relation


def _componentwise(left: str, right: str, inner: Inner) -> System | None:
    """`(x,y) = (2,3)`."""
    if not left.startswith("("):
        return None
    names = [name_of(part) for part in left[1:-1].split(",")]
    value = inner.value(right)
    if not isinstance(value, Collection) or value.shape != "tuple" or None in names:
        return None
    if len(value.items) != len(names) or len(set(names)) != len(names):
        return None
    pairs = zip(names, value.items, strict=True)
    found = [Assignment(name, item) for name, item in pairs if name is not None]
    return System(tuple(sorted(found, key=lambda each: each.name)))


def _settled(left: Scalar, right: Scalar) -> Value | None:
    """A true equation between numbers is its right side: `3+5=8`."""
    return right if left.exact is not None and left.exact == right.exact else None


def _equalities(parts: Sequence[str], inner: Inner) -> Value | None:
    """`x = 10/2 = 5`, where all that is said is true of numbers."""
    name = name_of(parts[0])
    scalars = [scalar(part) for part in (parts if name is None else parts[1:])]
    values = [None if each is None else each.exact for each in scalars]
    last = scalars[-1]
    if last is None or values[0] is None or len(set(values)) != 1:
        return None
    return last if name is None else _equation(parts[0].strip(), parts[-1].strip(), inner)


def _membership(left: str, right: str, inner: Inner) -> Value | None:
    name, value = name_of(left), inner.value(right)
    spans = as_spans(value)
    if name is None or value is None:
        return None
    if spans is not None and spans.name is None:
        return IntervalUnion(spans.parts, name)
    if isinstance(value, Collection) and value.shape == "set":
        return Assignment(name, Collection("list", value.items))
    return None


def _order(sides: list[Scalar], signs: list[str]) -> Value | None:
    """A chain of order, written from the smallest on."""
    if all(sign in _FLIPPED for sign in signs):
        sides, signs = sides[::-1], [_FLIPPED[sign] for sign in signs[::-1]]
    if not all(sign in "<≤" for sign in signs):
        return None
    closed = [sign == "≤" for sign in signs]
    names = [name_of(side.text) for side in sides]
    constant = [not names_in(side.tree) for side in sides]
    infinite = _infinity("-∞"), _infinity("∞")
    if len(sides) == 2 and names[0] and constant[1]:
        return IntervalUnion((ValueInterval(infinite[0], sides[1], False, closed[0]),), names[0])
    if len(sides) == 2 and names[1] and constant[0]:
        return IntervalUnion((ValueInterval(sides[0], infinite[1], closed[0], False),), names[1])
    if len(sides) == 3 and names[1] and constant[0] and constant[2]:
        return IntervalUnion((ValueInterval(sides[0], sides[2], *closed),), names[1])
    if len(sides) == 2:
        return Relation(signs[0], sides[0], sides[1])
    return OrderChain(tuple(signs), tuple(sides))


def _infinity(text: str) -> Scalar:
    found = scalar(text)
    assert found is not None
    return found


def join(items: list[Value], marks: list[str]) -> Value | None:
    """What values side by side are together."""
    first, rest = items[0], items[1:]
    if all(isinstance(item, Assignment) for item in items):
        return _join_assignments([item for item in items if isinstance(item, Assignment)])
    if all(isinstance(item, Measure) for item in items) and set(marks) <= {"and", ",", ", and"}:
        total = add_up([item for item in items if isinstance(item, Measure)])
        if total is not None:
            return total
    plain = not any(isinstance(item, Assignment | Relation | IntervalUnion | Text) for item in rest)
    if isinstance(first, Assignment) and plain:
        return Assignment(first.name, Collection("list", (first.value, *rest)))
    if all(isinstance(item, IntervalUnion) and item.name for item in items):
        return _join_spans([item for item in items if isinstance(item, IntervalUnion)], marks)
    lettered = any(isinstance(item, Text | ChoiceLetter) or _is_letter(item) for item in items)
    paired = len(items) == 2 and marks in (["and"], ["or"])
    dotted = any(isinstance(item, Text) and item.form == "…" for item in items)
    return Collection("sequence" if dotted or (lettered and not paired) else "list", tuple(items))


def add_up(parts: list[Measure]) -> Measure | None:
    """`2 hours and 30 minutes` as one quantity, in the unit of the last part; None where the parts
    are not of one kind in ever smaller units, each less than one unit of the part before."""
    last = parts[-1].unit
    total = Fraction(0)
    for place, part in enumerate(parts):
        if part.amount.exact is None or part.unit.dimensions != last.dimensions:
            return None
        size = part.amount.exact * part.unit.factor
        if place and not 0 <= size < parts[place - 1].unit.factor:
            return None
        total += size
    amount = total / last.factor
    return Measure(Scalar(str(amount), number(amount), amount), last)


def _is_letter(item: Value) -> bool:
    return isinstance(item, Scalar) and item.tree.op == "name"


def _join_assignments(items: list[Assignment]) -> Value:
    names = {item.name for item in items}
    if len(names) == 1:
        return Assignment(items[0].name, Collection("list", tuple(item.value for item in items)))
    if len(names) == len(items):
        return System(tuple(sorted(items, key=lambda item: item.name)))
    return Collection("list", tuple(items))


def _join_spans(items: list[IntervalUnion], marks: list[str]) -> Value | None:
    names = {item.name for item in items}
    spans = [span for item in items for span in item.parts]
    if len(names) > 1:
        return Collection("list", tuple(items))
    name = names.pop()
    if not any("or" in mark for mark in marks):
        crossed = _intersection(spans)
        if crossed is not None:
            return IntervalUnion((crossed,), name)
    return union(spans, name)


def union(spans: list[ValueInterval], name: str | None) -> IntervalUnion | None:
    """Intervals in order, or None where their bounds cannot be ordered."""
    keys = [approximate(span.low.tree) for span in spans]
    if None in keys:
        return None
    order = sorted(range(len(spans)), key=lambda place: keys[place] or 0.0)
    return IntervalUnion(tuple(spans[place] for place in order), name)


def _intersection(spans: list[ValueInterval]) -> ValueInterval | None:
    """What all intervals have in common; None where that is nothing, or not known."""
    lows = [(approximate(span.low.tree), not span.low_closed) for span in spans]
    highs = [(approximate(span.high.tree), span.high_closed) for span in spans]
    if any(value is None for value, _ in (*lows, *highs)):
        return None
    low = max(range(len(spans)), key=lambda place: (lows[place][0] or 0.0, lows[place][1]))
    high = min(range(len(spans)), key=lambda place: (highs[place][0] or 0.0, highs[place][1]))
    if (lows[low][0] or 0.0) >= (highs[high][0] or 0.0):
        return None
    one, other = spans[low], spans[high]
    return ValueInterval(one.low, other.high, one.low_closed, other.high_closed)
