"""The types of answers: what a text was read as."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TypeAlias

from backend.problems.answers.expressions import ExpressionTree
from backend.problems.answers.units import Unit

LARGEST_SHOWN = 10**60
"""Numbers from here on are shown as they were written."""


@dataclass(frozen=True)
class Scalar:
    """A number or an expression. `exact` is its value where that is rational and was found without
    algebra; `places` is the number of decimals of a written decimal, else None."""

    text: str
    tree: ExpressionTree
    exact: Fraction | None
    places: int | None = None


@dataclass(frozen=True)
class Percent:
    """So many hundredths."""

    amount: Scalar


@dataclass(frozen=True)
class Measure:
    """An amount with a unit: lengths, durations, money, angles, counted things."""

    amount: Scalar
    unit: Unit
    plain: Scalar | None = None
    """The same text read without units, where its unit may also be a variable (`2 m`)."""


@dataclass(frozen=True)
class TimeOfDay:
    """A time of day, on the clock of 24 hours."""

    hour: int
    minute: int
    second: int | None


@dataclass(frozen=True)
class Day:
    """A date; no year where none was written. With `either` day and month could be exchanged."""

    year: int | None
    month: int
    day: int
    either: bool = False


@dataclass(frozen=True)
class Proportion:
    """Parts in a proportion; `open` where it goes on with dots."""

    parts: tuple[Scalar, ...]
    open: bool = False


@dataclass(frozen=True)
class BaseNumber:
    """Digits in a named base."""

    digits: str
    base: int


@dataclass(frozen=True)
class GameScore:
    """The result of a game, `3-0`, or a range of whole numbers."""

    left: str
    right: str


@dataclass(frozen=True)
class Collection:
    """Several answers: a `list` and a `set` have no order, a `tuple`, a `sequence` (of words, or
    with dots) and `square` brackets have one."""

    shape: str
    items: tuple[Value, ...]


@dataclass(frozen=True)
class ValueInterval:
    """An interval between two bounds, each open or closed."""

    low: Scalar
    high: Scalar
    low_closed: bool
    high_closed: bool


@dataclass(frozen=True)
class IntervalUnion:
    """A union of intervals, of the values of `name` where an inequality said so."""

    parts: tuple[ValueInterval, ...]
    name: str | None = None


@dataclass(frozen=True)
class Relation:
    """An equation or inequality between expressions: `=`, `<`, `≤` or `≠`."""

    sign: str
    left: Scalar
    right: Scalar


@dataclass(frozen=True)
class OrderChain:
    """A chain of one strict or weak order: the smallest first."""

    signs: tuple[str, ...]
    parts: tuple[Scalar, ...]


@dataclass(frozen=True)
class Assignment:
    """What a name stands for; `relation` is the same as an equation, where it can be one."""

    name: str
    value: Value
    relation: Relation | None = None


@dataclass(frozen=True)
class System:
    """Assignments to several names, sorted by name."""

    assignments: tuple[Assignment, ...]


@dataclass(frozen=True)
class MatrixValue:
    """Entries by rows."""

    rows: tuple[tuple[Scalar, ...], ...]


@dataclass(frozen=True)
class ChoiceLetter:
    """The letter of an option, perhaps with the text of the option."""

    letter: str
    text: str | None = None


@dataclass(frozen=True)
class Text:
    """Anything else. `wordy` where it is plain words, so that other words are another answer."""

    form: str
    wordy: bool


Value: TypeAlias = (
    Scalar | Percent | Measure | TimeOfDay | Day | Proportion | BaseNumber | GameScore
    | Collection | IntervalUnion
    | Relation | OrderChain | Assignment | System | MatrixValue | ChoiceLetter | Text
)  # fmt: skip


def describe(value: Value) -> str:
    """A short text that says what was read."""
    match value:
        case Scalar(exact=None):
            return f"expression {value.text}"
        case Scalar():
            return f"number {_plain(value)}"
        case Percent():
            return f"percent {_plain(value.amount)}"
        case Measure():
            return f"quantity {_plain(value.amount)} {value.unit.written}"
        case TimeOfDay():
            second = "" if value.second is None else f":{value.second:02}"
            return f"time {value.hour:02}:{value.minute:02}{second}"
        case Day():
            year = "" if value.year is None else f"{value.year}-"
            return f"date {year}{value.month:02}-{value.day:02}"
        case Proportion():
            return "ratio " + ":".join(map(_plain, value.parts)) + (":..." if value.open else "")
        case BaseNumber():
            return f"base {value.base} number {value.digits}"
        case GameScore():
            return f"score {value.left}-{value.right}"
        case Collection():
            return f"{value.shape} of {len(value.items)}: " + ", ".join(map(describe, value.items))
        case _:
            return _describe_relation(value)


def _describe_relation(value: Value) -> str:
    match value:
        case IntervalUnion():
            name = "" if value.name is None else f"{value.name} in "
            return f"interval {name}" + " ∪ ".join(map(span_text, value.parts))
        case Relation():
            kind = "equation" if value.sign == "=" else "inequality"
            return f"{kind} {value.left.text} {value.sign} {value.right.text}"
        case OrderChain():
            signs = (*value.signs, "")
            pairs = zip(value.parts, signs, strict=True)
            return "order " + " ".join(f"{part.text} {sign}" for part, sign in pairs).strip()
        case Assignment():
            return f"{value.name} = {describe(value.value)}"
        case System():
            return "system " + ", ".join(map(describe, value.assignments))
        case MatrixValue():
            return f"matrix of {len(value.rows)} x {len(value.rows[0])}"
        case ChoiceLetter():
            return f"choice {value.letter}"
        case Text():
            return f"text {value.form}"
    raise AssertionError(value)


def _plain(value: Scalar) -> str:
    exact = value.exact
    if exact is None or max(abs(exact.numerator), exact.denominator) >= LARGEST_SHOWN:
        return value.text
    return str(exact)


def span_text(span: ValueInterval) -> str:
    """An interval as it is written."""
    opening, closing = "[" if span.low_closed else "(", "]" if span.high_closed else ")"
    return f"{opening}{span.low.text},{span.high.text}{closing}"
