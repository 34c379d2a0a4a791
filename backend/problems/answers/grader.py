"""Whether an answer means the same as the right one, and why."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, TypeAlias

from backend.problems.exact import canonical, exact

GRADER_VERSION = 2
"""Grows whenever a pair of answers may be judged otherwise than before. What is stored names the
version that judged it; 1 is what judged before versions were named."""

Algebra: TypeAlias = Callable[[str, str], bool | None]
"""Whether two expressions are the same, by an algebra system; None where that is undecided."""


class AnswerVerdict(NamedTuple):
    """Whether two answers mean the same (None: undecided), why, and as what each was read."""

    equal: bool | None
    reason: str
    read_given: str
    read_right: str


def grade_answer(
    given: str,
    right: str,
    *,
    question: str = "",
    tolerance: float | None = None,
    algebra: Algebra | None = None,
) -> AnswerVerdict:
    """Whether `given` means the same as the right answer.

    `question` and `tolerance` (a relative difference) decide whether a rounded decimal is enough;
    without `algebra` expressions are undecided. Never raises, whatever the texts hold.
    """
    read_given, read_right = _describe(given), _describe(right)
    if canonical(given) == canonical(right):
        return AnswerVerdict(True, "both are the same", read_given, read_right)
    if exact(given) is not None and exact(right) is not None:
        return AnswerVerdict(False, "the numbers differ", read_given, read_right)
    equal = None if algebra is None else algebra(right, given)
    said = {True: "equal by algebra", False: "different by algebra", None: "undecided"}[equal]
    return AnswerVerdict(equal, said, read_given, read_right)


def _describe(answer: str) -> str:
    return ("text " if exact(answer) is None else "number ") + canonical(answer[:80])


__all__ = ["GRADER_VERSION", "Algebra", "AnswerVerdict", "grade_answer"]
