"""Particle Gibbs: passes of the particle filter, each conditioned on a trajectory that the last one
drew. Puri et al. 2025 (arXiv 2502.01618), after Andrieu, Doucet and Holenstein 2010.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from typing import Literal

from pydantic import Field

from backend.core.ports import Policy, Rng, Sampling, Verifier
from backend.core.registry import Params, strategy
from backend.core.steps import Step
from backend.core.types import Node
from backend.strategies.parts.compose import Gathered, InnerSearch, in_turn
from backend.strategies.parts.particles import smc
from backend.strategies.parts.particles.conditional import Chain, Held, Past
from backend.strategies.parts.rounds import MaxSteps


@strategy("particle_gibbs", formulas=dict.fromkeys(smc.FORMULAS))
async def particle_gibbs(
    root: Node, policy: Policy, verifier: Verifier, params: GibbsParams, rng: Rng
) -> AsyncGenerator[Step]:
    """K passes in turn; each but the first is conditioned on the trajectory that the last one
    drew.
    """
    sampler = smc.method(
        params.mode,
        params.potential,
        temperature=params.temperature,
        clip=params.clip,
        ess_min=params.ess_min,
        max_steps=params.max_steps,
    )
    chain = Chain(root, params.particles, sampler, PASTS[params.ancestor_sampling])
    passes = [
        InnerSearch(f"iteration {turn + 1}", chain.sweep)
        for turn in range(0 if root.done else params.iterations)
    ]
    gathered = ANSWERS[params.answer]()
    async with aclosing(in_turn(passes, policy, verifier, rng)) as steps:
        async for step in steps:
            yield gathered(step)


PASTS: Mapping[bool, Past] = {False: Held.keep_past, True: Held.sample_past}


ANSWERS: Mapping[str, Callable[[], Callable[[Step], Step]]] = {
    "last": lambda: lambda step: step,
    "all": Gathered,
}


class GibbsParams(Params):
    """Parameters of particle Gibbs."""

    particles: smc.PassSize = 4
    iterations: int = Field(
        2,
        ge=1,
        le=10_000,
        description=(
            "K passes; 1 in the published program, which is plain filtering; the budget is N K"
        ),
    )
    ancestor_sampling: bool = Field(
        False,
        description=(
            "draw the past of the reference anew in every round; needs an engine that judges "
            "given tokens"
        ),
    )
    answer: Literal["last", "all"] = Field(
        "last", description="candidates: the particles of the last pass (its_hub), or of all passes"
    )
    mode: smc.Mode = "paper"
    potential: smc.PotentialField = "mode"
    temperature: smc.Temperature = 1.0
    clip: smc.Clip = 1e-7
    ess_min: smc.EssMin = None
    max_steps: MaxSteps = 40

    def needs(self, sampling: Sampling) -> Mapping[str, str]:
        """Ancestor sampling asks how likely given steps are, as they are drawn in this run."""
        if not self.ancestor_sampling:
            return {}
        tempered = {
            "tempered_logprobs": (
                "sample at temperature 1 without truncation, or turn ancestor_sampling off"
            )
        }
        return {"prompt_logprobs": "turn ancestor_sampling off"} | (
            {} if sampling.plain else tempered
        )
