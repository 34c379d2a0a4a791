"""The candidate with the highest value: "best-of-N", the final rule of most verifier-guided searches."""

from __future__ import annotations

from backend.registry import selector
from backend.types import Node


@selector("best", "Best score")
class Best:
    """The highest value wins, an unscored candidate only where nothing is scored; ties go to the earliest."""

    def __init__(self) -> None:
        self._leader: Node | None = None
        self._rank = float("-inf")

    def add(self, node: Node, value: float | None, answer: str | None) -> None:
        rank = float("-inf") if value is None else value
        if self._leader is None or rank > self._rank:
            self._leader, self._rank = node, rank

    def winner(self) -> Node:
        assert self._leader is not None, "a tally without candidates has no winner"
        return self._leader
