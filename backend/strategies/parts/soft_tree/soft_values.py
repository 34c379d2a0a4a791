"""Soft values of texts, and the tree in which diffusion tree sampling keeps them.

Jain et al. 2025, "Diffusion Tree Sampling" (arXiv 2506.20701), for texts: a state is a prefix, a
transition one step of the policy p, the reward r in [0, 1] the verifier's score of a finished text.
The soft value of a prefix is V(s) = 1/lambda log E_p[exp(lambda r) | s], and going on from each
prefix to a child in proportion to p exp(lambda V) ends in the texts x in proportion to p(x)
exp(lambda r(x)). Children are draws from p, so p is in how often a text was drawn: a text drawn m
times counts m times, in the mean and in the choice. Symbols: lambda weight of the reward, V soft
value, v its estimate, m draws of a child, N visits, B(N) = ceil(C N^alpha) draws that a prefix may
have.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from types import MappingProxyType
from typing import NamedTuple, TypeAlias

from backend.core.formulas.soft_values import boltzmann, text_value
from backend.core.formulas.walks import uct
from backend.core.ports import Rng
from backend.core.statistics.resampling import invert
from backend.core.types import Node

Floats: TypeAlias = Sequence[float]


@dataclass(slots=True, eq=False)
class SoftVertex:
    """A prefix in the tree: how often it was drawn (m) and visited (N), v and the greatest reward
    below, None while no scored text is known there."""

    node: Node
    draws: int = 1
    visits: int = 0
    value: float | None = None
    top: float | None = None
    children: list[SoftVertex] = field(default_factory=list)

    @property
    def promise(self) -> float:
        """v, or the least reward where nothing is known yet: so a prefix whose first draw failed is
        tried again, but not for ever."""
        return 0.0 if self.value is None else self.value

    @property
    def drawn(self) -> int:
        """Number of draws made below this prefix."""
        return sum(child.draws for child in self.children)

    def scored_children(self) -> list[SoftVertex]:
        """The children with a scored text at or below them."""
        return [child for child in self.children if child.value is not None]

    def open(self) -> list[SoftVertex]:
        """The children where a walk can learn or gain something: all but finished texts without a
        score."""
        return [child for child in self.children if child.value is not None or not child.node.done]

    def adopt(self, node: Node) -> tuple[SoftVertex, bool]:
        """The child for a new draw, and whether it is new: a text that is there already counts once
        more."""
        for child in self.children:
            if (child.node.text, child.node.done) == (node.text, node.done):
                child.draws += 1
                return child, False
        self.children.append(SoftVertex(node))
        return self.children[-1], True

    def add_reward(self, reward: float | None) -> None:
        """Set the value of a finished text to its reward."""
        self.value = self.top = None if reward is None else text_value(reward)

    def add_visit(self, mean: Callable[[Floats, Floats], float]) -> None:
        """Count one more visit and compute v again from the children; `mean` makes it of their
        values and draws."""
        self.visits += 1
        if known := self.scored_children():
            self.value = mean(*_values_and_draws(known))
            self.top = max(child.top for child in known if child.top is not None)


Worth: TypeAlias = Callable[[SoftVertex, Sequence[SoftVertex]], list[float]]
"""What going from a state to each of some children is worth."""

Pick: TypeAlias = Callable[[Floats, Rng], int]
"""The place of the child to go to."""


def by_boltzmann(weight: float) -> Worth:
    """Selection probabilities."""
    return lambda state, children: boltzmann(*_values_and_draws(children), weight)


def by_uct(exploration: float) -> Worth:
    """UCT on soft values."""

    def worth(state: SoftVertex, children: Sequence[SoftVertex]) -> list[float]:
        return [uct(child.promise, child.visits, state.visits, exploration) for child in children]

    return worth


def by_value(state: SoftVertex, children: Sequence[SoftVertex]) -> list[float]:
    """v itself."""
    return [child.promise for child in children]


def by_top(state: SoftVertex, children: Sequence[SoftVertex]) -> list[float]:
    """The greatest reward found below."""
    return [0.0 if child.top is None else child.top for child in children]


def _values_and_draws(children: Sequence[SoftVertex]) -> tuple[list[float], list[int]]:
    return [child.promise for child in children], [child.draws for child in children]


def draw(probabilities: Floats, rng: Rng) -> int:
    """Draw a child by its probability."""
    return int(invert(probabilities, [rng.random()])[0])


def greatest(worth: Floats, rng: Rng) -> int:
    """Return the child with the greatest worth, the first among equals."""
    return max(range(len(worth)), key=worth.__getitem__)


def descend(worth: Worth, pick: Pick, tree: SoftVertex, rng: Rng) -> SoftVertex | None:
    """Return the finished text in which a walk ends that visits only what is in the tree; None
    while no text has a score."""
    state = tree
    while not state.node.done:
        known = state.scored_children()
        if not known:
            return None
        state = known[pick(worth(state, known), rng)]
    return state


Answer: TypeAlias = Callable[[SoftVertex, Rng], SoftVertex | None]
"""The finished text that answers, as the tree stands; None while no text has a score."""


class Mode(NamedTuple):
    """How walks choose, made from lambda and c_uct, and which final descent belongs to it."""

    formula: str
    worth: Callable[[float, float], Worth]
    pick: Pick
    answer: str


MODES: Mapping[str, Mode] = MappingProxyType(
    {
        "dts": Mode("boltzmann", lambda weight, exploration: by_boltzmann(weight), draw, "sample"),
        "dts_star": Mode(
            "uct", lambda weight, exploration: by_uct(exploration), greatest, "greedy"
        ),
    }
)
ANSWERS: Mapping[str, Callable[[float], Answer]] = MappingProxyType(
    {
        "sample": lambda weight: partial(descend, by_boltzmann(weight), draw),
        "greedy": lambda weight: partial(descend, by_value, greatest),
        "best": lambda weight: partial(descend, by_top, greatest),
    }
)
