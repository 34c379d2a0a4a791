"""How a walk through a search tree chooses among siblings: the formulas of public programs
(`backend.core.formulas.walks`), each with that program's constant, prior and rule for equals.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Literal, NamedTuple

from pydantic import Field

from backend.core.formulas.walks import SCHEDULES, deepsearch, puct, rest, rstar, treequest, uct
from backend.core.ports import Rng
from backend.core.registry import Params
from backend.strategies.parts.tree.vertex import (
    ChildValue,
    Choice,
    Prior,
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
    def rule(self) -> ChoiceRule:
        """The formula chosen, with what belongs to it."""
        return RULES[self.formula]

    def formula_at(self, turn: int) -> ChildValue:
        """The formula of walk number `turn`, from 0."""
        c = self.rule.c if self.exploration is None else self.exploration
        return self.rule.make(SCHEDULES[self.schedule](c, turn, self.simulations), self)


PUBLISHED = WalkParams()


def by_uct(c: float, params: WalkParams = PUBLISHED) -> ChildValue:
    """UCT, where an unvisited child counts as visited once."""
    return lambda parent, child: uct(child.mean, child.visits, parent.visits, c)


def by_treequest(c: float, params: WalkParams = PUBLISHED) -> ChildValue:
    """UCT of TreeQuest, with a prior by the scores."""
    return lambda parent, child: treequest(
        child.mean, child.visits, parent.visits, c, score_prior=child.prior
    )


def by_rest(c: float, params: WalkParams = PUBLISHED) -> ChildValue:
    """UCT of ReST-MCTS*, with a bonus for an unvisited child."""
    unvisited = params.unvisited
    return lambda parent, child: rest(child.mean, child.visits, parent.visits, c, unvisited)


def by_rstar(c: float, params: WalkParams = PUBLISHED) -> ChildValue:
    """UCT of rStar, where an unvisited child has to be tried first."""
    return lambda parent, child: rstar(child.mean, child.visits, parent.visits, c)


def by_puct(c: float = 1.0, params: WalkParams = PUBLISHED) -> ChildValue:
    """PUCT, with a prior by the draws."""
    base, init = params.puct_base, params.puct_init
    return lambda parent, child: puct(
        child.mean, child.visits, parent.visits, c, child.prior, base, init
    )


def by_deepsearch(c: float, params: WalkParams = PUBLISHED) -> ChildValue:
    """UCT of DeepSearch, without a bonus for an unvisited child."""
    return lambda parent, child: deepsearch(child.mean, child.visits, parent.visits, c)


class ChoiceRule(NamedTuple):
    """A formula (made from c and the other parameters) with its published c, where priors come
    from, and who wins among equals."""

    make: Callable[[float, WalkParams], ChildValue]
    c: float
    prior: Prior = draw_share
    choice: Callable[[Rng], Choice] = earliest


RULES: Mapping[str, ChoiceRule] = MappingProxyType(
    {
        "uct": ChoiceRule(by_uct, math.sqrt(2.0)),
        "treequest": ChoiceRule(by_treequest, math.sqrt(2.0), softmax_of_scores),
        "rest": ChoiceRule(by_rest, 0.4, choice=any_best),
        "rstar": ChoiceRule(by_rstar, 2.0, choice=any_best),
        "reasoners": ChoiceRule(by_uct, 1.0),
        "puct": ChoiceRule(by_puct, 1.0),
        "deepsearch": ChoiceRule(by_deepsearch, 2.0),
    }
)

CONSTANTS: Mapping[str, float] = MappingProxyType({name: rule.c for name, rule in RULES.items()})
"""The published c of each formula."""

FORMULAS: Mapping[str, float | None] = MappingProxyType(
    {
        **CONSTANTS,
        **dict.fromkeys(("score_prior", "draw_prior")),
        **dict.fromkeys(f"schedule_{name}" for name in SCHEDULES),
    }
)
"""Those, and the formulas of their inputs."""
