"""Particle filtering over steps: a population that drifts to where the verifier sees odds of being
right.

Puri et al. 2025, "Rollout Roulette" (arXiv 2502.01618), as published (paper mode): N prefixes are
resampled by the odds (r / (1 - r))^(1/T) of their current score r, and the unfinished take one more
step. Exact mode is sequential Monte Carlo as in llamppl (arXiv 2306.03081): see `smc`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Literal

from pydantic import Field, ValidationInfo, field_validator

from backend.core.ports import Policy, Rng, Verifier
from backend.core.registry import Params, strategy
from backend.core.steps import Step
from backend.core.types import Node
from backend.strategies.parts.particles.population import (
    Particle,
    Population,
    active,
    unchanged,
    weighed_again,
)
from backend.strategies.parts.particles.smc import (
    Clip,
    EssMin,
    Mode,
    Particles,
    PotentialField,
    Smc,
    Temperature,
    method,
)
from backend.strategies.parts.rounds import MaxSteps


class ParticleParams(Params):
    """Parameters of the particle filter."""

    particles: Particles = 4
    mode: Mode = "paper"
    potential: PotentialField = "mode"
    temperature: Temperature = 1.0
    clip: Clip = 1e-7
    scheme: Literal["multinomial", "stratified", "systematic", "residual"] = Field(
        "multinomial",
        description="how ancestors are drawn; multinomial as published, the others vary less",
    )
    ess_min: EssMin = None
    anneal_below: float = Field(
        0.0,
        ge=0.0,
        le=1.0,
        description=(
            "entropic annealing, arXiv 2510.05825: flatter draws where ESS < this x N; 0: off"
        ),
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


@strategy(
    "particle_filter",
    ParticleParams,
    title="Particle filter",
    paper="arXiv 2502.01618",
    year=2025,
    views=("particles",),
    sources=(
        (
            "paper mode: Puri et al. 2025; exact mode: llamppl (arXiv 2306.03081); entropic "
            "annealing: Giannone et al. 2025 (arXiv 2510.05825)"
        ),
    ),
    departures=(
        (
            "a finished particle keeps its weight; the published program multiplies it by its "
            "odds again in every later round (reweigh_finished)"
        ),
        (
            "a dead particle (an empty step) weighs nothing; an unscored one takes the mean "
            "log weight of its round"
        ),
        (
            "annealing never sharpens: 1 / beta = max(1, (N / ESS)(1 - t / T)); the published "
            "formula ends at 0, its threshold is not established"
        ),
    ),
    avoided=(
        (
            "its_hub resamples once more after the last step, which can lose the best "
            "particle, and draws from a generator without a seed"
        ),
    ),
    formulas={"weight": None},
    phases={
        "start": (
            "extend N copies of the root by one step; weigh each by the potential of its score"
        ),
        "resample": (
            "the ESS is low (paper mode: always): draw N ancestors by weight; extend the "
            "unfinished by one step; weigh them"
        ),
        "carry": (
            "the ESS is high enough: keep particles and weights; extend the unfinished by one "
            "step; weigh them"
        ),
    },
)
def particle_filter(
    root: Node, policy: Policy, verifier: Verifier, params: ParticleParams, rng: Rng
) -> AsyncIterator[Step]:
    """Resample before an extension, never after the last one."""
    smc = method(
        params.mode,
        params.potential,
        temperature=params.temperature,
        clip=params.clip,
        ess_min=params.ess_min,
        max_steps=params.max_steps,
        scheme=params.scheme,
        anneal_below=params.anneal_below,
        rested=weighed_again if params.reweigh_finished else unchanged,
    )
    return filtered(Population([Particle(root)] * params.particles), policy, verifier, smc, rng)


async def filtered(
    population: Population, policy: Policy, verifier: Verifier, smc: Smc, rng: Rng
) -> AsyncIterator[Step]:
    """One pass of `population` by the method `smc`, until all particles are finished or have taken
    `max_steps` steps."""
    for turn in range(smc.max_steps):
        if not active(population.particles):
            return
        due = turn > 0 and smc.due(population)
        drawn = (
            await smc.resample(population, turn / smc.max_steps, policy, verifier, rng)
            if due
            else ()
        )
        moved = await smc.move(population, policy, verifier)
        phase = "resample" if due else "carry" if turn else "start"
        yield Step(
            population.nodes,
            population.values,
            (*drawn, *moved),
            phase=phase,
            stats=smc.stats(population),
        )
