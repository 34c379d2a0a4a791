"""The statistics of Monte-Carlo tree search and the rules that walk down by them.

A vertex is visited N times with total value W, mean Q = W / N. Until its first visit its own score stands in for Q and it counts as visited
once, so that no child has to be tried before a better one only because it is new (with N = 0 the bonus of UCT would be infinite). Every
operation touches one path and the children along it, never the whole tree.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

from backend.strategies.rounds import Scored, ranked
from backend.types import Node


@dataclass(slots=True, eq=False)
class Vertex:
    """A node with its prior probability among its siblings, its score, and what was backed up through it."""

    node: Node
    prior: float = 1.0
    score: float = 0.0
    visits: int = 0
    total: float = 0.0
    expanded: bool = False
    children: list[Vertex] = field(default_factory=list)

    @property
    def mean(self) -> float:
        """Q, or the vertex's own score before its first visit."""
        return self.total / self.visits if self.visits else self.score

    def adopt(self, children: Sequence[Scored]) -> None:
        """Hang the new children below, with their share of the draws as prior; unscored ones only where none has a score."""
        total = sum(child.draws for child in children)
        self.expanded = True
        self.children = [Vertex(child.node, child.draws / total, child.value or 0.0) for child in ranked(children)]


Formula: TypeAlias = Callable[[Vertex, Vertex], float]


def uct(exploration: float) -> Formula:
    """Q + c sqrt(ln N_parent / N) (Kocsis and Szepesvari 2006), c = `exploration`."""

    def formula(parent: Vertex, child: Vertex) -> float:
        return child.mean + exploration * math.sqrt(math.log(max(1, parent.visits)) / max(1, child.visits))

    return formula


def puct(base: float = 19652.0, init: float = 1.25) -> Formula:
    """Q + P (ln((N_parent + base + 1) / base) + init) sqrt(N_parent) / (N + 1) (Silver et al. 2017; constants of AlphaZero and OpenR)."""

    def formula(parent: Vertex, child: Vertex) -> float:
        rate = math.log((parent.visits + base + 1.0) / base) + init
        return child.mean + child.prior * rate * math.sqrt(parent.visits) / (child.visits + 1)

    return formula


def most_visited(parent: Vertex, child: Vertex) -> float:
    """The rule of the final walk: visits first, then Q."""
    return child.visits + min(max(child.mean, 0.0), 1.0) / 2.0


class Descent(NamedTuple):
    """A walk from the root to a leaf, and the winning value of the formula at every level below the root."""

    path: list[Vertex]
    values: list[float]


def descend(root: Vertex, formula: Formula) -> Descent:
    """Follow the child with the greatest value (ties: the first) down to a vertex without children."""
    path, values = [root], []
    while path[-1].children:
        parent = path[-1]
        worth = [formula(parent, child) for child in parent.children]
        best = max(range(len(worth)), key=worth.__getitem__)
        path.append(parent.children[best])
        values.append(worth[best])
    return Descent(path, values)


def back_up(path: Sequence[Vertex], value: float) -> None:
    """Every vertex on the path gains one visit and `value`."""
    for vertex in path:
        vertex.visits += 1
        vertex.total += value
