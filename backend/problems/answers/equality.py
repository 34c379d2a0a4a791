"""Whether two values are the same answer: within a type, or over one of a short list of bridges.

Two relations: `STRICT` makes the classes of a vote and is transitive; `REFERENCE` compares with a
right answer, which a given one may match without its unit, base, degree or percent sign, or without
the name that it is the value of. What is neither equal nor surely different is undecided.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Literal, TypeAlias

from backend.problems.answers.expressions import ExpressionTree, number
from backend.problems.answers.kinds import (
    Assignment,
    BaseNumber,
    ChoiceLetter,
    Collection,
    Day,
    GameScore,
    IntervalUnion,
    MatrixValue,
    Measure,
    OrderChain,
    Percent,
    Proportion,
    Relation,
    Scalar,
    System,
    Text,
    TimeOfDay,
    Value,
    ValueInterval,
)
from backend.problems.answers.scalars import as_spans

Algebra: TypeAlias = Callable[[str, str], bool | None]
"""Whether two expressions, or two equations or inequalities, are the same, by an algebra system;
None where that is undecided."""
Close: TypeAlias = Callable[[Scalar, Scalar], bool]
"""Whether two numbers that differ are close enough."""
Mode: TypeAlias = Literal["strict", "reference"]

MOST_ALGEBRA = 40
"""Questions to algebra about one pair of answers; what is beyond is undecided."""


def never_close(given: Scalar, right: Scalar) -> bool:
    """No rounding is accepted."""
    return False


@dataclass
class AnswerComparison:
    """Compares one pair of answers; counts what it asks of algebra."""

    mode: Mode = "strict"
    algebra: Algebra | None = None
    close: Close = never_close
    asked: int = field(default=0)

    def same(self, given: Value, right: Value) -> bool | None:
        """Whether two values are the same answer; None where that is undecided."""
        verdict = self.within(given, right)
        if verdict is not None or type(given) is type(right):
            return verdict
        verdict = self.across(given, right)
        if verdict is None:
            verdict = self.across(right, given)
        if verdict is not None:
            return verdict
        return None if _is_unread(given) or _is_unread(right) else False

    def within(self, given: Value, right: Value) -> bool | None:
        """Two values of one type; None for two of different types as well."""
        match given, right:
            case Scalar(), Scalar():
                return self.scalars(given, right)
            case Percent(), Percent():
                return self.scalars(given.amount, right.amount)
            case Measure(), Measure():
                return self.quantities(given, right)
            case Proportion(), Proportion():
                return self.ratios(given, right)
            case Collection(), Collection():
                return self.groups(given, right)
            case IntervalUnion(), IntervalUnion():
                return self.spans(given, right)
            case Relation(), Relation():
                return self.relations(given, right)
            case OrderChain(), OrderChain():
                if given.signs != right.signs:
                    return False
                return every(map(self.scalars, given.parts, right.parts))
            case Assignment(), Assignment():
                return self.assignments(given, right)
            case System(), System():
                return self.systems(given, right)
            case MatrixValue(), MatrixValue():
                return self.matrices(given, right)
            case ChoiceLetter(), ChoiceLetter():
                return self.choices(given, right)
            case Text(), Text():
                if given.form == right.form:
                    return True
                return False if given.wordy and right.wordy else None
            case (
                (TimeOfDay(), TimeOfDay()) | (GameScore(), GameScore())
                | (BaseNumber(), BaseNumber())
                | (Day(), Day())
            ):  # fmt: skip
                return self.plain(given, right)
        return None

    def across(self, one: Value, other: Value) -> bool | None:
        """The bridges between types, in one direction. None: there is none."""
        match one, other:
            case Percent(), Scalar():
                hundredth = self.scalars(hundredths(one.amount), other)
                if self.mode == "strict" or hundredth:
                    return hundredth
                return either((hundredth, self.scalars(one.amount, other)))
            case Collection("set", (item,)), _ if not isinstance(other, Collection):
                return self.same(item, other)
            case MatrixValue(), Collection("tuple"):
                return self.vector(one, other)
            case Relation(), Assignment() if other.relation is not None:
                return self.relations(one, other.relation)
            case ChoiceLetter(), Scalar() if other.tree.op == "name":
                return one.letter == other.tree.name and one.text is None
        return self.loosely(one, other) if self.mode == "reference" else None

    def loosely(self, one: Value, other: Value) -> bool | None:
        """The bridges to a right answer that says less, or more, than what was given."""
        match one, other:
            case Measure(), Scalar():
                if one.plain is not None and self.scalars(one.plain, other):
                    return True
                return self.scalars(one.amount, other)
            case BaseNumber(), Scalar():
                return one.digits == other.text
            case BaseNumber(), Text():
                return one.digits.casefold() == other.form
            case Proportion(), TimeOfDay() if not one.open:
                return self.ratios(one, _clock_ratio(other))
            case IntervalUnion(), Collection("tuple") if as_spans(other) is not None:
                opened = as_spans(other)
                assert opened is not None
                return self.spans(IntervalUnion(one.parts), opened)
            case Assignment(), _ if not isinstance(
                other, Relation | IntervalUnion | System | OrderChain
            ):
                return self.same(one.value, other)
            case System(), Collection():
                items = tuple(each.value for each in one.assignments)
                if other.shape == "tuple" or _is_numbered(one):
                    shape = "tuple" if other.shape == "tuple" else other.shape
                    return self.groups(Collection(shape, items), other)
            case Collection("sequence" | "list", _), Collection("sequence" | "list", _):
                return every(map(self.same, one.items, other.items))
        return None

    def scalars(self, given: Scalar, right: Scalar) -> bool | None:
        """Two numbers or expressions: exactly where both values are known, else by algebra."""
        if given.exact is not None and right.exact is not None:
            return given.exact == right.exact or self.close(given, right)
        if given.tree == right.tree or fold(given.tree) == fold(right.tree):
            return True
        if (
            "infinity" in (ends := (infinite_end(given.tree), infinite_end(right.tree)))
            or "-" in ends
        ):
            return ends[0] == ends[1]
        if self.close(given, right):
            return True
        return self.ask(given.text, right.text)

    def ask(self, given: str, right: str) -> bool | None:
        """What algebra says; in an order that does not depend on which is which."""
        if self.algebra is None or self.asked >= MOST_ALGEBRA:
            return None
        self.asked += 1
        return self.algebra(*sorted((given, right)))

    def quantities(self, given: Measure, right: Measure) -> bool | None:
        if given.unit.dimensions != right.unit.dimensions:
            if given.plain is not None and right.plain is not None:
                return given.plain.tree == right.plain.tree
            return False
        factors = given.unit.factor, right.unit.factor
        amounts = given.amount, right.amount
        if factors[0] == factors[1]:
            return self.scalars(*amounts)
        return self.scalars(*map(scaled, amounts, factors))

    def ratios(self, given: Proportion, right: Proportion) -> bool | None:
        if len(given.parts) != len(right.parts) or given.open != right.open:
            return False
        parts = (given.parts, right.parts)
        known = [[part.exact for part in side if part.exact is not None] for side in parts]
        if given.open or any(len(side) < len(given.parts) or not any(side) for side in known):
            return every(map(self.scalars, given.parts, right.parts))
        return _reduced(known[0]) == _reduced(known[1])

    def groups(self, given: Collection, right: Collection) -> bool | None:
        shapes = {given.shape, right.shape}
        if shapes <= {"list", "set"}:
            if len(shapes) == 2 and given.shape == "list":
                return self.unordered(right.items, given.items)
            items = (given.items, right.items)
            if shapes == {"set"}:
                return self.unordered(*map(self.distinct, items))
            if len(shapes) == 2:
                items = (self.distinct(given.items), right.items)
            return self.unordered(*items)
        if len(shapes) == 1 or (self.mode == "reference" and shapes == {"list", "sequence"}):
            if len(given.items) != len(right.items):
                return False
            return every(map(self.same, given.items, right.items))
        return False

    def distinct(self, items: Sequence[Value]) -> tuple[Value, ...]:
        """The items without those that an earlier one surely equals."""
        found = list[Value]()
        for item in items:
            if not any(self.same(item, other) for other in found):
                found.append(item)
        return tuple(found)

    def unordered(self, given: Sequence[Value], right: Sequence[Value]) -> bool | None:
        """Whether the items can be paired."""
        if len(given) != len(right):
            return False
        left, undecided = list(right), False
        for item in given:
            verdicts = list[bool | None]()
            for place, other in enumerate(left):
                verdicts.append(self.same(item, other))
                if verdicts[-1]:
                    del left[place]
                    break
            else:
                if None not in verdicts:
                    return False
                undecided = True
        return None if undecided else True

    def spans(self, given: IntervalUnion, right: IntervalUnion) -> bool | None:
        named = given.name is not None and right.name is not None
        if given.name != right.name and (named or self.mode == "strict"):
            return False
        if len(given.parts) != len(right.parts):
            return False
        return every(map(self.span, given.parts, right.parts))

    def span(self, given: ValueInterval, right: ValueInterval) -> bool | None:
        if (given.low_closed, given.high_closed) != (right.low_closed, right.high_closed):
            return False
        pairs = ((given.low, right.low), (given.high, right.high))
        return every(self.scalars(*pair) for pair in pairs)

    def relations(self, given: Relation, right: Relation) -> bool | None:
        """Two equations or inequalities: side by side, or one a multiple of the other."""
        if given.sign != right.sign:
            return False
        sides = [(given.left, right.left), (given.right, right.right)]
        if all(fold(one.tree) == fold(other.tree) for one, other in sides):
            return True
        written = [f"{each.left.text} {each.sign} {each.right.text}" for each in (given, right)]
        return self.ask(written[0], written[1])

    def assignments(self, given: Assignment, right: Assignment) -> bool | None:
        if given.name.casefold() == right.name.casefold():
            return self.same(given.value, right.value)
        if given.relation is not None and right.relation is not None:
            return self.relations(given.relation, right.relation)
        return False

    def systems(self, given: System, right: System) -> bool | None:
        if len(given.assignments) != len(right.assignments):
            return False
        return every(map(self.assignments, given.assignments, right.assignments))

    def matrices(self, given: MatrixValue, right: MatrixValue) -> bool | None:
        if [len(row) for row in given.rows] != [len(row) for row in right.rows]:
            return False
        return every(
            self.scalars(*pair)
            for rows in zip(given.rows, right.rows, strict=True)
            for pair in zip(*rows, strict=True)
        )

    def vector(self, matrix: MatrixValue, group: Collection) -> bool | None:
        """A column, and where a right answer is known also a row, and a tuple."""
        if all(len(row) == 1 for row in matrix.rows):
            entries = tuple(row[0] for row in matrix.rows)
        elif len(matrix.rows) == 1 and self.mode == "reference":
            entries = matrix.rows[0]
        else:
            return False
        return self.groups(Collection("tuple", entries), group)

    def choices(self, given: ChoiceLetter, right: ChoiceLetter) -> bool | None:
        if given.letter != right.letter:
            return False
        if given.text is None or right.text is None:
            return True
        return True if given.text == right.text else None

    def plain(self, given: Value, right: Value) -> bool | None:
        if isinstance(given, Day) and isinstance(right, Day) and given.either != right.either:
            sides = [(given.month, given.day), (right.month, right.day)]
            same = given.year == right.year and sides[0] in (sides[1], sides[1][::-1])
            return None if same else False
        if isinstance(given, TimeOfDay) and isinstance(right, TimeOfDay):
            times = [(each.hour, each.minute, each.second or 0) for each in (given, right)]
            return times[0] == times[1]
        return given == right


def every(verdicts: Iterable[bool | None]) -> bool | None:
    """False if one is False; else None if one is None; else True."""
    undecided = False
    for verdict in verdicts:
        if verdict is False:
            return False
        undecided = undecided or verdict is None
    return None if undecided else True


def either(verdicts: Iterable[bool | None]) -> bool | None:
    """True if one is True; else None if one is None; else False."""
    found = list(verdicts)
    return True if True in found else None if None in found else False


def infinite_end(tree: ExpressionTree) -> str:
    """`infinity` or `-` where the expression is one of the two ends of the line, else nothing."""
    if tree.op == "negative" and tree.parts[0].op == "infinity":
        return "-"
    return tree.op if tree.op == "infinity" else ""


def hundredths(amount: Scalar) -> Scalar:
    """The number that a percentage is."""
    return scaled(amount, Fraction(1, 100))


def scaled(amount: Scalar, factor: Fraction) -> Scalar:
    """An amount times an exact factor."""
    tree = ExpressionTree("product", (amount.tree, number(factor)))
    exact = None if amount.exact is None else amount.exact * factor
    return Scalar(f"({amount.text})·({factor})", tree, exact)


def fold(tree: ExpressionTree) -> ExpressionTree:
    """The expression in small letters, where no letter stands in it in both sizes; `E` and `I`
    stay, for `e` and `i` are numbers."""
    names = _names(tree)
    small = {name: name.casefold() for name in names if name not in ("E", "I")}
    return tree if len(set(small.values())) < len(small) else _renamed(tree, small)


def _names(tree: ExpressionTree) -> set[str]:
    return {tree.name} if tree.op == "name" else set[str]().union(*map(_names, tree.parts))


def _renamed(tree: ExpressionTree, names: dict[str, str]) -> ExpressionTree:
    if tree.op == "name":
        return tree._replace(name=names.get(tree.name, tree.name))
    return tree._replace(parts=tuple(_renamed(part, names) for part in tree.parts))


def _reduced(parts: Sequence[Fraction]) -> tuple[Fraction, ...]:
    first = next(part for part in parts if part)
    return tuple(part / abs(first) for part in parts)


def _clock_ratio(clock: TimeOfDay) -> Proportion:
    numbers = [clock.hour, clock.minute, *([] if clock.second is None else [clock.second])]
    return Proportion(tuple(Scalar(str(each), number(each), Fraction(each)) for each in numbers))


def _is_numbered(system: System) -> bool:
    """Whether all names are one letter with different indices (`x_1`, `x_2`)."""
    return len({each.name.partition("_")[0] for each in system.assignments}) == 1


def _is_unread(value: Value) -> bool:
    return isinstance(value, Text) and not value.wordy
