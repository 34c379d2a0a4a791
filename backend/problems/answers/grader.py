"""Whether an answer means the same as the right one, and why: for grades, votes and imports alike.

Both texts are read as values of a type (`reading`) and compared within the type, or over one of a
short list of bridges (`equality`). Nothing that stands in an answer is left out of the comparison.
"""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

from backend.core.spec import NEWEST
from backend.problems.answers.equality import Algebra, AnswerComparison, Close, Mode, never_close
from backend.problems.answers.kinds import (
    Assignment,
    IntervalUnion,
    Measure,
    Scalar,
    System,
    describe,
)
from backend.problems.answers.reading import LONGEST_ANSWER, read
from backend.problems.answers.rounding import (
    asks_for_rounding,
    is_rounded,
    is_within,
    places_asked,
)
from backend.problems.exact import canonical

GRADER_VERSION = NEWEST.grader
"""What is stored names the version that judged it; 1 is what judged before versions were named."""
SHOWN = 120
"""Characters of a reading that are told."""


class AnswerVerdict(NamedTuple):
    """Whether two answers mean the same (None: undecided), why, as what each was read, and whether
    an algebra system was asked."""

    equal: bool | None
    reason: str
    read_given: str
    read_right: str
    by_algebra: bool = False


def grade_answer(
    given: str,
    right: str,
    *,
    question: str = "",
    tolerance: float | None = None,
    algebra: Algebra | None = None,
) -> AnswerVerdict:
    """Whether `given` means the same as the right answer.

    A missing unit, base, degree or percent sign is forgiven. `question` and `tolerance` (a relative
    difference) decide whether a rounded decimal is enough. Without `algebra` expressions that are
    not the same at sight are undecided. Never raises, whatever the texts hold.
    """
    return _judge(given, right, "reference", algebra, _closeness(question, tolerance))


def same_answer(one: str, other: str, algebra: Algebra | None = None) -> bool | None:
    """Whether two answers are the same by the strict relation, which makes the classes of a vote:
    nothing missing is forgiven, no number is rounded."""
    return _judge(one, other, "strict", algebra, never_close).equal


def bare_form(answer: str) -> str | None:
    """What an answer is without its unit, its name or its inequality: `12` for `12 cm` and for
    `x = 12`, `(1,4)` for `1<x<4`. None if it has nothing of that kind."""
    value = read(answer)
    match value:
        case Measure():
            return value.amount.text
        case Assignment(value=Scalar() as right):
            return right.text
        case Assignment(value=Measure() as right):
            return f"{right.amount.text} {right.unit.written}"
        case IntervalUnion(parts=(span,)):
            opening, closing = "[" if span.low_closed else "(", "]" if span.high_closed else ")"
            text = f"{opening}{span.low.text},{span.high.text}{closing}"
            return None if value.name is None and "∞" not in text and opening == "[" else text
        case System() if all(isinstance(each.value, Scalar) for each in value.assignments):
            values = [each.value for each in value.assignments]
            return f"({','.join(each.text for each in values if isinstance(each, Scalar))})"
    return None


def _closeness(question: str, tolerance: float | None) -> Close:
    if tolerance is not None:
        return partial(is_within, tolerance=tolerance)
    if asks_for_rounding(question):
        return partial(is_rounded, places=places_asked(question))
    return never_close


def _judge(
    given: str, right: str, mode: Mode, algebra: Algebra | None, close: Close
) -> AnswerVerdict:
    values = read(given), read(right)
    shown = _shorten(describe(values[0])), _shorten(describe(values[1]))
    if max(len(given), len(right)) > LONGEST_ANSWER:
        same = canonical(given) == canonical(right) or None
        return AnswerVerdict(same, "the same text" if same else "too long to be compared", *shown)
    if canonical(given) == canonical(right):
        return AnswerVerdict(True, "the same text", *shown)
    comparison = AnswerComparison(mode, algebra, close)
    equal = comparison.same(*values)
    reason = _reason(equal, comparison, *map(_kind, shown))
    return AnswerVerdict(equal, reason, *shown, by_algebra=comparison.asked > 0)


def _reason(equal: bool | None, comparison: AnswerComparison, given: str, right: str) -> str:
    how = " by algebra" if comparison.asked else ""
    if equal is None:
        return f"undecided{how}: {given} and {right}"
    if given == right:
        return f"two of the same type ({given}), {'equal' if equal else 'different'}{how}"
    if equal:
        return f"{given} and {right}, equal{how}"
    return f"{given} and {right} are not the same answer{how}"


def _kind(shown: str) -> str:
    return shown.partition(" ")[0]


def _shorten(text: str) -> str:
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 3]}..."


__all__ = ["GRADER_VERSION", "Algebra", "AnswerVerdict", "bare_form", "grade_answer", "same_answer"]
