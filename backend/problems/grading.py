"""The grade of an answer to a problem whose right answer is a text."""

from __future__ import annotations

from backend.problems.answers.grader import Algebra, grade_answer
from backend.problems.base import Grade, Problem

SHOWN = 80
"""Characters of an answer in a reason."""


def grade_text(problem: Problem, right: str, answer: str, algebra: Algebra | None) -> Grade:
    """The grade of an answer against the right one; the question and the tolerance of the problem
    decide whether a rounded number is enough. Without `algebra` only what reading decides."""
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
