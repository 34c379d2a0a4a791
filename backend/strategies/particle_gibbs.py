"""Particle Gibbs: passes of the particle filter, each conditioned on a trajectory that the last one
drew.

Puri et al. 2025, "Rollout Roulette" (arXiv 2502.01618), after Andrieu, Doucet and Holenstein 2010.
A pass of N particles ends with one trajectory x* drawn by weight. The next pass holds one slot to
x* and lets N - 1 free particles compete with it, step by step at equal depth. The pass is in
`conditional`, the filter that it is made of in `particle_filter`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from typing import Literal

from pydantic import Field

from backend.core.ports import Policy, Rng, Sampling, Verifier
from backend.core.registry import Params, strategy
from backend.core.steps import Step
from backend.core.streams import closing
from backend.core.types import Node
from backend.strategies.parts.compose import Gathered, Part, in_turn
from backend.strategies.parts.particles.conditional import Chain, Held, Past
from backend.strategies.parts.particles.smc import (
    Clip,
    EssMin,
    Mode,
    PassSize,
    PotentialField,
    Temperature,
    method,
)
from backend.strategies.parts.rounds import MaxSteps

PASTS: Mapping[bool, Past] = {False: Held.kept, True: Held.sampled}
ANSWERS: Mapping[str, Callable[[], Callable[[Step], Step]]] = {
    "last": lambda: lambda step: step,
    "all": Gathered,
}


class GibbsParams(Params):
    """Parameters of particle Gibbs."""

    particles: PassSize = 4
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
    mode: Mode = "paper"
    potential: PotentialField = "mode"
    temperature: Temperature = 1.0
    clip: Clip = 1e-7
    ess_min: EssMin = None
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


@strategy(
    "particle_gibbs",
    GibbsParams,
    title="Particle Gibbs",
    paper="arXiv 2502.01618",
    year=2025,
    views=("particles", "references"),
    sources=(
        (
            "the passes and their answer: Puri et al. 2025 and its_hub; the conditional pass: "
            "Andrieu, Doucet and Holenstein 2010"
        ),
        "ancestor sampling: Lindsten, Jordan and Schon 2014 (arXiv 1401.0604)",
    ),
    departures=(
        (
            "iterations is 2 by default: with 1, the default of the published program, there "
            "is no reference and the search is the particle filter"
        ),
        (
            "ancestors are drawn independently (multinomial, as published) and by no other "
            "scheme, which would not leave the target as it is"
        ),
    ),
    avoided=(
        (
            "the reference weighs by the score of its prefix of the same depth; its_hub takes "
            "its final score throughout, the paper's program the next"
        ),
        (
            "the model's temperature holds in every step; the paper's program falls back to "
            "0.8 after the first"
        ),
        "ancestor sampling is not implemented in its_hub",
    ),
    formulas={"weight": None},
    phases={
        "start": (
            "extend N copies of the root by one step (from the second pass on N - 1: the last "
            "slot follows x*); weigh each"
        ),
        "resample": (
            "draw N - 1 ancestors among all N by weight, the last slot stays with x*; one step "
            "further; weigh"
        ),
        "carry": "the ESS is high enough: keep particles and weights; one step further; weigh",
        "reference": "all are finished: draw x* by weight; back to the root",
    },
)
async def particle_gibbs(
    root: Node, policy: Policy, verifier: Verifier, params: GibbsParams, rng: Rng
) -> AsyncIterator[Step]:
    """K passes in turn; each but the first is conditioned on the trajectory that the last one
    drew.
    """
    smc = method(
        params.mode,
        params.potential,
        temperature=params.temperature,
        clip=params.clip,
        ess_min=params.ess_min,
        max_steps=params.max_steps,
    )
    chain = Chain(root, params.particles, smc, PASTS[params.ancestor_sampling])
    passes = [
        Part(f"iteration {turn + 1}", chain.sweep)
        for turn in range(0 if root.done else params.iterations)
    ]
    gathered = ANSWERS[params.answer]()
    async with closing(in_turn(passes, policy, verifier, rng)) as steps:
        async for step in steps:
            yield gathered(step)
