"""Conditional sequential Monte Carlo: passes of a particle filter in which one slot is held to a
reference trajectory.

Andrieu, Doucet and Holenstein 2010, "Particle Markov chain Monte Carlo methods". The last of N
slots follows the reference step by step. At equal depth it competes with the free particles, by the
weight that its prefix of that depth has, and may become the ancestor of any of them. At the end one
trajectory is drawn by weight and becomes the reference of the next pass. A pass leaves the target
of the filter as it is: a reference drawn from it is followed by another one drawn from it. With
ancestor sampling (Lindsten, Jordan and Schon 2014, arXiv 1401.0604) the future of the reference may
also change its past in every round. Symbols: N particles, x* reference, w weight, psi potential of
a prefix, T temperature.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import replace
from functools import partial
from typing import NamedTuple, TypeAlias

from backend.core.formulas.particles import log_weight, normalise, swap_probability
from backend.core.ports import Policy, Rng, Verifier
from backend.core.statistics.resampling import conditional, invert
from backend.core.steps import Note, Referenced, Remarked, Step, Swapped
from backend.core.types import Node
from backend.strategies.particle_filter import run_filter
from backend.strategies.parts.particles.ancestry import futures
from backend.strategies.parts.particles.population import (
    DEAD,
    Ancestors,
    Moved,
    Particle,
    Population,
    Weighing,
    lineage,
    propagate,
)
from backend.strategies.parts.particles.smc import Smc


class DrawnReference(NamedTuple):
    """A trajectory drawn by weight, and the note that says how."""

    particle: Particle
    note: Referenced


def choose(particles: Sequence[Particle], log_weights: Sequence[float], rng: Rng) -> DrawnReference:
    """Draw one of the particles in proportion to its weight."""
    uniform = float(rng.random())
    [slot] = invert(normalise(log_weights), [uniform]).tolist()
    return DrawnReference(
        particles[slot], Referenced(particles[slot].node, slot, uniform, tuple(log_weights))
    )


class Held:
    """The reference that the last slot follows; ancestor sampling may give it another past."""

    def __init__(self, reference: Particle, weighing: Weighing) -> None:
        self._line, self._weighing = lineage(reference), weighing

    def _ahead(self, particle: Particle) -> list[Particle]:
        """The steps that the reference has yet to take; empty once it has ended."""
        return self._line[particle.node.depth - self._line[0].node.depth + 1 :]

    async def advance(
        self, particles: Sequence[Particle], policy: Policy, verifier: Verifier, weighing: Weighing
    ) -> Moved:
        """Extend the free particles by one step each, and move the last one along the reference, by
        the gain that the reference's prefix of this depth had."""
        *free, held = particles
        moved, notes = await propagate(free, policy, verifier, weighing)
        for step in self._ahead(held)[:1]:
            weight = log_weight(held.log_weight, step.gain, weighing.temperature)
            held = step._replace(log_weight=weight)
        return Moved([*moved, held], notes)

    async def keep_past(
        self,
        population: Population,
        weights: Sequence[float],
        policy: Policy,
        verifier: Verifier,
        rng: Rng,
    ) -> Ancestors:
        """Draw N - 1 ancestors among all N; the reference keeps its past."""
        uniforms = rng.random(len(weights) - 1)
        return Ancestors(
            "conditional", tuple(conditional(weights, uniforms).tolist()), tuple(uniforms.tolist())
        )

    async def sample_past(
        self,
        population: Population,
        weights: Sequence[float],
        policy: Policy,
        verifier: Verifier,
        rng: Rng,
    ) -> Ancestors:
        """Draw N - 1 ancestors among all N, and a new past for the reference: each particle in
        proportion to how well the reference's remaining steps fit it."""
        ends = await futures(
            population.particles,
            self._ahead(population.particles[-1]),
            policy,
            verifier,
            self._weighing,
        )
        particle, note = choose(ends, [end.log_weight for end in ends], rng)
        self._line = lineage(particle)
        uniforms = rng.random(len(weights) - 1)
        return Ancestors(
            "conditional",
            tuple(conditional(weights, uniforms, note.slot).tolist()),
            tuple(uniforms.tolist()),
            (note,),
        )


Past: TypeAlias = Callable[
    [Held, Population, Sequence[float], Policy, Verifier, Rng], Awaitable[Ancestors]
]


def condition(smc: Smc, reference: Particle, past: Past = Held.keep_past) -> Smc:
    """The method with its last slot held to a reference."""
    held = Held(reference, smc.weighing)
    return replace(smc, draw=partial(past, held), advance=held.advance)


class Chain:
    """A reference that moves by conditional passes. The first pass is free and finds one."""

    def __init__(
        self, root: Node, particles: int, smc: Smc, past: Past = Held.keep_past, name: str = ""
    ) -> None:
        self._root, self._particles, self._past = root, particles, past
        self.smc, self.name = smc, name
        self.reference: Particle | None = None

    async def sweep(self, policy: Policy, verifier: Verifier, rng: Rng) -> AsyncGenerator[Step]:
        """Run one pass of the chain; what it draws is the reference of the next one. It is an inner
        search for `compose`."""
        population = Population([Particle(self._root)] * self._particles)
        smc = (
            self.smc if self.reference is None else condition(self.smc, self.reference, self._past)
        )
        async with aclosing(run_filter(population, policy, verifier, smc, rng)) as steps:
            async for step in steps:
                yield step
        notes = (self._draw(population, rng),)
        yield Step(
            population.nodes,
            population.values,
            notes,
            phase="reference",
            stats=smc.stats(population),
            rounds=0,
        )

    def _draw(self, population: Population, rng: Rng) -> Note:
        if max(population.log_weights) == DEAD:
            return Remarked(
                "no particle survived: the next pass is free again", tuple(population.nodes)
            )
        self.reference, note = choose(population.particles, population.log_weights, rng)
        return note


def energy(reference: Particle) -> float:
    """The log potential of a trajectory at temperature 1, in nats: all that its steps gained."""
    return sum(step.gain for step in lineage(reference))


def exchange(one: Chain, other: Chain, rng: Rng) -> tuple[Swapped, ...]:
    """Propose that two chains swap their references, and swap them if the draw accepts. Does
    nothing where one of them has no reference."""
    if one.reference is None or other.reference is None:
        return ()
    temperatures = (one.smc.weighing.temperature, other.smc.weighing.temperature)
    energies = (energy(one.reference), energy(other.reference))
    probability, uniform = swap_probability(*temperatures, *energies), float(rng.random())
    nodes, accepted = (one.reference.node, other.reference.node), uniform < probability
    if accepted:
        one.reference, other.reference = other.reference, one.reference
    return (
        Swapped(
            (one.name, other.name), nodes, temperatures, energies, probability, uniform, accepted
        ),
    )
