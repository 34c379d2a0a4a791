"""The statistics of Monte-Carlo tree search and the walk down by them.

A vertex is visited N times with total value W, mean Q = W / N. Until its first visit its own score
stands in for Q. Which child a walk takes is the business of a formula (see `choices`), what a
visit adds that of a backup (see `backups`). Every operation touches one path and the children along
it, never the whole tree.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from backend.core.formulas.backups import mean
from backend.core.formulas.walks import draw_prior, score_prior
from backend.core.ports import Rng
from backend.core.steps import Selected
from backend.core.types import Node
from backend.strategies.parts.rounds import Scored, rank

Prior: TypeAlias = Callable[[Sequence[Scored]], Sequence[float]]
"""The prior probabilities P of siblings, which add up to 1."""


def draw_share(siblings: Sequence[Scored]) -> list[float]:
    """P is the share of the draws that a sibling stands for."""
    return draw_prior([sibling.draws for sibling in siblings])


def softmax_of_scores(siblings: Sequence[Scored]) -> list[float]:
    """P is the softmax over the scores; a missing score counts as 0."""
    return score_prior([sibling.value or 0.0 for sibling in siblings])


@dataclass(slots=True, eq=False)
class Vertex:
    """A node with its prior probability among its siblings, what it is worth before its first
    visit, and what was backed up through it. Without `scored` nobody has said what it is worth, and
    `score` stands in."""

    node: Node
    prior: float = 1.0
    score: float = 0.0
    scored: bool = True
    visits: int = 0
    total: float = 0.0
    expanded: bool = False
    children: Sequence[Vertex] = ()
    parent: Vertex | None = None

    @property
    def mean(self) -> float:
        """Q, or the vertex's own score before its first visit."""
        return mean(self.total, self.visits) if self.visits else self.score

    def adopt(self, children: Sequence[Scored], prior: Prior = draw_share) -> None:
        """Hang the new children below, best first; unscored ones only where none has a score."""
        self.expanded = True
        siblings = rank(children)
        priors = prior(siblings) if siblings else ()
        self.children = [
            Vertex(child.node, p, child.value or 0.0, child.value is not None, parent=self)
            for child, p in zip(siblings, priors, strict=True)
        ]

    @property
    def known_score(self) -> float | None:
        """The score, None where nobody gave one."""
        return self.score if self.scored else None

    def path(self) -> list[Vertex]:
        """The vertices from the root of the tree to this one, both included."""
        vertices, vertex = [self], self.parent
        while vertex is not None:
            vertices.append(vertex)
            vertex = vertex.parent
        return vertices[::-1]


ChildValue: TypeAlias = Callable[[Vertex, Vertex], float]
"""What going from a parent to one of its children promises; the greatest value is taken."""

Choice: TypeAlias = Callable[[Sequence[float]], int]
"""The place of the greatest value, which decides between equals."""


def earliest(rng: Rng) -> Choice:
    """Among equals the first child, which is the one with the better score."""
    return lambda worth: worth.index(max(worth))


def any_best(rng: Rng) -> Choice:
    """Among equals one at random, each with the same probability."""

    def choose(worth: Sequence[float]) -> int:
        top = max(worth)
        ties = [place for place, value in enumerate(worth) if value == top]
        return ties[0] if len(ties) == 1 else ties[int(rng.integers(len(ties)))]

    return choose


def by_visits(parent: Vertex, child: Vertex) -> float:
    """The rule of the final walk: visits first, then Q."""
    return child.visits + min(max(child.mean, 0.0), 1.0) / 2.0


class Descent(NamedTuple):
    """A walk from the root to a leaf, and the values of the formula for all children at every level
    below the root."""

    path: list[Vertex]
    worth: list[list[float]]


def descend(root: Vertex, formula: ChildValue, choose: Choice) -> Descent:
    """Follow the child with the greatest value down to a vertex without children."""
    path, levels = [root], []
    while path[-1].children:
        parent = path[-1]
        worth = [formula(parent, child) for child in parent.children]
        levels.append(worth)
        path.append(parent.children[choose(worth)])
    return Descent(path, levels)


def note_walk(walk: Descent, formula: str) -> Selected:
    """Return the note about a walk with its numbers as they are before anything is backed up."""
    levels = [vertex.children for vertex in walk.path[:-1]]
    return Selected(
        tuple([vertex.node for vertex in walk.path]),
        formula,
        tuple(map(max, walk.worth)),
        children=tuple([tuple([child.node for child in level]) for level in levels]),
        visits=tuple([tuple([child.visits for child in level]) for level in levels]),
        means=tuple([tuple([child.mean for child in level]) for level in levels]),
        scores=tuple(map(tuple, walk.worth)),
        priors=tuple([tuple([child.prior for child in level]) for level in levels]),
    )
