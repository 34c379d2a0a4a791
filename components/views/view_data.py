"""What a view is drawn from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from backend.core.records import EventRecord
from backend.core.tree import TreeRow
from backend.problems import Problem
from backend.problems.extraction import READER_VERSION
from components.frame.prose import visible

SNIPPET = 90
NO_PROBLEM = Problem("", "own", None, None, "", None)


@dataclass(frozen=True)
class ViewData:
    """What a view is drawn from: nodes and log up to event `until`, the final rule (a selector's
    name), `ess_min`, the threshold of resampling as a fraction, if there is one, the run's id, its
    parameters with their defaults, its problem, the node that is looked at, and the version by
    which the run reads answers."""

    rows: Sequence[TreeRow]
    events: Sequence[EventRecord]
    until: int | None
    selector: str = "best"
    ess_min: float | None = None
    run: int = 0
    params: Mapping[str, object] = field(default_factory=dict)
    problem: Problem = NO_PROBLEM
    node: int | None = None
    reader: int = READER_VERSION

    def text(self, node: int) -> str:
        """What a node says, on one short line."""
        row = (
            self.rows[node]
            if node < len(self.rows) and self.rows[node].id == node
            else next((row for row in self.rows if row.id == node), None)
        )
        said = (
            ""
            if row is None
            else "problem"
            if row.parent is None
            else " ".join(visible(row.text).split())
        )
        return said if len(said) <= SNIPPET else said[: SNIPPET - 1] + "\u2026"


def plural(count: int, what: str, many: str = "s") -> str:
    """3 nodes, 1 node."""
    return f"{count} {what}{'' if count == 1 else many}"
