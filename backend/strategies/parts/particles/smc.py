"""Sequential Monte Carlo as a set of functions: what its variants share and where they differ.

`MODES` holds the two readings of a weight. In `paper` mode the current potential counts, alpha_t =
psi_t, and every round resamples. In `exact` mode potentials telescope, alpha_t = psi_t / psi_(t-1)
with psi_0 = 1, so that after t steps a particle weighs psi_t, whatever the aggregation that made
the score of a prefix of its steps; weights are carried until the ESS falls below a threshold, and
the evidence is estimated. Symbols: N particles, psi potential of a prefix, alpha factor of a step,
T temperature, beta inverse temperature of a draw, Z evidence.
"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Annotated, Literal, NamedTuple, TypeAlias

from pydantic import Field

from backend.core.formulas.particles import (
    POTENTIALS,
    WEIGHTINGS,
    Weighting,
    entropic,
    left_by_draw,
    normalise,
)
from backend.core.ports import Policy, Rng, Verifier
from backend.core.statistics.resampling import resample
from backend.core.steps import Note
from backend.strategies.parts.particles.population import (
    Ancestors,
    Moved,
    Particle,
    Population,
    Rest,
    Weighing,
    active,
    leave_weight,
    propagate,
)

ModeName: TypeAlias = Literal["paper", "exact"]
PotentialName: TypeAlias = Literal["mode", "odds", "prob"]

Particles = Annotated[
    int,
    Field(
        ge=1,
        le=4096,
        description="N; 4 in the published program, 1 to 128 in the paper's experiments",
    ),
]
PassSize = Annotated[
    int,
    Field(
        ge=2, le=4096, description="N of a pass, the reference included; 4 in the published program"
    ),
]
Mode = Annotated[
    ModeName,
    Field(
        description=(
            "paper: the current score weighs, as published; exact: weights telescope, log "
            "evidence is estimated"
        )
    ),
]
PotentialField = Annotated[
    PotentialName,
    Field(
        description=(
            "psi of a score r: odds r / (1 - r) or prob r; mode: odds in paper mode (as "
            "published), prob in exact mode"
        )
    ),
]
Temperature = Annotated[
    float,
    Field(
        gt=0.0,
        le=100.0,
        description="T of the weights (not of the model): psi^(1/T); 1 as published",
    ),
]
Clip = Annotated[
    float,
    Field(gt=0.0, lt=0.5, description="scores are held inside [clip, 1 - clip]; 1e-7 in its_hub"),
]
EssMin = Annotated[
    float | None,
    Field(
        ge=0.0,
        le=1.0,
        description=(
            "resample where ESS < this x N; empty: every round in paper mode, .5 (llamppl) in "
            "exact mode"
        ),
    ),
]

Draw: TypeAlias = Callable[
    [Population, Sequence[float], Policy, Verifier, Rng], Awaitable[Ancestors]
]
"""(population, normalised weights, policy, verifier, rng) to the ancestors of the next round."""

Advance: TypeAlias = Callable[[Sequence[Particle], Policy, Verifier, Weighing], Awaitable[Moved]]


class WeightMode(NamedTuple):
    """What a mode means: how a step weighs, what a draw leaves of a log weight, its default
    threshold, and what it reports."""

    weighting: Weighting
    carried: Callable[[float, float], float]
    ess_min: float
    stats: Callable[[Population], Mapping[str, float]]


def spend_weight(log_weight: float, beta: float) -> float:
    """A draw uses the whole weight up, even if it was made by a power of it."""
    return 0.0


def evidence(population: Population) -> Mapping[str, float]:
    """The estimate of log Z in nats, unless everybody is dead."""
    return (
        {"log_evidence": population.log_evidence} if math.isfinite(population.log_evidence) else {}
    )


def nothing(population: Population) -> Mapping[str, float]:
    return {}


MODES: Mapping[ModeName, WeightMode] = MappingProxyType(
    {
        "paper": WeightMode(WEIGHTINGS["paper"], spend_weight, math.inf, nothing),
        "exact": WeightMode(WEIGHTINGS["exact"], left_by_draw, 0.5, evidence),
    }
)


FORMULAS = (
    "weight",
    "normalise",
    "ess",
    "log_odds",
    "log_probability",
    "paper_gain",
    "exact_gain",
    "left_by_draw",
)
"""What every such method weighs and draws by."""


@dataclass(frozen=True)
class Smc:
    """A method: how weights come about, below which ESS / N a round resamples (inf: always), how
    ancestors are drawn, how particles advance.

    `heat(ESS / N, t / T)` is the inverse temperature beta of a draw. Other methods are made of one
    by replacing functions.
    """

    reading: WeightMode
    weighing: Weighing
    max_steps: int
    ess_min: float
    draw: Draw
    advance: Advance = propagate
    heat: Callable[[float, float], float] = lambda evenness, progress: 1.0

    def due(self, population: Population) -> bool:
        """Whether the weights are uneven enough to resample."""
        return population.ess < self.ess_min * len(population.particles)

    async def resample(
        self, population: Population, progress: float, policy: Policy, verifier: Verifier, rng: Rng
    ) -> tuple[Note, ...]:
        """Draw who goes on. `progress` in [0, 1) is the share of the rounds that is over."""
        beta = self.heat(population.ess / len(population.particles), progress)
        weights = normalise(
            [weight if beta == 1.0 else beta * weight for weight in population.log_weights]
        )
        drawn = await self.draw(population, weights, policy, verifier, rng)
        return population.resample(drawn, beta, self.reading.carried)

    async def move(
        self, population: Population, policy: Policy, verifier: Verifier
    ) -> tuple[Note, ...]:
        """Everybody one step further, weighed."""
        return population.move(
            await self.advance(population.particles, policy, verifier, self.weighing)
        )

    def stats(self, population: Population) -> dict[str, float]:
        """The scalars of a round, and of the method what a reader needs beside them (no `ess_min`
        where every round resamples)."""
        threshold = {"ess_min": self.ess_min} if math.isfinite(self.ess_min) else {}
        return {
            "ess": population.ess,
            "active": float(len(active(population.particles))),
            **threshold,
            "temperature": self.weighing.temperature,
            **self.reading.stats(population),
        }


def by_scheme(scheme: str) -> Draw:
    """Ancestors by weight, in one of the four schemes."""

    async def draw(
        population: Population,
        weights: Sequence[float],
        policy: Policy,
        verifier: Verifier,
        rng: Rng,
    ) -> Ancestors:
        return Ancestors(scheme, *resample(scheme, weights, rng))

    return draw


def method(
    mode: ModeName,
    potential: PotentialName,
    *,
    temperature: float,
    clip: float,
    ess_min: float | None,
    max_steps: int,
    scheme: str = "multinomial",
    anneal_below: float = 0.0,
    early_phase: float = 1.0,
    rested: Rest = leave_weight,
) -> Smc:
    """The method that these parameters name. `rested` is what a round does to a finished
    particle.
    """
    reading = MODES[mode]
    chosen = POTENTIALS[reading.weighting.potential if potential == "mode" else potential]
    gain = reading.weighting.gain
    weighing = Weighing(lambda score: chosen(score, clip), gain, temperature, rested)
    trigger = reading.ess_min if ess_min is None else ess_min
    heat = anneal(anneal_below, early_phase)
    return Smc(reading, weighing, max_steps, trigger, by_scheme(scheme), heat=heat)


def anneal(below: float, early_phase: float) -> Callable[[float, float], float]:
    """Entropic annealing of the draws of a round whose ESS / N lies under `below`, while the share
    of the rounds that is over lies under `early_phase`; never with 0 (its_hub 1.2.0)."""

    def beta(evenness: float, progress: float) -> float:
        early = progress < early_phase
        return entropic(evenness, progress) if early and evenness < below else 1.0

    return beta
