"""How a walk through a search tree chooses among siblings: formulas as public programs have them,
each with that program's constant.

Q mean value of a child (its own score before its first visit), N its visits, N_p visits of its
parent, P its prior among its siblings, c how much a rarely visited child is favoured. Programs
disagree about a child that was never visited: it counts as visited once (`uct`, `treequest`,
`reasoners`), has to be tried first (`rstar`), gets a fixed bonus (`rest`) or none (`deepsearch`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Literal, NamedTuple

from pydantic import Field

from backend.core.ports import Rng
from backend.core.registry import Params
from backend.strategies.parts.tree.vertex import (
    Choice,
    Formula,
    Prior,
    Vertex,
    any_best,
    draw_share,
    earliest,
    softmax_of_scores,
)


class WalkParams(Params):
    """Parameters of the walks of a tree search."""

    simulations: int = Field(
        20,
        ge=1,
        le=1_000_000,
        description="walks from the root; 20 in OpenR, 10 in LLM Reasoners, 15 or 16 in rStar",
    )
    formula: Literal["uct", "treequest", "rest", "rstar", "reasoners", "puct", "deepsearch"] = (
        Field("uct", description="how a walk chooses a child")
    )
    exploration: float | None = Field(
        None,
        ge=0.0,
        description=(
            "c of the formula, of puct a factor; empty: as published; 0 follows the best mean"
        ),
    )
    schedule: Literal["const", "exp", "lin"] = Field(
        "const", description="how c changes over the simulations: not, or down to a tenth (rStar)"
    )
    unvisited: float = Field(
        0.8,
        ge=0.0,
        description=(
            "of rest: bonus of an unvisited child; 0.8 or 1 in ReST-MCTS*, whose c is 0.4 or 0.7"
        ),
    )
    puct_base: float = Field(19652.0, gt=0.0, description="of puct; 19652 in AlphaZero and OpenR")
    puct_init: float = Field(1.25, ge=0.0, description="of puct; 1.25 in AlphaZero and OpenR")

    @property
    def rule(self) -> Rule:
        """The formula chosen, with what belongs to it."""
        return RULES[self.formula]

    def formula_at(self, turn: int) -> Formula:
        """The formula of walk number `turn`, from 0."""
        c = self.rule.c if self.exploration is None else self.exploration
        return self.rule.make(c * SCHEDULES[self.schedule](turn / self.simulations), self)


PUBLISHED = WalkParams()


def rarity(parent: Vertex, child: Vertex) -> float:
    """ln N_p / N, where an unvisited child counts as visited once."""
    return math.log(max(1, parent.visits)) / max(1, child.visits)


def uct(c: float, params: WalkParams = PUBLISHED) -> Formula:
    """Q + c sqrt(ln N_p / N): UCB1 applied to trees (Kocsis and Szepesvari 2006)."""
    return lambda parent, child: child.mean + c * math.sqrt(rarity(parent, child))


def treequest(c: float, params: WalkParams = PUBLISHED) -> Formula:
    """Q + c P sqrt(ln N_p / N)."""
    return lambda parent, child: child.mean + c * child.prior * math.sqrt(rarity(parent, child))


def rest(c: float, params: WalkParams = PUBLISHED) -> Formula:
    """Q + c sqrt(2 ln N_p / N); an unvisited child Q plus a fixed bonus."""

    def formula(parent: Vertex, child: Vertex) -> float:
        return child.mean + (
            c * math.sqrt(2.0 * rarity(parent, child)) if child.visits else params.unvisited
        )

    return formula


def rstar(c: float, params: WalkParams = PUBLISHED) -> Formula:
    """Q + c sqrt(ln N_p / N); infinite for an unvisited child."""
    return lambda parent, child: (
        child.mean + c * math.sqrt(rarity(parent, child)) if child.visits else math.inf
    )


def puct(c: float = 1.0, params: WalkParams = PUBLISHED) -> Formula:
    """Q + c P (ln((N_p + base + 1) / base) + init) sqrt(N_p) / (N + 1) (Silver et al. 2017)."""
    base, init = params.puct_base, params.puct_init

    def formula(parent: Vertex, child: Vertex) -> float:
        rate = math.log((parent.visits + base + 1.0) / base) + init
        return child.mean + c * child.prior * rate * math.sqrt(parent.visits) / (child.visits + 1)

    return formula


def deepsearch(c: float, params: WalkParams = PUBLISHED) -> Formula:
    """Q + c sqrt(ln N_p / N); no bonus for an unvisited child."""
    return lambda parent, child: (
        child.mean + (c * math.sqrt(rarity(parent, child)) if child.visits else 0.0)
    )


class Rule(NamedTuple):
    """A formula (made from c and the other parameters) with its published c, where priors come
    from, and who wins among equals."""

    make: Callable[[float, WalkParams], Formula]
    c: float
    prior: Prior = draw_share
    choice: Callable[[Rng], Choice] = earliest


RULES: Mapping[str, Rule] = MappingProxyType(
    {
        "uct": Rule(uct, math.sqrt(2.0)),
        "treequest": Rule(treequest, math.sqrt(2.0), softmax_of_scores),
        "rest": Rule(rest, 0.4, choice=any_best),
        "rstar": Rule(rstar, 2.0, choice=any_best),
        "reasoners": Rule(uct, 1.0),
        "puct": Rule(puct, 1.0),
        "deepsearch": Rule(deepsearch, 2.0),
    }
)

CONSTANTS: Mapping[str, float] = MappingProxyType({name: rule.c for name, rule in RULES.items()})
"""The published c of each formula."""

SCHEDULES: Mapping[str, Callable[[float], float]] = MappingProxyType(
    {"const": lambda done: 1.0, "exp": lambda done: 0.1**done, "lin": lambda done: 1.0 - 0.9 * done}
)
"""What is left of c when the share `done` in [0, 1) of the simulations is over (rStar)."""
