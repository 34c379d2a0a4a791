"""Beam search over steps, steered by a process reward model.

Snell et al. 2024 (arXiv 2408.03314), section 5.2, with the parameters of search-and-learn: n next
steps in every round, the n / M best of which survive. The loop is in `parts.beam`.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing

from backend.core.ports import Policy, Rng, Verifier
from backend.core.registry import Params, strategy
from backend.core.steps import Step
from backend.core.types import Node
from backend.strategies.parts.beam import Beam, FilterDuplicates, NextSteps, search_beam
from backend.strategies.parts.rounds import BeamWidth, MaxSteps, own_score


@strategy("beam_search", formulas={"even_share": None, "cut": None})
async def beam_search(
    root: Node, policy: Policy, verifier: Verifier, params: BeamParams, rng: Rng
) -> AsyncGenerator[Step]:
    """Keep the n / M best unfinished prefixes of every round; the last round writes to the end."""
    beam = Beam(params.n, params.beam_width, params.max_steps, params.filter_duplicates)
    async with aclosing(search_beam(root, policy, verifier, beam, own_score)) as steps:
        async for step in steps:
            yield step


class BeamParams(Params):
    """Parameters of beam search."""

    n: NextSteps = 4
    beam_width: BeamWidth = 4
    max_steps: MaxSteps = 40
    filter_duplicates: FilterDuplicates = False
