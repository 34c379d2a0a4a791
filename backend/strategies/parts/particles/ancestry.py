"""What the future of a trajectory says about its past: the weights of ancestor sampling.

Lindsten, Jordan and Schon 2014, "Particle Gibbs with ancestor sampling" (arXiv 1401.0604). A
particle x_1:t may become the past of the remaining steps x*_(t+1:T) with weight w p(x*_(t+1:T) |
x_1:t) psi(x_1:t, x*_(t+1:T)) / psi(x_1:t). A language model remembers everything, so p and psi have
to be asked anew for every particle: the policy tells the likelihood of the given steps, the
verifier scores them in their new place.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from typing import TypeAlias

from msgspec.structs import replace

from backend.core.formulas.particles import log_weight
from backend.core.ports import Policy, Verifier
from backend.core.types import Kind, Node
from backend.strategies.parts.particles.population import DEAD, Particle, Weighing
from backend.strategies.parts.rounds import scores

Tail: TypeAlias = Sequence[Node]


def splice(node: Node, tail: Tail) -> list[Node]:
    """Copies of the steps `tail` below another node. Nobody generated them there, so they are
    marked as injected and carry no log-probabilities."""
    copies: list[Node] = []
    for step in tail:
        parent = copies[-1] if copies else node
        key = blake2b(
            f"{parent.key}+{step.key}".encode(), digest_size=8
        ).hexdigest()  # a text would grow with every copy of a copy
        copies.append(
            replace(
                step,
                parent=parent,
                depth=parent.depth + 1,
                kind=Kind.INJECTED,
                logprobs=None,
                alternatives=(),
                key=key,
            )
        )
    return copies


async def futures(
    particles: Sequence[Particle],
    line: Sequence[Particle],
    policy: Policy,
    verifier: Verifier,
    weighing: Weighing,
) -> list[Particle]:
    """Each particle at the end of the trajectory that it becomes if it goes on like `line`, the
    rest of the reference; the last one is its own.

    The log weight of the result is that of ancestor sampling: -inf where a particle cannot go on so
    (it is dead, or finished too early or too late), or where a step could not be scored in its new
    place. Where not even the reference's own future can be judged, it keeps its past.
    """
    fit = [
        slot
        for slot, particle in enumerate(particles)
        if particle.log_weight > DEAD and particle.node.done == particles[-1].node.done
    ]
    if not line:
        return [
            particle if slot in fit else particle._replace(log_weight=DEAD)
            for slot, particle in enumerate(particles)
        ]
    tail = [step.node for step in line]
    likelihoods = dict(
        zip(
            fit,
            await policy.log_likelihoods([(particles[slot].node, tail) for slot in fit]),
            strict=True,
        )
    )
    known = likelihoods[fit[-1]] > DEAD
    copies = {
        slot: splice(particles[slot].node, tail)
        for slot in fit[:-1]
        if known and likelihoods[slot] > DEAD
    }
    fresh = [node for nodes in copies.values() for node in nodes]
    values = dict(zip(fresh, await scores(verifier, fresh), strict=True))
    ends = [particle._replace(log_weight=DEAD) for particle in particles]
    ends[-1] = follow(particles[-1], line, weighing)
    for slot, nodes in copies.items():
        ends[slot] = continue_along(
            particles[slot], nodes, [values[node] for node in nodes], weighing
        )
    return [
        end._replace(log_weight=end.log_weight + (likelihoods.get(slot, DEAD) if known else 0.0))
        for slot, end in enumerate(ends)
    ]


def follow(particle: Particle, line: Sequence[Particle], weighing: Weighing) -> Particle:
    """Return the particle of the reference at its end, with all the weight that its remaining steps
    add."""
    return line[-1]._replace(
        log_weight=log_weight(
            particle.log_weight, sum(step.gain for step in line), weighing.temperature
        )
    )


def continue_along(
    particle: Particle, nodes: Sequence[Node], values: Sequence[float | None], weighing: Weighing
) -> Particle:
    """Return the particle after the given steps; its log weight is -inf where one of them has no
    score."""
    for node, value in zip(nodes, values, strict=True):
        if value is None:
            return particle._replace(log_weight=DEAD)
        particle = weighing.advance(particle, node, value, 0.0)
    return particle
