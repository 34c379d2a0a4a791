"""Conditional passes on a toy language from a given reference: what the tests of particle Gibbs and
of parallel tempering share."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import cast

from backend.core.ports import Rng
from backend.core.steps import Referenced, Step
from backend.core.types import Finish, Node
from backend.strategies.parts.particles.conditional import Chain, Held, Past
from backend.strategies.parts.particles.population import Particle, lineage
from backend.strategies.parts.particles.smc import Smc
from tests.support.courses import Tape, TapedPolicy, courses
from tests.support.enumerable import Language, ToyVerifier, prompt


class LikelyPolicy(TapedPolicy):
    """A taped policy that can also judge steps given to it. With `deaf` it finds everything equally
    likely."""

    deaf = False

    async def log_likelihoods(self, pairs: Sequence[tuple[Node, Sequence[Node]]]) -> list[float]:
        return [
            0.0 if self.deaf else self._likelihood(node.solution_text(), tail)
            for node, tail in pairs
        ]

    def _likelihood(self, path: str, tail: Sequence[Node]) -> float:
        total = 0.0
        for step in tail:
            fitting = [
                p.probability
                for p in self._language(path)
                if p.text == step.text and (p.finish is Finish.END) is step.done
            ]
            total += math.log(fitting[0]) if fitting else -math.inf
            path += step.text
        return total


class DeafPolicy(LikelyPolicy):
    deaf = True


def trajectory(
    root: Node, language: Language, scores: Mapping[str, float], path: str, smc: Smc
) -> Particle:
    """The particle of a finished path whose steps have one letter each."""
    particle = Particle(root)
    for end in range(1, len(path) + 1):
        [piece] = [piece for piece in language(path[: end - 1]) if piece.text == path[end - 1]]
        done = piece.finish is Finish.END
        node = Node(
            piece.text,
            parent=particle.node,
            depth=end,
            done=done,
            finish=piece.finish,
            key=f"given/{end}",
        )
        particle = smc.weighing.advance(particle, node, scores[path[:end]], 0.0)
    return particle


def with_gains(particle: Particle, gains: Sequence[float]) -> Particle:
    """The same trajectory, its steps weighing something else: a broken reference."""
    line = lineage(particle)
    rebuilt = line[0].before
    for step, gain in zip(line, gains, strict=True):
        rebuilt = step._replace(gain=gain, before=rebuilt)
    assert rebuilt is not None
    return rebuilt


def whole(reference: Particle) -> Particle:
    """The reference as it is."""
    return reference


def by_its_end(reference: Particle) -> Particle:
    """A broken twin: every prefix of the reference weighs by its final score."""
    return with_gains(reference, [reference.gain] * len(lineage(reference)))


def one_ahead(reference: Particle) -> Particle:
    """A broken twin: every prefix of the reference weighs by the score of the next one."""
    line = lineage(reference)
    return with_gains(reference, [step.gain for step in [*line[1:], line[-1]]])


async def after_a_pass(
    language: Language,
    scores: Mapping[str, float],
    target: Mapping[str, float],
    smc: Smc,
    *,
    particles: int = 2,
    past: Past = Held.keep_past,
    twin: Callable[[Particle], Particle] = whole,
    policy: type[TapedPolicy] = LikelyPolicy,
) -> dict[str, float]:
    """The exact distribution of the reference after one conditional pass, where it was drawn from
    `target` before."""
    found: defaultdict[str, float] = defaultdict(float)
    for path, share in target.items():

        async def play(tape: Tape, path: str = path) -> list[Step]:
            root, rng = prompt(), cast(Rng, tape)
            chain = Chain(root, particles, smc, past)
            chain.reference = twin(trajectory(root, language, scores, path, smc))
            return [
                step async for step in chain.sweep(policy(language, tape), ToyVerifier(scores), rng)
            ]

        for course in await courses(play):
            [drawn] = course.steps[-1].notes
            assert isinstance(drawn, Referenced)
            found[drawn.node.solution_text()] += share * course.probability
    return dict(found)


def distance(found: Mapping[str, float], target: Mapping[str, float]) -> float:
    """Half the sum of absolute differences of two distributions."""
    return (
        sum(
            abs(found.get(path, 0.0) - target.get(path, 0.0))
            for path in found.keys() | target.keys()
        )
        / 2
    )
