"""Every variant of sequential Monte Carlo: evidence without bias and the exact posterior, whatever
the scheme and the threshold of the ESS.

By enumeration of all that can happen (`tests.support.courses`) where the language is small enough,
else over many seeds, within four standard errors of the mean, which each test computes from what it
saw.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, cast

import numpy as np
import pytest

from backend.core.formulas.particles import ladder
from backend.core.ports import Rng
from backend.core.statistics.resampling import SCHEMES
from backend.core.steps import Resampled, Step
from backend.strategies.particle_filter import run_filter
from backend.strategies.parts.particles.conditional import Held
from backend.strategies.parts.particles.population import Particle, Population
from backend.strategies.parts.particles.smc import method
from tests.strategies.passes import after_a_pass
from tests.strategies.running import Snapshot, run
from tests.strategies.test_particle_filter import TARGETS, UNEVEN, every_course, log_evidence, mass
from tests.support.courses import Course, Tape, TapedPolicy, courses, expected
from tests.support.enumerable import (
    LETTER_SCORES,
    LETTERS,
    STOPS,
    Language,
    ToyPolicy,
    ToyVerifier,
    completions,
    odds,
    odds_of_steps,
    posterior,
    prompt,
    table,
)

THRESHOLDS = (0.0, 0.5, 1.0)
CLIP = 0.25

VARIANTS: dict[str, tuple[dict[str, Any], Callable[[str], float]]] = {
    "paper": ({}, odds_of_steps(UNEVEN)),
    "paper, probabilities": (
        {"potential": "prob"},
        lambda path: math.prod(UNEVEN[path[:end]] for end in range(1, len(path) + 1)),
    ),
    "paper, tempered": ({"temperature": 2.0}, lambda path: math.sqrt(odds_of_steps(UNEVEN)(path))),
    "exact, odds": ({"mode": "exact", "potential": "odds"}, lambda path: odds(UNEVEN[path])),
    "exact, tempered": ({"mode": "exact", "temperature": 0.5}, lambda path: UNEVEN[path] ** 2),
    "exact, clipped": (
        {"mode": "exact", "potential": "odds", "clip": CLIP},
        lambda path: odds(min(max(UNEVEN[path], CLIP), 1.0 - CLIP)),
    ),
    "exact, annealed": (
        {"mode": "exact", "anneal_below": 1.0, "max_steps": 3},
        lambda path: UNEVEN[path],
    ),
}
"""Parameters of a filter, and the potential that it gives a finished path."""

on_schemes = pytest.mark.parametrize("scheme", list(SCHEMES))
on_thresholds = pytest.mark.parametrize("ess_min", THRESHOLDS)


def resamplings(found: Sequence[Course]) -> set[bool]:
    """Whether courses resampled: all, none, or some of them."""
    return {
        any(isinstance(note, Resampled) for step in course.steps for note in step.notes)
        for course in found
    }


@pytest.mark.parametrize("variant", list(VARIANTS))
@on_schemes
@on_thresholds
async def test_every_variant_has_unbiased_evidence_and_the_exact_posterior(
    variant: str, scheme: str, ess_min: float
) -> None:
    params, potential = VARIANTS[variant]
    particles = 2 if ess_min == 1.0 else 3  # the ESS of two is never below half of them
    found = await every_course(
        STOPS, UNEVEN, particles=particles, scheme=scheme, ess_min=ess_min, **params
    )
    exact = {path: p * potential(path) for path, p in completions(STOPS).items()}
    assert expected(found, lambda steps: math.exp(log_evidence(steps))) == pytest.approx(
        math.fsum(exact.values()), abs=1e-9
    )
    for path, share in exact.items():
        assert expected(found, mass(path)) == pytest.approx(share, abs=1e-9)
    assert resamplings(found) == ({False} if ess_min == 0.0 else {False, True})


@pytest.mark.parametrize(
    "params", [{"reweigh_finished": True}, {"anneal_below": 1.0, "max_steps": 3}]
)
async def test_what_is_published_without_that_promise_does_not_pass(params: dict[str, Any]) -> None:
    found = await every_course(STOPS, UNEVEN, particles=2, **params)
    exact = {path: p * odds_of_steps(UNEVEN)(path) for path, p in completions(STOPS).items()}
    assert max(abs(expected(found, mass(path)) - share) for path, share in exact.items()) > 0.02


async def every_round_resampled(
    language: Language, scores: Any, particles: int, scheme: str
) -> list[Course]:
    """All that can happen in a filter of exact weights that resamples before every extension."""
    smc = method(
        "exact", "prob", temperature=1.0, clip=1e-7, ess_min=None, max_steps=9, scheme=scheme
    )

    async def play(tape: Tape) -> list[Step]:
        population, rng = Population([Particle(prompt())] * particles), cast(Rng, tape)
        policy = TapedPolicy(language, tape)
        return [
            step
            async for step in run_filter(
                population, policy, ToyVerifier(scores), replace(smc, ess_min=math.inf), rng
            )
        ]

    return await courses(play)


@pytest.mark.parametrize(
    ("scheme", "particles"),
    [
        *((scheme, n) for scheme in SCHEMES for n in (1, 2, 3)),
        ("stratified", 4),
        ("systematic", 5),
        ("residual", 4),
    ],
)
async def test_the_evidence_is_unbiased_for_every_number_of_particles(
    scheme: str, particles: int
) -> None:
    language, scores = (
        table({"": {"a": 0.7, "b": 0.3}, "a": {"x": 1.0}, "b": {"y": 1.0}}),
        {"a": 0.9, "b": 0.25, "ax": 0.3, "by": 0.8},
    )
    found = await every_round_resampled(language, scores, particles, scheme)
    exact = 0.7 * 0.3 + 0.3 * 0.8
    assert expected(found, lambda steps: math.exp(log_evidence(steps))) == pytest.approx(
        exact, abs=1e-12
    )
    assert expected(found, log_evidence) < math.log(exact) - 1e-3


async def test_golden_evidence_of_two_particles_resampled_in_every_round() -> None:
    score, evidence, _ = TARGETS["prod"]
    found = await every_round_resampled(LETTERS, score, 2, "multinomial")
    assert expected(found, lambda steps: math.exp(log_evidence(steps))) == pytest.approx(
        28527 / 125000, abs=1e-12
    )
    assert evidence == pytest.approx(28527 / 125000) and math.log(evidence) == pytest.approx(
        -1.47746, abs=1e-5
    )
    assert expected(found, log_evidence) == pytest.approx(-1.600456, abs=1e-6)


def agrees(estimates: Sequence[float], exact: float, most: float) -> bool:
    """Whether a mean lies within four of its standard errors, which are at most `most` of what is
    estimated."""
    error = float(np.std(estimates, ddof=1)) / math.sqrt(len(estimates))
    assert 0.0 < error < most * exact
    return abs(float(np.mean(estimates)) - exact) < 4 * error


@on_schemes
async def test_golden_evidence_over_many_seeds(scheme: str) -> None:
    score, evidence, _ = TARGETS["last"]
    params = {"mode": "exact", "particles": 8, "scheme": scheme, "ess_min": 1.0}
    runs = [
        await run(
            "particle_filter", ToyPolicy(LETTERS, seed), ToyVerifier(score), seed=seed, **params
        )
        for seed in range(250)
    ]
    assert evidence == 0.5606
    assert agrees(
        [math.exp(steps[-1].step.stats["log_evidence"]) for steps in runs], evidence, 0.03
    )


@on_thresholds
async def test_the_published_weights_estimate_their_evidence_over_many_seeds(
    ess_min: float,
) -> None:
    params = {"particles": 16, "ess_min": ess_min, "temperature": 2.0}
    runs = [
        await run(
            "particle_filter",
            ToyPolicy(LETTERS, seed),
            ToyVerifier(LETTER_SCORES),
            seed=seed,
            **params,
        )
        for seed in range(150)
    ]
    exact = math.fsum(
        p * math.sqrt(odds_of_steps(LETTER_SCORES)(path))
        for path, p in completions(LETTERS).items()
    )
    assert agrees(
        [math.exp(log_evidence([snapshot.step for snapshot in steps])) for steps in runs],
        exact,
        0.05,
    )


def free_passes(steps: list[Snapshot], track: str) -> float:
    """The evidence that the first pass of a chain estimates: the last figure before its first
    reference is drawn."""
    told = [snapshot.step for snapshot in steps if snapshot.step.track == track]
    place = next(place for place, step in enumerate(told) if step.phase == "reference")
    return math.exp(told[place].stats["log_evidence"])


@on_thresholds
async def test_the_free_pass_of_gibbs_and_of_every_tempered_chain_estimates_its_own_evidence(
    ess_min: float,
) -> None:
    shared = {
        "mode": "exact",
        "potential": "odds",
        "particles": 8,
        "iterations": 1,
        "ess_min": ess_min,
    }
    chains = dict(zip(("chain 1", "chain 2", "chain 3"), ladder(2.0, 8.0, 3), strict=True))
    found: dict[str, list[float]] = {name: [] for name in ("iteration 1", *chains)}
    for seed in range(120):
        single = await run(
            "particle_gibbs",
            ToyPolicy(LETTERS, seed),
            ToyVerifier(LETTER_SCORES),
            seed=seed,
            temperature=1.5,
            **shared,
        )
        tempered = {**shared, "temperature": 2.0, "hottest": 8.0}
        several = await run(
            "parallel_tempering",
            ToyPolicy(LETTERS, seed),
            ToyVerifier(LETTER_SCORES),
            seed=seed,
            **tempered,
        )
        for name, estimates in found.items():
            estimates.append(free_passes(single if name == "iteration 1" else several, name))
    for name, estimates in found.items():
        power = 1.0 / chains.get(name, 1.5)
        exact = math.fsum(
            p * odds(LETTER_SCORES[path]) ** power for path, p in completions(LETTERS).items()
        )
        assert agrees(estimates, exact, 0.08), name


@on_thresholds
@pytest.mark.parametrize(
    ("mode", "potential", "temperature", "shape"),
    [
        ("paper", "odds", 1.0, odds_of_steps(UNEVEN)),
        ("exact", "odds", 2.0, lambda path: math.sqrt(odds(UNEVEN[path]))),
    ],
)
@pytest.mark.parametrize("past", [Held.keep_past, Held.sample_past])
async def test_conditional_passes_keep_the_posterior_at_every_threshold(
    mode: Any,
    potential: Any,
    temperature: float,
    shape: Callable[[str], float],
    ess_min: float,
    past: Any,
) -> None:
    smc = method(mode, potential, temperature=temperature, clip=1e-7, ess_min=ess_min, max_steps=9)
    target = posterior(STOPS, shape)
    found = await after_a_pass(STOPS, UNEVEN, target, smc, particles=3, past=past)
    assert found == pytest.approx(target, abs=1e-9)
