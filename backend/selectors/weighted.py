"""The answer with the greatest sum of values: "best-of-N weighted" (Li et al. 2022, arXiv 2206.02336; Snell et al. 2024, arXiv 2408.03314)."""

from __future__ import annotations

from backend.registry import selector
from backend.selectors.answers import AnswerClass, Vote
from backend.types import Node


@selector("weighted", "Weighted majority vote")
class Weighted(Vote):
    """The best candidate of the class whose values add up to most; an unscored candidate adds 0. Ties go to the larger class, then to the one
    seen first, so that without any values this is the majority. Without any readable answer: `best`."""

    def strength(self, group: AnswerClass) -> tuple[float, ...]:
        return (group.weight, group.count)

    def spokesman(self, group: AnswerClass) -> Node:
        return group.best.winner()
