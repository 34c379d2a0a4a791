"""Which answer a run would give if it stopped now.

After every step the selector chooses among the finished candidates; whenever its answer changes,
the driver records it with a snapshot of the ledger. That series is the anytime curve of the run.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from backend.core.ports import Classes, Decision, Selector, Tally
from backend.core.steps import Step
from backend.core.types import Finish, Node
from backend.problems.extraction import Extraction


class CurrentAnswer(NamedTuple):
    """The chosen node and the answer written in it, None where no answer could be read."""

    node: Node
    answer: str | None


class Ranked(NamedTuple):
    """A candidate with the value that it is ranked by."""

    node: Node
    value: float | None


class Decided(NamedTuple):
    """The tally that chose the current answer, and the candidates that it has counted."""

    tally: Tally
    pool: list[Ranked]


class Candidates:
    """Follows the steps of a run and keeps what is needed to choose.

    A step that passes the same list objects again has only appended to them: then only the new tail
    is looked at, so a search with many finished texts stays linear. A text that ended by a length
    limit is a candidate only if an answer can be read from it; a text that was aborted or cut by
    the budget never is.
    """

    def __init__(
        self, select: Selector, read: Callable[[str], Extraction], classes: Classes | None = None
    ) -> None:
        self._select, self._read, self._classes = select, read, classes
        self._readings: dict[Node, Extraction] = {}
        self._listed: Sequence[Node] | None = None
        self._seen = 0
        self._tally, self._pool = select.tally(classes), list[Ranked]()
        self._reported = set[Node]()
        self._decided: Decided | None = None
        self.standing: CurrentAnswer | None = None

    def count_listed(self, step: Step) -> int:
        """Count how many of the step's nodes an earlier step already listed."""
        return self._seen if step.nodes is self._listed else 0

    def votes(self, step: Step) -> list[str]:
        """The answers of the step's new candidates if the rule votes, else none. Whoever calls may
        find out which of them are the same before the step is taken in."""
        return self._answers_of(step.nodes[self.count_listed(step) :])

    def late_votes(self, extra: Sequence[tuple[Node, float | None]]) -> list[str]:
        """The same as `votes` for finished nodes that no step has reported."""
        return self._answers_of([node for node, _ in extra if node not in self._reported])

    def decision(self) -> Decision | None:
        """The current answer with all candidates that tie with it; None without a candidate."""
        return None if self._decided is None else self._decided.tally.decision()

    @property
    def pool(self) -> Sequence[Ranked]:
        """The candidates among which the current answer was chosen, in the order in which they
        came."""
        return () if self._decided is None else self._decided.pool

    def update(self, step: Step) -> CurrentAnswer | None:
        """Take in a step. Returns the new answer if the chosen answer or its node changed, else
        None."""
        known = self.count_listed(step)
        if known == 0:
            self._tally, self._pool = self._select.tally(self._classes), []
        self._listed, self._seen = step.nodes, len(step.nodes)
        self._reported.update(step.nodes[known:])
        return self._add(
            [(step.nodes[place], step.values[place]) for place in range(known, len(step.nodes))]
        )

    def finish(self, extra: Sequence[tuple[Node, float | None]]) -> CurrentAnswer | None:
        """Take in finished nodes that no step has reported, after the last step. Returns the new
        answer if it changed, else None."""
        return self._add([(node, value) for node, value in extra if node not in self._reported])

    def _add(self, candidates: Sequence[tuple[Node, float | None]]) -> CurrentAnswer | None:
        fresh = [(node, value) for node, value in candidates if self._eligible(node)]
        for node, value in fresh:
            self._tally.add(node, value, self.answer(node))
            self._pool.append(Ranked(node, value))
        if not fresh:
            return None
        self._decided = Decided(self._tally, self._pool)
        node = self._tally.winner()
        standing = CurrentAnswer(node, self.answer(node))
        if standing == self.standing:
            return None
        self.standing = standing
        return standing

    def _answers_of(self, nodes: Sequence[Node]) -> list[str]:
        answers = (
            (self.answer(node) for node in nodes if self._eligible(node))
            if self._select.votes
            else ()
        )
        return [answer for answer in answers if answer is not None]

    def answer(self, node: Node) -> str | None:
        """The answer written on the path to the node."""
        return self.reading(node).answer

    def reading(self, node: Node) -> Extraction:
        """The answer written on the path to the node with the rule that read it, read once."""
        if node not in self._readings:
            self._readings[node] = self._read(node.solution_text())
        return self._readings[node]

    def _eligible(self, node: Node) -> bool:
        if not node.done or node.finish in (Finish.ABORTED, Finish.BUDGET):
            return False
        return node.finish is not Finish.LENGTH or self.answer(node) is not None
