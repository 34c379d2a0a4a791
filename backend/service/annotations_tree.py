"""A stored run as an annotator reads it: paths, the steps of each, and what the verifier said of
them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property

from backend.core.errors import BadInput
from backend.core.types import Kind
from backend.problems.base import Problem
from backend.problems.extraction import reader_of
from backend.problems.library import Library
from backend.review.annotate.steps import WrittenStep, split_steps
from backend.review.stored_run import ChosenAnswer, StoredRun, StoredScore
from storage import NodeRow, RunRow, Store

PATHS_LIMIT = 300
"""Paths offered to choose from; any other has its node in the address."""

WRITTEN = (Kind.STEP, Kind.INJECTED)


class RunReading:
    """The tree of a run, read once."""

    def __init__(self, store: Store, row: RunRow) -> None:
        self.row, self._run = row, StoredRun(row, store)
        self.nodes = {node.id: node for node in store.nodes(row.id)}
        self._ends = frozenset(
            node.id
            for node in self.nodes.values()
            if node.finish is None and node.kind == Kind.STEP
        )

    @cached_property
    def problem(self) -> Problem:
        return self._run.problem

    @property
    def question(self) -> str:
        return self._run.question

    @cached_property
    def chosen(self) -> ChosenAnswer:
        """What the run chose; a node of None where it chose nothing."""
        return self._run.own or ChosenAnswer(None, None, None)

    def path(self, node: int) -> list[NodeRow]:
        """The nodes below the prompt down to `node`. Raises `BadInput` for one that is not there or
        that nobody wrote below a prompt."""
        found: list[NodeRow] = []
        current: int | None = node
        while current is not None:
            if current not in self.nodes:
                raise BadInput("node", given=node, accepted=f"0 to {len(self.nodes) - 1}")
            found.append(self.nodes[current])
            current = self.nodes[current].parent_id
        return found[-2::-1]

    def steps(self, node: int) -> list[WrittenStep]:
        """The steps written on the path to a node."""
        return split_steps(
            [(each.id, each.text) for each in self.path(node)], self._run.splitting, self._ends
        )

    def step(self, node: int, number: int) -> WrittenStep:
        """The step of that number, which has to end in that node. Raises `BadInput`."""
        ending = {step.number: step for step in self.steps(node) if step.node == node}
        if number not in ending:
            raise BadInput(
                f"step on the path to node {node}",
                given=number,
                accepted=", ".join(map(str, ending)) or "none: no step ends there",
            )
        return ending[number]

    def solution_text(self, node: int) -> str:
        return "".join(each.text for each in self.path(node))

    def answer(self, node: int) -> str | None:
        """What the path answers; for the chosen one, what the run says that it answered."""
        if node == self.chosen.node:
            return self.chosen.answer
        return reader_of(self._run.versions.reader)(self.solution_text(node)).answer

    def correct(self, node: int, library: Library) -> bool | None:
        """Whether the path's answer is right; may block for a second."""
        if node == self.chosen.node:
            return self.chosen.correct
        return library.grade(self.problem, self.answer(node)).correct

    def goes_on(self, node: int) -> bool:
        """Whether anything is written below a node."""
        return node in self._parents

    @cached_property
    def _parents(self) -> frozenset[int | None]:
        return frozenset(node.parent_id for node in self.nodes.values() if node.kind in WRITTEN)

    def ends(self) -> list[NodeRow]:
        """The last nodes of the paths below the first prompt: the chosen one first, then finished
        ones, in order of creation."""
        below: set[int] = {0}
        for node in self.nodes.values():
            if node.parent_id in below and node.kind in WRITTEN:
                below.add(node.id)
        chosen = self.chosen.node
        last = [self.nodes[id_] for id_ in below - {0} if not self.goes_on(id_) or id_ == chosen]
        return sorted(last, key=lambda node: (node.id != chosen, not node.done, node.id))[
            :PATHS_LIMIT
        ]

    def scores(self, steps: Sequence[WrittenStep]) -> list[float | None]:
        """The score of each step by the verifier that the run went by: its score of just this step
        where it gave one, else that of the node in which the step ends, at the last step that does.
        """
        ending = {step.node: step.number for step in steps}
        found: list[float | None] = [None] * len(steps)
        for node, number in sorted(ending.items(), key=lambda pair: pair[1]):
            score = self._opinions.get(node)
            if score is not None and len(score.steps) == number + 1:
                found[: number + 1] = score.steps
            elif score is not None:
                found[number] = score.value
        return found

    def score(self, node: int) -> float | None:
        opinion = self._opinions.get(node)
        return None if opinion is None else opinion.value

    @cached_property
    def _opinions(self) -> Mapping[int, StoredScore]:
        return self._run.series()


__all__ = ["RunReading"]
