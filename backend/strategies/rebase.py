"""REBASE: a width of children, shared out among all prefixes of a depth by the softmax of their
scores. Wu et al. 2024, "Inference Scaling Laws" (arXiv 2408.00724), reward balanced search.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator

from pydantic import Field

from backend.core.formulas.shares import ROOT_SCORE
from backend.core.ports import Policy, Rng, Verifier
from backend.core.registry import Params, strategy
from backend.core.steps import Step
from backend.core.types import Node
from backend.strategies.parts.rounds import Scored, expand
from backend.strategies.parts.shares import balance, cut, tokens_below


@strategy("rebase", formulas={"share": None})
async def rebase(
    root: Node, policy: Policy, verifier: Verifier, params: RebaseParams, rng: Rng
) -> AsyncGenerator[Step]:
    """Share the width out among the unfinished prefixes of a depth, depth after depth."""
    finished: list[Node] = []
    values: list[float | None] = []
    level, width = [] if root.done else [Scored(root, ROOT_SCORE)], params.width
    for turn in range(1, params.max_steps + 1):
        if not level:
            return
        parents, notes = balance(level, width, params.temperature, params.truncate_ratio)
        broods = await expand(policy, verifier, parents)
        children = [child for brood in broods for child in brood.children]
        finished += [child.node for child in children if child.node.done]
        values += [child.value for child in children if child.node.done]
        going = [child for child in children if not child.node.done]
        level = [child for child in going if tokens_below(root, child.node) < params.max_tokens]
        width -= len(children) - len(level)
        notes += [note for brood in broods for note in brood.notes]
        notes += cut(going, level, "token limit")
        notes += cut(level, (), "step limit") if turn == params.max_steps else ()
        yield Step(
            finished,
            values,
            tuple(notes),
            phase="balance",
            stats={"width": width, "finished": len(finished)},
        )


class RebaseParams(Params):
    """Parameters of REBASE."""

    width: int = Field(
        16,
        ge=1,
        le=4096,
        description=(
            "B: children drawn at a depth, and solutions at most; 16 in the published program"
        ),
    )
    temperature: float = Field(
        0.2,
        gt=0.0,
        le=1e6,
        description="T of the shares (not of the model): small favours the best; 0.2 as published",
    )
    truncate_ratio: float = Field(
        1.0,
        gt=0.0,
        le=1.0,
        description="part of the prefixes, the best ones, that may get children; 1 as published",
    )
    max_tokens: int = Field(
        1024,
        ge=1,
        le=1_000_000,
        description="tokens below the root after which a path is not continued; 1024 as published",
    )
    max_steps: int = Field(
        25,
        ge=1,
        le=1000,
        description=(
            "depth: a path never grows more than this many steps below the root; 25 as published"
        ),
    )
