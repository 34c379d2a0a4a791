"""The candidate with the highest value: "best-of-N", the final rule of most verifier-guided
searches.

How the scores of steps become the value of a path (last, min, prod, mean) is a setting of the run;
`reselect --aggregation` tries another one. A text that does not come to an answer is no use to
anybody, however well its steps are scored.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from backend.core.ports import Classes, Decision
from backend.core.registry import NoParams
from backend.core.types import Node
from backend.judging.measures import Candidates, ClassOf, Measured
from backend.judging.rules import selector


class Rank(NamedTuple):
    """What candidates are compared by, in this order: whether there is an answer, and the value,
    -inf for none."""

    answered: bool
    value: float


def measure_scores(pool: Candidates, of: ClassOf) -> Measured:
    return Measured("score", dict(pool))


@selector("best", measure=measure_scores)
class Best:
    """The highest value wins, an unscored candidate only where nothing is scored, one without a
    readable answer only where none has one; ties go to the earliest."""

    def __init__(self, params: NoParams | None = None, classes: Classes | None = None) -> None:
        self._leaders: list[Node] = []
        self._top: Rank | None = None

    def add(self, node: Node, value: float | None, answer: str | None) -> None:
        rank = Rank(answer is not None, -math.inf if value is None else value)
        if rank == self._top:
            self._leaders.append(node)
        elif self._top is None or rank > self._top:
            self._leaders, self._top = [node], rank

    def winner(self) -> Node:
        assert self._leaders, "a tally without candidates has no winner"
        return self._leaders[0]

    def decision(self) -> Decision:
        known = None if self._top is None or self._top.value == -math.inf else self._top.value
        return Decision(tuple(self._leaders), known)
