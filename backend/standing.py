"""Which answer a run would give if it stopped now.

After every step the selector chooses among the finished candidates; whenever its answer changes, the driver records it with a snapshot of the
ledger. That series is the anytime curve of the run.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from backend.ports import Selector
from backend.types import Finish, Node, Step


class Standing(NamedTuple):
    """The chosen node and the answer written in it, None where no answer could be read."""

    node: Node
    answer: str | None


class Candidates:
    """Follows the steps of a run and keeps what is needed to choose.

    A step that passes the same list objects again has only appended to them: then only the new tail is looked at, so a search with many
    finished texts stays linear. A text that ended by a
    length limit is a candidate only if an answer can be read from it; a text that was aborted or cut by the budget never is.
    """

    def __init__(self, select: Selector, extract: Callable[[str], str | None]) -> None:
        self._select, self._extract = select, extract
        self._answers: dict[Node, str | None] = {}
        self._listed: Sequence[Node] | None = None
        self._seen = 0
        self._tally, self._known = select.tally(), set[Node]()
        self.standing: Standing | None = None

    def listed(self, step: Step) -> int:
        """How many of the step's nodes an earlier step already listed."""
        return self._seen if step.nodes is self._listed else 0

    def update(self, step: Step) -> Standing | None:
        """Take in a step; the new standing if the chosen answer or its node changed, else None."""
        known = self.listed(step)
        if known == 0:
            self._tally, self._known = self._select.tally(), set()
        self._listed, self._seen = step.nodes, len(step.nodes)
        return self._add([(step.nodes[place], step.values[place]) for place in range(known, len(step.nodes))])

    def finish(self, extra: Sequence[tuple[Node, float | None]]) -> Standing | None:
        """Add finished nodes that no step has reported, after the last step; the new standing if it changed."""
        return self._add([(node, value) for node, value in extra if node not in self._known])

    def _add(self, candidates: Sequence[tuple[Node, float | None]]) -> Standing | None:
        fresh = [(node, value) for node, value in candidates if self._eligible(node)]
        for node, value in fresh:
            self._tally.add(node, value, self.answer(node))
            self._known.add(node)
        if not fresh:
            return None
        node = self._tally.winner()
        standing = Standing(node, self.answer(node))
        if standing == self.standing:
            return None
        self.standing = standing
        return standing

    def answer(self, node: Node) -> str | None:
        """The answer written on the path to the node, read once."""
        if node not in self._answers:
            self._answers[node] = self._extract(node.written())
        return self._answers[node]

    def _eligible(self, node: Node) -> bool:
        if not node.done or node.finish in (Finish.ABORTED, Finish.BUDGET):
            return False
        return node.finish is not Finish.LENGTH or self.answer(node) is not None
