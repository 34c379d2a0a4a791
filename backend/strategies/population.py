"""Particles of a particle filter: who they are, how they move, how they are resampled.

A particle is a prefix with the log weight it has gathered since the last resampling. Potentials are functions passed in, from a score in
[0, 1] to a log weight increment in nats, so that another filter is another potential and not another loop.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from backend.ports import Policy, Rng, Verifier
from backend.sampling.resampling import resample
from backend.sampling.weights import ess, softmax
from backend.strategies.rounds import Brood, expand
from backend.types import Node, Note, Remarked, Resampled, Weighed


class Particle(NamedTuple):
    """A prefix with its score, the log weight since the last resampling, and the log odds that its last step brought."""

    node: Node
    value: float | None = None
    log_weight: float = 0.0
    gain: float = 0.0


DEAD = float("-inf")


def active(particles: Sequence[Particle]) -> list[int]:
    """Slots of the particles that take another step: neither finished nor dead."""
    return [slot for slot, particle in enumerate(particles) if not particle.node.done and particle.log_weight > DEAD]


class Population(NamedTuple):
    """Particles after resampling, and the note that says how they were drawn."""

    particles: list[Particle]
    note: Resampled


class Moved(NamedTuple):
    """Particles after a step, and what happened on the way."""

    particles: list[Particle]
    notes: tuple[Note, ...]


def resampled(particles: Sequence[Particle], scheme: str, rng: Rng) -> Population:
    """N particles drawn by weight, each of weight 1 again."""
    log_weights = tuple(particle.log_weight for particle in particles)
    ancestors, uniforms = resample(scheme, softmax(log_weights), rng)
    note = Resampled(scheme, tuple(p.node for p in particles), ancestors, uniforms, log_weights, ess(log_weights))
    return Population([particles[ancestor]._replace(log_weight=0.0) for ancestor in ancestors], note)


async def propagated(
    particles: Sequence[Particle], policy: Policy, verifier: Verifier, potential: Callable[[float], float], *, again: bool = False
) -> Moved:
    """Every active particle one step further and weighed. A finished one stays as it is; with `again` its last gain is added once more."""
    slots = active(particles)
    broods = await expand(policy, verifier, [particles[slot].node for slot in slots]) if slots else []
    moved = [p._replace(log_weight=p.log_weight + p.gain) if again and p.log_weight > DEAD else p for p in particles]
    mean = mean_gain(broods, potential)
    for slot, brood in zip(slots, broods, strict=True):
        moved[slot] = weighed(particles[slot], brood, potential, mean)
    notes = [note for brood in broods for note in brood.notes if not isinstance(note, Remarked)]
    if lost := tuple(moved[slot].node for slot in slots if moved[slot].value is None and moved[slot].log_weight > DEAD):
        notes.append(Remarked("could not be scored: took the mean log weight of the round", lost))
    increments = tuple(DEAD if new.log_weight == DEAD else new.log_weight - old.log_weight for old, new in zip(particles, moved, strict=True))
    notes.append(Weighed(tuple(p.node for p in moved), tuple(p.log_weight for p in moved), increments))
    return Moved(moved, tuple(notes))


def mean_gain(broods: Sequence[Brood], potential: Callable[[float], float]) -> float:
    """The mean log weight increment of the scored children of a round; 0 where every child is dead."""
    gains = [potential(child.value) for brood in broods for child in brood.children if child.value is not None]
    return sum(gains) / len(gains) if gains else 0.0


def weighed(particle: Particle, brood: Brood, potential: Callable[[float], float], mean: float) -> Particle:
    """The particle after its step: with the child's potential, with the mean where the child has no score, dead where it has no child."""
    if not brood.children:
        return particle._replace(log_weight=DEAD, gain=DEAD, value=None)
    [(node, value, _)] = brood.children
    gain = mean if value is None else potential(value)
    return Particle(node, value, particle.log_weight + gain, gain)
