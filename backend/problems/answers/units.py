"""Units with exact factors: what is convertible, and by how much.

A unit is a product of powers of base dimensions with an exact factor. Units of everyday problems
only; a noun that is no unit (`8 apples`) is a dimension of its own.
"""

from __future__ import annotations

import re
from fractions import Fraction
from typing import NamedTuple

from backend.problems.answers.words import words


class Unit(NamedTuple):
    """Powers of base dimensions, sorted by name, the factor to their base units, and how it was
    written."""

    dimensions: tuple[tuple[str, int], ...]
    factor: Fraction
    written: str


def _table(text: str) -> dict[str, tuple[str, int, Fraction]]:
    """Lines `dimension power: factor names`, names separated by `|`."""
    found: dict[str, tuple[str, int, Fraction]] = {}
    for line in text.strip().splitlines():
        head, _, body = line.partition(":")
        dimension, power = head.split()
        for part in body.split(","):
            factor, *names = part.split()
            for name in " ".join(names).split("|"):
                found[name.strip()] = (dimension, int(power), Fraction(factor))
    return found


UNITS = _table(
    """
    length 1: 1 m|meter|metre, 1/1000 mm|millimeter|millimetre, 1/100 cm|centimeter|centimetre
    length 1: 1/10 dm|decimeter|decimetre, 1000 km|kilometer|kilometre, 127/5000 in|inch|inche
    length 1: 381/1250 ft|foot|feet, 1143/1250 yd|yard, 201168/125 mi|mile, 1852 nmi
    length 1: 1/1000000 μm|micrometer|micron, 1/1000000000 nm|nanometer
    mass 1: 1 kg|kilogram|kilo, 1/1000 g|gram|gramme, 1/1000000 mg|milligram, 1000 tonne
    mass 1: 45359237/100000000 lb|lbs|pound, 45359237/1600000000 oz|ounce
    time 1: 1 s|sec|second, 60 min|minute, 3600 h|hr|hour, 86400 day, 604800 week
    time 1: 1/1000 ms|millisecond
    months 1: 1 month, 12 year|yr
    length 3: 1/1000 L|l|liter|litre, 1/1000000 mL|ml|milliliter|millilitre|cc, 1/100000 cL|cl
    length 3: 1/10000 dL|dl, 473176473/125000000000 gal|gallon
    length 2: 10000 ha|hectare, 40468564224/10000000 acre
    money_USD 1: 1 dollar|USD|buck, 1/100 cent|penny|pennie
    money_EUR 1: 1 EUR|euro
    money_GBP 1: 1 GBP
    money_JPY 1: 1 JPY|yen
    money_INR 1: 1 INR|rupee
    money_CNY 1: 1 CNY|yuan
    angle 1: 1 °|degree|deg, 1/60 arcminute, 1/3600 arcsecond
    celsius 1: 1 °C|celsius
    fahrenheit 1: 1 °F|fahrenheit
    kelvin 1: 1 kelvin
    radian 1: 1 rad|radian
    unit 1: 1 unit
    byte 1: 1 byte, 1000 kB, 1000000 MB, 1000000000 GB
    """
)
"""Names in the singular, with dimension, power and factor to the base unit."""

DERIVED = {
    "mph": "mi/h", "kph": "km/h", "kmh": "km/h", "fps": "ft/s", "N": "kg*m/s^2",
    "newton": "kg*m/s^2", "J": "kg*m^2/s^2", "joule": "kg*m^2/s^2", "W": "kg*m^2/s^3",
    "watt": "kg*m^2/s^3", "Pa": "kg/m/s^2", "sqft": "ft^2",
}  # fmt: skip
CURRENCIES = {
    "$": "money_USD", "€": "money_EUR", "£": "money_GBP", "¥": "money_JPY", "₹": "money_INR",
    "US$": "money_USD", "USD": "money_USD", "EUR": "money_EUR", "GBP": "money_GBP",
    "INR": "money_INR", "Rs": "money_INR",
}  # fmt: skip
LONE = frozenset("mgshLlNJW")
"""Units of one letter: read as units only behind a space and a number without variables."""

