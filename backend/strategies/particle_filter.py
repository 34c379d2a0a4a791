"""Particle filtering over steps: a population that drifts to where the verifier sees odds of being right.

Puri et al. 2025, "Rollout Roulette" (arXiv 2502.01618), as published (paper mode). N particles are prefixes. In every round all of them are
resampled by weight and the unfinished ones take one more step. The weight of a prefix with score r is its odds (r / (1 - r))^(1/T); only the
current score counts, because resampling spends the earlier ones. The answer is the finished particle with the best score.
Symbols: N particles, r score, T temperature of the weights, ESS effective sample size.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Literal

from pydantic import Field

from backend.ports import Policy, Rng, Verifier
from backend.registry import Params, strategy
from backend.sampling.weights import ess, log_odds
from backend.strategies.population import Particle, active, propagated, resampled
from backend.strategies.rounds import MaxSteps
from backend.types import Node, Note, Step


class ParticleParams(Params):
    """Parameters of the particle filter."""

    particles: int = Field(4, ge=1, le=4096, description="N; 4 in the published program, 1 to 128 in the paper's experiments")
    temperature: float = Field(1.0, gt=0.0, le=100.0, description="T of the weights (not of the model): odds^(1/T); 1 as published")
    clip: float = Field(1e-7, gt=0.0, lt=0.5, description="scores are held inside [clip, 1 - clip]; 1e-7 in its_hub")
    scheme: Literal["multinomial", "stratified", "systematic", "residual"] = Field(
        "multinomial", description="how ancestors are drawn; multinomial as published, the others vary less"
    )
    reweigh_finished: bool = Field(False, description="multiply a finished particle by its odds again in every round, as the published program does")
    max_steps: MaxSteps = 40


@strategy(
    "particle_filter", ParticleParams, title="Particle filter", paper="arXiv 2502.01618", year=2025, views=("particles",),
    departures=(
        "a finished particle keeps its weight; the published program multiplies it by its odds again in every later round (reweigh_finished)",
        "a dead particle (an empty step) weighs nothing; an unscored one takes the mean log weight of its round",
    ),
    phases={
        "start": "extend N copies of the root by one step; weigh each by the odds of its score",
        "resample": "draw N ancestors by weight; extend the unfinished by one step; weigh them",
    },
)
async def particle_filter(root: Node, policy: Policy, verifier: Verifier, params: ParticleParams, rng: Rng) -> AsyncIterator[Step]:
    """Resample before each extension, never after the last one."""
    particles = [Particle(root)] * params.particles

    def potential(score: float) -> float:
        return log_odds(score, params.clip) / params.temperature

    for turn in range(params.max_steps):
        if not active(particles):
            return
        notes: list[Note] = []
        if turn > 0:
            particles, drawn = resampled(particles, params.scheme, rng)
            notes.append(drawn)
        particles, told = await propagated(particles, policy, verifier, potential, again=params.reweigh_finished)
        log_weights = [particle.log_weight for particle in particles]
        stats = {"ess": ess(log_weights), "active": float(len(active(particles)))}
        phase = "resample" if turn else "start"
        yield Step([p.node for p in particles], [p.value for p in particles], (*notes, *told), phase=phase, stats=stats)
