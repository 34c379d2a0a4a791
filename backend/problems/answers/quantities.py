"""Amounts with a unit: money, measures, counted things, percentages."""

from __future__ import annotations

import re

from backend.problems.answers.expressions import FUNCTIONS, ExpressionTree, names_in, number
from backend.problems.answers.kinds import Measure, Percent, Scalar, Value
from backend.problems.answers.relations import add_up
from backend.problems.answers.scalars import Inner, scalar
from backend.problems.answers.units import (
    LONE,
    SCALES,
    currency,
    product,
    read_noun,
    read_unit,
)

_PERCENT = re.compile(r"(.+?)\s*(?:%|\bper ?cent\b|\bpct\b)", re.IGNORECASE)
_MONEY = re.compile(
    r"([-+]?)\s*(US ?\$|[$€£¥₹]|USD\b|EUR\b|GBP\b|INR\b|Rs\b\.?)\s*([-+]?)\s*(\S.*)"
)
_MONEY_BEHIND = re.compile(r"(.*\S)\s*([€£¥₹$])")
_COMPOUND = re.compile(r"(\d+(?:\.\d+)?) ?([A-Za-z]+\.?)")
_UNIT_FRACTION = re.compile(
    r"(.*\S)\s*\\frac\s*\{\s*([A-Za-z]+(?:\^\{?\d\}?)?)\s*\}\s*\{\s*([A-Za-z]+(?:\^\{?\d\}?)?)\s*\}"
)
_RATE = re.compile(r"(?:/\s*|\b(?:per|an?)\s+)([A-Za-z]{2}.*)")
_SCALED = re.compile(rf"(.+?)\s+({'|'.join(SCALES)})s?")


def read_percent(text: str, inner: Inner) -> Value | None:
    found = _PERCENT.fullmatch(text)
    amount = scalar(found[1]) if found else None
    return None if amount is None else Percent(amount)


def read_money(text: str, inner: Inner) -> Value | None:
    if found := _MONEY.fullmatch(text):
        sign = "-" if "-" in (found[1], found[3]) else ""
        rate = _RATE.search(found[4])
        rest, per = (found[4][: rate.start()], rate[1]) if rate else (found[4], "")
        amount, unit = _scaled(sign + rest), read_unit(per) if per else None
        if amount is None or names_in(amount.tree) or (per and unit is None):
            return None
        money = currency(found[2])
        return Measure(amount, money if unit is None else product(money, unit, -1))
    if found := _MONEY_BEHIND.fullmatch(text):
        amount = _scaled(found[1])
        return None if amount is None else Measure(amount, currency(found[2]))
    return None


def _scaled(text: str) -> Scalar | None:
    """A scalar, also with a word such as `million` behind it."""
    if found := _SCALED.fullmatch(text):
        amount = scalar(found[1])
        if amount is None or amount.exact is None:
            return None
        value = amount.exact * 10 ** SCALES[found[2]]
        return Scalar(text, number(value), value)
    return scalar(text)


def read_quantity(text: str, inner: Inner) -> Value | None:
    """An amount and a unit behind it."""
    text = re.sub(r"\b(?:degrees?|°)\s*(celsius|fahrenheit|C|F)\b",
                  lambda found: "°" + found[1][0].upper(), text, flags=re.IGNORECASE)  # fmt: skip
    if compound := _read_compound(text, inner):
        return compound
    if found := _UNIT_FRACTION.fullmatch(text):
        amount, unit = scalar(found[1]), read_unit(f"{found[2]}/{found[3]}")
        if amount is not None and unit is not None:
            return Measure(amount, unit, scalar(text))
    for place in _unit_places(text):
        before, behind = text[:place], text[place:].strip()
        unit = read_unit(behind)
        amount = _scaled(before) if unit is not None or " " in text else None
        if amount is None:
            continue
        if unit is None:
            unit = read_noun(behind) if amount.exact is not None else None
        if unit is None:
            continue
        if behind.startswith("°") and _holds_function(amount.tree):
            continue
        symbol = behind.split("^")[0].rstrip("²³ ")
        if symbol in LONE:
            if not before.endswith(" ") or names_in(amount.tree):
                continue
            return Measure(amount, unit, scalar(text))
        return Measure(amount, unit)
    found = re.fullmatch(rf"(.+?) ({'|'.join(SCALES)})s?", text)
    return _scaled(text) if found else None


def _read_compound(text: str, inner: Inner) -> Measure | None:
    """`2 hours 30 minutes`: ever smaller units of one kind, each less than one of the last."""
    parts = _COMPOUND.findall(text)
    if len(parts) < 2 or "".join(text.split()) != "".join("".join(parts_) for parts_ in parts):
        return None
    read_parts = [read_quantity(f"{number} {unit}", inner) for number, unit in parts]
    found = [part for part in read_parts if isinstance(part, Measure)]
    return add_up(found) if len(found) == len(parts) else None


def _holds_function(tree: ExpressionTree) -> bool:
    return tree.op in FUNCTIONS or any(map(_holds_function, tree.parts))


def _unit_places(text: str) -> list[int]:
    """Where a unit may begin: at a letter that belongs to no command, behind something else."""
    return [
        found.start()
        for found in re.finditer(r"(?<![\\A-Za-z])(?<!\\)[A-Za-zμ°]", text)
        if found.start() and not re.search(r"\\[A-Za-z]*$", text[: found.start()])
        and text[: found.start()].count("{") == text[: found.start()].count("}")
    ]  # fmt: skip
