"""The candidate with the highest value: "best-of-N", the final rule of most verifier-guided
searches.

How the scores of steps become the value of a path (last, min, prod, mean) is a setting of the run;
`reselect --aggregation` tries another one.
"""

from __future__ import annotations

from backend.core.ports import Classes, Decision
from backend.core.registry import NoParams
from backend.core.types import Node
from backend.judging.rules import selector


@selector("best")
class Best:
    """The highest value wins, an unscored candidate only where nothing is scored; ties go to the
    earliest."""

    def __init__(self, params: NoParams | None = None, classes: Classes | None = None) -> None:
        self._leaders: list[Node] = []
        self._top: float | None = None

    def add(self, node: Node, value: float | None, answer: str | None) -> None:
        if value == self._top:
            self._leaders.append(node)
        elif value is not None and (self._top is None or value > self._top):
            self._leaders, self._top = [node], value

    def winner(self) -> Node:
        assert self._leaders, "a tally without candidates has no winner"
        return self._leaders[0]

    def decision(self) -> Decision:
        return Decision(tuple(self._leaders), self._top)
