"""Particle filtering over steps: a population that drifts to where the verifier sees odds of being
right. Puri et al. 2025, "Rollout Roulette" (arXiv 2502.01618); its methods are in `smc`.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Literal

from pydantic import Field, ValidationInfo, field_validator

from backend.core.ports import Policy, Rng, Verifier
from backend.core.registry import Params, strategy
from backend.core.steps import Step
from backend.core.types import Node
from backend.strategies.parts.particles import smc
from backend.strategies.parts.particles.population import REST, Particle, Population, active
from backend.strategies.parts.rounds import MaxSteps


@strategy("particle_filter", formulas=dict.fromkeys((*smc.FORMULAS, "entropic")))
def particle_filter(
    root: Node, policy: Policy, verifier: Verifier, params: ParticleParams, rng: Rng
) -> AsyncGenerator[Step]:
    """Resample before an extension, never after the last one."""
    sampler = smc.method(
        params.mode,
        params.potential,
        temperature=params.temperature,
        clip=params.clip,
        ess_min=params.ess_min,
        max_steps=params.max_steps,
        scheme=params.scheme,
        anneal_below=params.anneal_below,
        early_phase=params.early_phase,
        rested=REST[params.reweigh_finished],
    )
    return run_filter(
        Population([Particle(root)] * params.particles), policy, verifier, sampler, rng
    )


async def run_filter(
    population: Population, policy: Policy, verifier: Verifier, sampler: smc.Smc, rng: Rng
) -> AsyncGenerator[Step]:
    """One pass of `population` by the method `sampler`, until all particles are finished or have
    taken `max_steps` steps."""
    for turn in range(sampler.max_steps):
        if not active(population.particles):
            return
        due = turn > 0 and sampler.due(population)
        drawn = (
            await sampler.resample(population, turn / sampler.max_steps, policy, verifier, rng)
            if due
            else ()
        )
        moved = await sampler.move(population, policy, verifier)
        phase = "resample" if due else "carry" if turn else "start"
        yield Step(
            population.nodes,
            population.values,
            (*drawn, *moved),
            phase=phase,
            stats=sampler.stats(population),
        )


class ParticleParams(Params):
    """Parameters of the particle filter."""

    particles: smc.Particles = 4
    mode: smc.Mode = "paper"
    potential: smc.PotentialField = "mode"
    temperature: smc.Temperature = 1.0
    clip: smc.Clip = 1e-7
    scheme: Literal["multinomial", "stratified", "systematic", "residual"] = Field(
        "multinomial",
        description="how ancestors are drawn; multinomial as published, the others vary less",
    )
    ess_min: smc.EssMin = None
    anneal_below: float = Field(
        0.0,
        ge=0.0,
        le=1.0,
        description=(
            "entropic annealing, arXiv 2510.05825: flatter draws where ESS < this x N; 0: off, "
            "0.5 in its_hub"
        ),
    )
    early_phase: float = Field(
        0.5,
        ge=0.0,
        le=1.0,
        description="annealing ends when this share of max_steps is over; 0.5 in its_hub",
    )
    reweigh_finished: bool = Field(
        False,
        description=(
            "multiply a finished particle by its odds again in every round, as the published "
            "program does"
        ),
    )
    max_steps: MaxSteps = 40

    @field_validator("reweigh_finished")
    @classmethod
    def only_as_published(cls, value: bool, info: ValidationInfo) -> bool:
        if value and info.data.get("mode") == "exact":
            raise ValueError("false in exact mode, where a finished particle is weighed once")
        return value