SCALES = {"hundred": 2, "thousand": 3, "million": 6, "billion": 9, "trillion": 12}
NO_NOUNS = words(
    """
    or and is not no are was were be but nor maybe perhaps about approximately wrong right
    true false plus minus times over divided by more less than least most to from of mod
    squared cubed factorial percent tenth hundredth thousandth millionth half halve third
    quarter fourth fifth sixth seventh eighth ninth negative positive if when otherwise else
    only also with without the a an in on at as for each other all any none both either
    neither between where because so then therefore hence thus it this that which remainder
    r base sin cos tan ln log exp sqrt pi infinity infinite unknown etc am pm th st nd rd
    ago instead exactly correct incorrect hundred thousand million billion trillion hundreds
    thousands millions billions trillions possibly probably dozen score up down around
    almost nearly roughly per
    """
)
"""Words behind a number that make it no count of things."""

_TOKEN = re.compile(
    r"\s*(?:(\\?[A-Za-zμ]+\.?|°\s?[CF]\b|°)|(?:\^\s*|(?<=[A-Za-z]))(\{?-?\d+\}?)|([*·/()]))"
)


def currency(sign: str) -> Unit:
    """The unit of a sign of money."""
    name = CURRENCIES[sign.replace(" ", "").removesuffix(".")]
    return Unit(((name, 1),), Fraction(1), sign)


def product(left: Unit, right: Unit, sign: int = 1) -> Unit:
    """The product of two units, or the quotient with sign -1."""
    powers = dict(left.dimensions)
    for name, power in right.dimensions:
        powers[name] = powers.get(name, 0) + sign * power
    dimensions = tuple(sorted((name, power) for name, power in powers.items() if power))
    return Unit(dimensions, left.factor * right.factor**sign, left.written)


ONE = Unit((), Fraction(1), "")


def read_unit(text: str) -> Unit | None:
    """The unit that the whole text names: symbols, words, powers, products and quotients."""
    text = text.strip()
    lowered = re.sub(r"\bsq\b\.?", "square", re.sub(r"\bcu\b\.?", "cubic", text))
    found = _read_product(lowered)
    return None if found is None else found._replace(written=" ".join(text.split()))


def read_noun(text: str) -> Unit | None:
    """What is counted, in one or two words of at least three letters (`apples`, `red balls`)."""
    words = text.casefold().split()
    if not 1 <= len(words) <= 2 or not all(word.isascii() and word.isalpha() for word in words):
        return None
    if any(len(word) < 3 or singular(word) in NO_NOUNS or word in NO_NOUNS for word in words):
        return None
    noun = " ".join(map(singular, words))
    return Unit(((f"noun {noun}", 1),), Fraction(1), text.strip())


def singular(word: str) -> str:
    """A word without the ending of the plural."""
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word


def _read_product(text: str) -> Unit | None:
    tokens = _tokens(text)
    if not tokens:
        return None
    found, sign, power, last, worded = ONE, 1, 1, ONE, False
    for token in tokens:
        if token in ("*", "·"):
            continue
        if token in ("/", "per") or (token in ("a", "an") and worded):
            sign, worded = -1, False
        elif token in ("square", "cubic"):
            power = 2 if token == "square" else 3
        elif token in ("squared", "cubed") and last is not ONE:
            extra = 1 if token == "squared" else 2
            for _ in range(extra):
                found = product(found, last, sign)
        elif token.lstrip("-").isdigit():
            if last is ONE or abs(int(token)) > 9 or int(token) == 0:
                return None
            found = product(found, last, -sign)
            for _ in range(abs(int(token))):
                found = product(found, last, sign if int(token) > 0 else -sign)
        else:
            unit = _named(token)
            if unit is None or (worded and len(token) > 3 and sign > 0 and power == 1):
                return None
            for _ in range(power):
                found = product(found, unit, sign)
            last, power, worded = unit, 1, True
            if sign < 0:
                continue
    return None if last is ONE or power != 1 else found


def _tokens(text: str) -> list[str] | None:
    tokens, place = list[str](), 0
    while place < len(text):
        match = _TOKEN.match(text, place)
        if match is None:
            return None if text[place:].strip() else tokens
        word, number, sign = match.groups()
        if sign in ("(", ")"):
            return None
        token = word or (number or "").strip("{}") or sign
        tokens.append(token.replace(" ", "") if token else "")
        place = match.end()
    return tokens


def _named(name: str) -> Unit | None:
    name = name.removesuffix(".")
    short = name.removesuffix("s") if len(name) > 2 else name
    for form in (name, short, singular(name), name.casefold(), singular(name.casefold())):
        if form in UNITS and (len(form) > 2 or form in (name, short)):
            dimension, power, factor = UNITS[form]
            return Unit(((dimension, power),), factor, name)
        if form in DERIVED and (len(form) > 2 or form == name):
            return _read_product(DERIVED[form])
    return None
