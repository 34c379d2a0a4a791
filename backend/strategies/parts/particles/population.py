"""Particles of a particle filter: who they are, how they are weighed, moved and resampled.

A particle is a prefix with the log weight it has gathered since the last resampling. How a score
becomes weight is a `Weighing`, made of functions, so that another filter is another function and
not another loop. Symbols: psi potential of a prefix, psi_0 = 1; alpha factor by which a step
changes the weight; T temperature; beta inverse temperature of a draw.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple, TypeAlias

from backend.core.formulas.particles import effective_size, log_weight
from backend.core.ports import Policy, Verifier
from backend.core.statistics.weights import logmeanexp
from backend.core.steps import Note, Remarked, Resampled, Weighed
from backend.core.types import Node
from backend.strategies.parts.rounds import UNSCORED_ROUND, Brood, expand

DEAD = float("-inf")


class Particle(NamedTuple):
    """A prefix with its score and the log weight since the last resampling.

    `level` is log psi of the prefix, `gain` log alpha of its last step, both in nats and before the
    temperature; `before` is the particle that it was one step earlier, None at the root.
    """

    node: Node
    value: float | None = None
    log_weight: float = 0.0
    gain: float = 0.0
    level: float = 0.0
    before: Particle | None = None


def lineage(particle: Particle) -> list[Particle]:
    """The particle after each of its steps, the first step first; the root is left out."""
    line: list[Particle] = []
    while particle.before is not None:
        line.append(particle)
        particle = particle.before
    return line[::-1]


Rest: TypeAlias = Callable[[Particle, float], Particle]
"""(particle, temperature) to what a round makes of it that it takes no step in."""


def leave_weight(particle: Particle, temperature: float) -> Particle:
    """A finished particle is weighed once: alpha = 1 from then on."""
    return particle


def weigh_again(particle: Particle, temperature: float) -> Particle:
    """A finished particle is multiplied by its last alpha in every round, as the published program
    does."""
    return (
        particle
        if particle.log_weight == DEAD
        else particle._replace(
            log_weight=log_weight(particle.log_weight, particle.gain, temperature)
        )
    )


REST: Mapping[bool, Rest] = MappingProxyType({False: leave_weight, True: weigh_again})
"""By whether finished particles are weighed again."""


@dataclass(frozen=True)
class Weighing:
    """How scores become weight: `potential` of a score is log psi, `gain(before, now)` is log alpha
    from two values of log psi, a log weight gains log alpha / T, and `rested` is what a round does
    to a particle that takes no step."""

    potential: Callable[[float], float]
    gain: Callable[[float, float], float]
    temperature: float = 1.0
    rested: Rest = leave_weight

    def advance(self, particle: Particle, node: Node, value: float | None, mean: float) -> Particle:
        """The particle one step further. Without a score the step brings `mean`."""
        level = particle.level + mean if value is None else self.potential(value)
        gain = mean if value is None else self.gain(particle.level, level)
        weight = log_weight(particle.log_weight, gain, self.temperature)
        return Particle(node, value, weight, gain, level, particle)

    def mean_gain(self, particles: Sequence[Particle], broods: Sequence[Brood]) -> float:
        """The mean log alpha of the scored children of a round; 0 where there are none."""
        pairs = [
            (particle, child.value)
            for particle, brood in zip(particles, broods, strict=True)
            for child in brood.children
        ]
        gains = [
            self.gain(particle.level, self.potential(value))
            for particle, value in pairs
            if value is not None
        ]
        return sum(gains) / len(gains) if gains else 0.0


class Moved(NamedTuple):
    """Particles after a step, and what happened on the way."""

    particles: list[Particle]
    notes: tuple[Note, ...]


class Ancestors(NamedTuple):
    """Slot i continues particle `ancestors[i]`, decided by `uniforms` in the way that `scheme`
    names; `notes` say what else was drawn."""

    scheme: str
    ancestors: tuple[int, ...]
    uniforms: tuple[float, ...]
    notes: tuple[Note, ...] = ()


def active(particles: Sequence[Particle]) -> list[int]:
    """Slots of the particles that take another step: neither finished nor dead."""
    return [
        slot
        for slot, particle in enumerate(particles)
        if not particle.node.done and particle.log_weight > DEAD
    ]


@dataclass
class Population:
    """N particles on their way, changed by the one pass that moves them. `banked` is the log
    evidence of all resamplings so far, in nats."""

    particles: list[Particle]
    banked: float = 0.0

    @property
    def nodes(self) -> list[Node]:
        return [particle.node for particle in self.particles]

    @property
    def values(self) -> list[float | None]:
        return [particle.value for particle in self.particles]

    @property
    def log_weights(self) -> tuple[float, ...]:
        return tuple(particle.log_weight for particle in self.particles)

    @property
    def ess(self) -> float:
        return effective_size(self.log_weights)

    @property
    def log_evidence(self) -> float:
        """The estimate of log Z, in nats; -inf once every particle is dead. Its exponential is
        unbiased where no weight was thrown away."""
        return self.banked + logmeanexp(self.log_weights)

    def resample(
        self, drawn: Ancestors, beta: float, carried: Callable[[float, float], float]
    ) -> tuple[Note, ...]:
        """Continue the drawn particles. The draw was made by weight^beta; `carried(log weight,
        beta)` is the log weight that is left of one."""
        heated = tuple(weight if beta == 1.0 else beta * weight for weight in self.log_weights)
        note = Resampled(
            drawn.scheme, tuple(self.nodes), drawn.ancestors, drawn.uniforms, heated, self.ess
        )
        self.banked += logmeanexp(heated)
        chosen = [self.particles[ancestor] for ancestor in drawn.ancestors]
        self.particles = [
            particle._replace(log_weight=carried(particle.log_weight, beta)) for particle in chosen
        ]
        return (*drawn.notes, note)

    def move(self, moved: Moved) -> tuple[Note, ...]:
        """Take over the particles after a step."""
        pairs = zip(self.log_weights, moved.particles, strict=True)
        increments = tuple(
            DEAD if after.log_weight == DEAD else after.log_weight - before
            for before, after in pairs
        )
        self.particles = moved.particles
        return (*moved.notes, Weighed(tuple(self.nodes), self.log_weights, increments))


async def propagate(
    particles: Sequence[Particle], policy: Policy, verifier: Verifier, weighing: Weighing
) -> Moved:
    """Every active particle one step further and weighed: dead where it has no child, with the mean
    of the round where the child has no score. In a round without any score no weight changes, that
    of a finished particle neither."""
    slots = active(particles)
    movers = [particles[slot] for slot in slots]
    broods = await expand(policy, verifier, [mover.node for mover in movers]) if movers else []
    mean = weighing.mean_gain(movers, broods)
    children = [child for brood in broods for child in brood.children]
    blind = bool(children) and all(child.value is None for child in children)
    rested = leave_weight if blind else weighing.rested
    moved = [rested(particle, weighing.temperature) for particle in particles]
    for slot, mover, brood in zip(slots, movers, broods, strict=True):
        moved[slot] = mover._replace(log_weight=DEAD, gain=DEAD, value=None)
        for node, value, _ in brood.children:
            moved[slot] = weighing.advance(mover, node, value, mean)
    notes = [note for brood in broods for note in brood.notes if not isinstance(note, Remarked)]
    if lost := tuple(
        moved[slot].node
        for slot in slots
        if moved[slot].value is None and moved[slot].log_weight > DEAD
    ):
        mean_taken = "could not be scored: took the mean log weight of the round"
        notes.append(Remarked(UNSCORED_ROUND if blind else mean_taken, lost))
    return Moved(moved, tuple(notes))
