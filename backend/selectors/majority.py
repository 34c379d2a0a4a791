"""The answer given most often: self-consistency (Wang et al. 2022, arXiv 2203.11171)."""

from __future__ import annotations

from backend.registry import selector
from backend.selectors.answers import AnswerClass, Vote


@selector("majority", "Majority vote")
class Majority(Vote):
    """The earliest candidate of the largest class of equal answers; ties go to the class seen first. Without any readable answer: `best`."""

    def strength(self, group: AnswerClass) -> tuple[float, ...]:
        return (group.count,)
