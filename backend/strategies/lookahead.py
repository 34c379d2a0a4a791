"""Lookahead search: a beam search that judges a next step by what becomes of it.

Snell et al. 2024 (arXiv 2408.03314), section 5.2. The loop is in `parts.beam`, the rollout of k
greedy steps in `parts.rollouts`; k = 0 is beam search.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing

from pydantic import Field

from backend.core.ports import Policy, Rng, Verifier
from backend.core.registry import Params, strategy
from backend.core.steps import Step
from backend.core.types import Node
from backend.strategies.parts.beam import Beam, FilterDuplicates, NextSteps, search_beam
from backend.strategies.parts.rollouts import ahead
from backend.strategies.parts.rounds import BeamWidth, MaxSteps


@strategy("lookahead", formulas=dict.fromkeys(("even_share", "cut", "rolled_value")))
async def lookahead(
    root: Node, policy: Policy, verifier: Verifier, params: LookaheadParams, rng: Rng
) -> AsyncGenerator[Step]:
    """Beam search in which the score of a rollout of k greedy steps ranks a next step."""
    beam = Beam(params.n, params.beam_width, params.max_steps, params.filter_duplicates)
    async with aclosing(
        search_beam(root, policy, verifier, beam, ahead(params.k, root.depth + params.max_steps))
    ) as steps:
        async for step in steps:
            yield step


class LookaheadParams(Params):
    """Parameters of lookahead search."""

    n: NextSteps = 4
    beam_width: BeamWidth = 4
    k: int = Field(
        3,
        ge=0,
        le=100,
        description=(
            "steps to look ahead; 1 and 3 in the paper's experiments (unverified), 0 is beam search"
        ),
    )
    max_steps: MaxSteps = 40
    filter_duplicates: FilterDuplicates = False
