"""One chain of steps: the model thinks aloud once, and nothing is searched.

Chain of thought: Wei et al. 2022 (arXiv 2201.11903). Everything else in this package has to beat
it.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator

from msgspec.structs import replace
from pydantic import Field

from backend.core.ports import Policy, Rng, Verifier
from backend.core.registry import Params, strategy
from backend.core.steps import Step
from backend.core.types import Node
from backend.strategies.parts.rounds import MaxSteps, dead


@strategy("chain")
async def chain(
    root: Node, policy: Policy, verifier: Verifier, params: ChainParams, rng: Rng
) -> AsyncGenerator[Step]:
    """One sampled or greedy solution, step by step."""
    sampling = replace(policy.sampling, temperature=0.0) if params.greedy else None
    node = root
    for _ in range(params.max_steps):
        if node.done:
            return
        [[node]] = await policy.extend([node], sampling=sampling)
        notes = dead([node])
        yield Step([node], [None], notes, phase="extend")
        if notes:
            return


class ChainParams(Params):
    """Parameters of a chain."""

    greedy: bool = Field(
        False,
        description=(
            "take the likeliest token every time instead of sampling with the run's own settings"
        ),
    )
    max_steps: MaxSteps = 40
