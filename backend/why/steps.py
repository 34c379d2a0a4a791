"""The steps of a solution as the exact checker judges them, and which of them is the first wrong one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from backend import problems
from backend.problems.base import Problem
from backend.reselect import Trace
from backend.types import Node
from backend.verifiers.aggregation import steps_of


class Judged(NamedTuple):
    """A written step: its number from 1, the node in which it begins, its text, and the checker's verdict. `kind` names the mistake."""

    step: int
    node: int
    text: str
    ok: bool
    kind: str | None
    reason: str


def judged(trace: Trace, node: Node, problem: Problem, delimiter: str = "\n\n") -> list[Judged] | None:
    """All steps on the path to a node; None where the problem set has no checker of steps."""
    texts = steps_of(node.written(), delimiter)
    verdicts = problems.check(problem, texts)
    if verdicts is None:
        return None
    owners = [owner for part in node.path()[1:] for owner in [part] * (len(steps_of(part.written(), delimiter)) - before(part, delimiter))]
    told = zip(texts, verdicts, owners, strict=True)
    return [Judged(place, trace.ids[owner], text, one.ok, one.kind, one.reason) for place, (text, one, owner) in enumerate(told, 1)]


def before(node: Node, delimiter: str) -> int:
    """How many steps are written above a node."""
    return 0 if node.parent is None else len(steps_of(node.parent.written(), delimiter))


def first_wrong(steps: Sequence[Judged]) -> Judged | None:
    """The first wrong step that no later one repaired; None where the solution is right as far as it goes."""
    last_right = max((one.step for one in steps if one.ok), default=0)
    return steps[last_right] if last_right < len(steps) else None
