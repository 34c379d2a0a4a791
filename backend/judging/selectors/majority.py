"""The answer given most often: self-consistency (Wang et al. 2022, arXiv 2203.11171)."""

from __future__ import annotations

from fractions import Fraction

from backend.judging.rules import selector
from backend.judging.selectors.vote import AnswerClass, Vote


@selector("majority", votes=True)
class Majority(Vote):
    """The earliest candidate of the largest class of equal answers; ties go to the class seen
    first. Without any readable answer: `best`."""

    def strength(self, group: AnswerClass) -> tuple[Fraction, int]:
        return (Fraction(group.count), group.count)
