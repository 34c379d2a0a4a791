"""The grade of an answer to a problem whose right answer is a text."""

from __future__ import annotations

from collections.abc import Sequence

from backend.problems.answers.grader import Algebra, grade_answer
from backend.problems.base import Grade, Problem

SHOWN = 80
"""Characters of an answer in a reason."""


def grade_text(problem: Problem, right: str, answer: str, algebra: Algebra | None) -> Grade:
    """The grade of an answer against the right one, or against each of the answers that the problem
    accepts: right if it equals one, wrong if it equals none. The question and the tolerance of the
    problem decide whether a rounded number is enough. Without `algebra` only what reading
    decides."""
    grades = list[Grade]()
    for accepted in accepted_answers(problem, right):
        grades.append(_grade_against(problem, accepted, answer, algebra))
        if grades[-1].correct:
            return grades[-1]
    return next((grade for grade in grades if grade.correct is None), grades[0])


def accepted_answers(problem: Problem, right: str) -> Sequence[str]:
    """All answers that a problem accepts; the right one alone where it names no others."""
    accepted = problem.meta.get("accepted")
    named = [each for each in accepted if isinstance(each, str)] if accepted else []
    return named or [right]


def _grade_against(problem: Problem, right: str, answer: str, algebra: Algebra | None) -> Grade:
    tolerance = problem.meta.get("tolerance")
    verdict = grade_answer(
        answer, right, question=problem.question, tolerance=tolerance, algebra=algebra
    )
    given, expected = answer.strip()[:SHOWN], right[:SHOWN]
    if verdict.equal is None:
        said = f"undecided whether {given!r} equals {expected!r}"
        return Grade(None, f"{said} ({verdict.read_given}, {verdict.read_right})")
    how = "by algebra" if verdict.by_algebra else "exactly"
    return Grade(
        verdict.equal,
        f"{given} {'equals' if verdict.equal else 'is not'} {expected}, compared {how}",
    )
