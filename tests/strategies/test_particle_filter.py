"""The particle filter against exact posteriors, and against the mistakes that published programs
make."""

from __future__ import annotations

import itertools
import math
from collections import defaultdict
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from backend.core.errors import BadInput
from backend.core.formulas.particles import log_odds
from backend.core.registry import STRATEGIES
from backend.core.statistics.resampling import SCHEMES
from backend.core.statistics.weights import ess, logmeanexp, softmax
from backend.core.steps import Note, Remarked, Resampled, Step, Weighed
from backend.core.types import Finish
from backend.strategies.particle_filter import ParticleParams
from backend.strategies.parts.particles.smc import anneal
from backend.strategies.parts.rounds import UNSCORED_ROUND
from tests.strategies.running import Snapshot, notes_of, run, texts
from tests.support.courses import Course, Tape, TapedPolicy, courses, expected
from tests.support.enumerable import (
    LEAVES,
    LETTER_SCORES,
    LETTERS,
    STOP_SCORES,
    STOPS,
    Language,
    Piece,
    ToyPolicy,
    ToyVerifier,
    below,
    completions,
    odds,
    odds_of_steps,
    posterior,
    prompt,
)

MANY = 12_000
THRESHOLDS = (0.0, 0.5, 1.0)


def scores_to(path: str) -> list[float]:
    """The scores of the steps of a path."""
    return [LETTER_SCORES[path[:end]] for end in range(1, len(path) + 1)]


TARGETS: dict[str, tuple[Callable[[str], float], float, tuple[float, ...]]] = {
    "prod": (lambda path: math.prod(scores_to(path)), 0.228216, (.185508, .357766, .028394, .170365, .022084, .017983, .017667, .200231)),
    "last": (lambda path: scores_to(path)[-1], 0.5606, (.104888, .202283, .025687, .154121, .049946, .040671, .034249, .388156)),
    "min": (lambda path: min(scores_to(path)), 0.366, (.160656, .275410, .039344, .196721, .045902, .019672, .052459, .209836)),
}  # fmt: skip
"""How the scores of steps become the score of a path: that score, the evidence and the posterior of
`LEAVES`."""

UNEVEN = {"S": 0.1, "a": 0.9, "ax": 0.9, "ay": 0.2}
"""Scores of `STOPS` that differ enough in the first step to let the ESS of three particles fall
below half of them."""


async def weighted_population(steps: list[Snapshot]) -> dict[str, float]:
    """The share of the final weight on every text."""
    last = notes_of(steps, Weighed)[-1]
    assert isinstance(last, Weighed)
    shares: defaultdict[str, float] = defaultdict(float)
    for particle, weight in zip(last.particles, softmax(last.log_weights), strict=True):
        shares[particle.solution_text()] += float(weight)
    return dict(shares)


async def crowd(
    policy: ToyPolicy, verifier: ToyVerifier, seed: int, many: int = MANY, **params: Any
) -> list[Snapshot]:
    """A run with more particles than the form allows."""
    entry = STRATEGIES["particle_filter"]
    parsed = entry.parse(params).model_copy(update={"particles": many})
    return [
        Snapshot(s, list(s.nodes), list(s.values))
        async for s in entry.run(prompt(), policy, verifier, parsed, np.random.default_rng(seed))
    ]


def log_evidence(steps: list[Step]) -> float:
    """The estimate of log Z that the notes hold: the mean weights of all resamplings, times the
    mean weight at the end."""
    notes = [note for step in steps for note in step.notes if isinstance(note, Resampled | Weighed)]
    last = notes[-1]
    assert isinstance(last, Weighed)
    return sum(
        logmeanexp(note.log_weights) for note in notes if isinstance(note, Resampled)
    ) + logmeanexp(last.log_weights)


async def every_course(language: Language, scores: Any, **params: Any) -> list[Course]:
    """All that can happen in a particle filter."""
    entry = STRATEGIES["particle_filter"]

    async def play(tape: Tape) -> list[Step]:
        return [
            s
            async for s in entry.run(
                prompt(),
                TapedPolicy(language, tape),
                ToyVerifier(scores),
                entry.parse(params),
                tape,
            )
        ]

    return await courses(play)


def mass(path: str) -> Callable[[list[Step]], float]:
    """The estimate of Z times the posterior of one path."""

    def estimate(steps: list[Step]) -> float:
        last = steps[-1]
        [weighed] = [note for note in last.notes if isinstance(note, Weighed)]
        shares = softmax(weighed.log_weights)
        return math.exp(log_evidence(steps)) * sum(
            float(w)
            for w, node in zip(shares, last.nodes, strict=True)
            if node.solution_text() == path
        )

    return estimate


async def test_finished_particles_weighed_once_give_the_exact_posterior() -> None:
    shares = await weighted_population(await crowd(ToyPolicy(STOPS), ToyVerifier(STOP_SCORES), 1))
    exact = posterior(STOPS, odds_of_steps(STOP_SCORES))
    assert (exact["S"], exact["ax"], exact["ay"]) == pytest.approx(
        (0.177778, 0.8, 0.022222), abs=1e-6
    )
    assert shares == pytest.approx(exact, abs=0.015)


async def test_weighing_finished_particles_again_gives_the_published_bias() -> None:
    shares = await weighted_population(
        await crowd(ToyPolicy(STOPS), ToyVerifier(STOP_SCORES), 1, reweigh_finished=True)
    )
    assert shares == pytest.approx({"S": 0.244898, "ax": 0.734694, "ay": 0.020408}, abs=0.015)


async def test_three_steps_give_the_posterior_of_the_product_of_odds() -> None:
    shares = await weighted_population(
        await crowd(ToyPolicy(LETTERS), ToyVerifier(LETTER_SCORES), 2, scheme="systematic")
    )
    exact = posterior(LETTERS, odds_of_steps(LETTER_SCORES))
    assert exact["aab"] == pytest.approx(0.860590, abs=1e-6)
    assert [shares.get(path, 0.0) for path in exact] == pytest.approx(
        list(exact.values()), abs=0.015
    )


async def test_a_high_temperature_flattens_the_weights() -> None:
    steps = await run(
        "particle_filter",
        ToyPolicy(LETTERS),
        ToyVerifier(LETTER_SCORES),
        particles=16,
        temperature=2.0,
    )
    first = notes_of(steps, Weighed)[0]
    assert isinstance(first, Weighed)
    expected = [
        math.log(LETTER_SCORES[node.solution_text()] / (1 - LETTER_SCORES[node.solution_text()]))
        / 2
        for node in first.particles
    ]
    assert first.log_weights == pytest.approx(expected)


async def test_constant_scores_lose_no_effective_particles() -> None:
    steps = await run(
        "particle_filter", ToyPolicy(LETTERS), ToyVerifier(lambda path: 0.7), particles=8
    )
    assert [snapshot.step.stats["ess"] for snapshot in steps] == pytest.approx([8.0] * 3)


@pytest.mark.parametrize("seed", range(5))
async def test_one_particle_is_plain_sampling(seed: int) -> None:
    filtered = await run(
        "particle_filter", ToyPolicy(LETTERS, seed), ToyVerifier(LETTER_SCORES), particles=1
    )
    chain = await run("chain", ToyPolicy(LETTERS, seed), ToyVerifier(LETTER_SCORES))
    assert texts(filtered[-1]) == texts(chain[-1])


@pytest.mark.parametrize("seed", range(10))
async def test_resampling_comes_before_each_extension_and_never_after_the_last(seed: int) -> None:
    policy, verifier = ToyPolicy(LETTERS, seed), ToyVerifier(LETTER_SCORES)
    steps = await run("particle_filter", policy, verifier, seed=seed, particles=6)
    drawn = [sum(isinstance(note, Resampled) for note in snapshot.step.notes) for snapshot in steps]
    assert drawn == [0, 1, 1]
    last = [LETTER_SCORES[node.solution_text()] for node in policy.born if node.done]
    assert sorted(value for value in steps[-1].values if value is not None) == sorted(last)


async def test_every_draw_can_be_replayed_from_its_note() -> None:
    for scheme in SCHEMES:
        steps = await run(
            "particle_filter",
            ToyPolicy(LETTERS),
            ToyVerifier(LETTER_SCORES),
            particles=9,
            scheme=scheme,
        )
        notes = notes_of(steps, Resampled)
        assert len(notes) == 2
        for note in notes:
            assert isinstance(note, Resampled)
            assert note.scheme == scheme
            assert SCHEMES[scheme](softmax(note.log_weights), note.uniforms).tolist() == list(
                note.ancestors
            )


async def test_the_population_continues_the_drawn_ancestors() -> None:
    steps = await run(
        "particle_filter", ToyPolicy(LETTERS), ToyVerifier(LETTER_SCORES), particles=9
    )
    for before, after in itertools.pairwise(steps):
        [note] = [note for note in after.step.notes if isinstance(note, Resampled)]
        assert list(note.particles) == before.nodes
        assert [node.parent for node in after.nodes] == [
            before.nodes[ancestor] for ancestor in note.ancestors
        ]


async def test_finished_particle_extends_to_itself_and_gains_no_weight() -> None:
    steps = await run("particle_filter", ToyPolicy(STOPS), ToyVerifier(STOP_SCORES), particles=32)
    weighed = notes_of(steps, Weighed)[1]
    assert isinstance(weighed, Weighed)
    finished = {node for node in steps[0].nodes if node.done}
    rows = zip(weighed.particles, weighed.log_weights, weighed.increments, strict=True)
    carried = [(weight, gain) for node, weight, gain in rows if node in finished]
    assert carried
    assert set(carried) == {(0.0, 0.0)}


async def test_an_unscored_particle_takes_the_mean_log_weight_and_is_told_about() -> None:
    scores = {"a": 0.9, "aa": 0.8, "ab": 0.5, "ba": 0.6, "bb": 0.7} | {
        path: 0.5 for path in LETTER_SCORES if len(path) == 3
    }
    steps = await run("particle_filter", ToyPolicy(LETTERS), ToyVerifier(scores), particles=12)
    first = notes_of(steps[:1], Weighed)[0]
    assert isinstance(first, Weighed)
    assert {node.solution_text() for node in first.particles} == {"a", "b"}
    assert first.log_weights == pytest.approx([math.log(9.0)] * 12)
    [remark] = notes_of(steps[:1], Remarked)
    assert isinstance(remark, Remarked)
    assert set(remark.nodes) == {node for node in first.particles if node.solution_text() == "b"}


async def test_a_saturated_score_stays_finite() -> None:
    steps = await run(
        "particle_filter",
        ToyPolicy(LETTERS),
        ToyVerifier(lambda path: 1.0 if path.startswith("a") else 0.0),
        particles=12,
    )
    for note in notes_of(steps, Weighed):
        assert isinstance(note, Weighed)
        assert all(math.isfinite(weight) for weight in note.log_weights)


async def test_a_dead_particle_is_never_drawn_again() -> None:
    def silent(path: str) -> list[Piece]:
        return [Piece("a", 0.5), Piece("", 0.5)]

    steps = await run(
        "particle_filter",
        ToyPolicy(silent),
        ToyVerifier(lambda path: 0.5),
        particles=8,
        max_steps=4,
    )
    for note in notes_of(steps, Resampled):
        assert isinstance(note, Resampled)
        assert all(note.log_weights[ancestor] > float("-inf") for ancestor in note.ancestors)
    assert any(
        weight == float("-inf")
        for note in notes_of(steps, Weighed)
        if isinstance(note, Weighed)
        for weight in note.log_weights
    )


async def test_when_every_particle_dies_the_filter_ends() -> None:
    steps = await run(
        "particle_filter", ToyPolicy(lambda path: [Piece("", 1.0)]), ToyVerifier(lambda path: 0.5)
    )
    assert len(steps) == 1


async def test_a_half_written_root_is_where_all_particles_start() -> None:
    root = below("ab", 1)
    steps = await run(
        "particle_filter", ToyPolicy(LETTERS), ToyVerifier(LETTER_SCORES), root=root, particles=5
    )
    assert len(steps) == 1
    assert set(texts(steps[0])) <= {"aba", "abb"}


async def test_the_evidence_of_two_particles_is_exactly_unbiased() -> None:
    found = await every_course(LETTERS, TARGETS["prod"][0], mode="exact", particles=2)
    assert expected(
        found, lambda steps: math.exp(steps[-1].stats["log_evidence"])
    ) == pytest.approx(28527 / 125000, abs=1e-12)
    assert expected(found, lambda steps: steps[-1].stats["log_evidence"]) == pytest.approx(
        -1.591, abs=1e-3
    )


@pytest.mark.parametrize("scheme", list(SCHEMES))
@pytest.mark.parametrize("ess_min", THRESHOLDS)
async def test_evidence_and_posterior_are_exactly_unbiased(scheme: str, ess_min: float) -> None:
    found = await every_course(
        STOPS, UNEVEN, mode="exact", particles=3, scheme=scheme, ess_min=ess_min
    )
    for path, p in completions(STOPS).items():
        assert expected(found, mass(path)) == pytest.approx(p * UNEVEN[path], abs=1e-12)
    draws = {
        sum(isinstance(note, Resampled) for step in course.steps for note in step.notes)
        for course in found
    }
    assert draws == ({0} if ess_min == 0.0 else {0, 1})


@pytest.mark.parametrize(
    ("target", "scheme"),
    [*(("last", scheme) for scheme in SCHEMES), ("prod", "systematic"), ("min", "residual")],
)
async def test_three_steps_are_exactly_unbiased_for_every_aggregation(
    target: str, scheme: str
) -> None:
    score, evidence, shares = TARGETS[target]
    found = await every_course(
        LETTERS, score, mode="exact", particles=2, scheme=scheme, ess_min=1.0
    )
    assert expected(found, lambda steps: math.exp(log_evidence(steps))) == pytest.approx(
        evidence, abs=1e-9
    )
    assert [expected(found, mass(path)) / evidence for path in LEAVES] == pytest.approx(
        shares, abs=1e-6
    )


async def test_the_published_weights_are_exactly_unbiased_for_the_product_of_odds() -> None:
    found = await every_course(LETTERS, LETTER_SCORES, particles=2, scheme="systematic")
    exact = posterior(LETTERS, odds_of_steps(LETTER_SCORES))
    assert expected(found, lambda steps: math.exp(log_evidence(steps))) == pytest.approx(
        47.437238095, abs=1e-8
    )
    assert [expected(found, mass(path)) / 47.437238095 for path in LEAVES] == pytest.approx(
        [exact[path] for path in LEAVES], abs=1e-8
    )
    assert [exact[path] for path in LEAVES] == pytest.approx(
        (0.055779, 0.860590, 0.004553, 0.040980, 0.000759, 0.006180, 0.000578, 0.030581), abs=1e-6
    )


@pytest.mark.parametrize("ess_min", [0.5, 1.0])
async def test_annealed_draws_leave_the_exact_mode_unbiased(ess_min: float) -> None:
    found = await every_course(
        STOPS, UNEVEN, mode="exact", particles=3, ess_min=ess_min, anneal_below=1.0, max_steps=3
    )
    assert any(
        note.log_weights != tuple(weighed.log_weights)
        for course in found
        for before, after in itertools.pairwise(course.steps)
        for note in after.notes
        if isinstance(note, Resampled)
        for weighed in before.notes
        if isinstance(weighed, Weighed)
    )
    for path, p in completions(STOPS).items():
        assert expected(found, mass(path)) == pytest.approx(p * UNEVEN[path], abs=1e-12)


async def test_a_finished_particle_is_weighed_once_in_exact_mode() -> None:
    found = await every_course(
        STOPS,
        lambda path: math.prod(STOP_SCORES[path[:end]] for end in range(1, len(path) + 1)),
        mode="exact",
        particles=2,
    )
    evidence = expected(found, lambda steps: math.exp(log_evidence(steps)))
    assert evidence == pytest.approx(0.465, abs=1e-12)
    assert [expected(found, mass(path)) / evidence for path in ("S", "ax", "ay")] == pytest.approx(
        (0.645161, 0.290323, 0.064516), abs=1e-6
    )


async def test_weighing_finished_particles_again_biases_probabilities_too() -> None:
    shares = await weighted_population(
        await crowd(
            ToyPolicy(STOPS), ToyVerifier(STOP_SCORES), 1, potential="prob", reweigh_finished=True
        )
    )
    assert shares == pytest.approx({"S": 0.521739, "ax": 0.391304, "ay": 0.086957}, abs=0.015)


def test_a_finished_particle_cannot_be_weighed_again_in_exact_mode() -> None:
    with pytest.raises(BadInput, match=r"reweigh_finished.*exact mode"):
        STRATEGIES["particle_filter"].parse({"mode": "exact", "reweigh_finished": True})


async def estimates(score: Any, seeds: range, phases: set[str], **params: Any) -> np.ndarray:
    """Estimates of log Z over seeds; `phases` collects what the runs went through."""
    found = [
        await run(
            "particle_filter",
            ToyPolicy(LETTERS, seed),
            ToyVerifier(score),
            seed=seed,
            mode="exact",
            **params,
        )
        for seed in seeds
    ]
    phases.update(snapshot.step.phase for steps in found for snapshot in steps)
    return np.asarray([steps[-1].step.stats["log_evidence"] for steps in found])


@pytest.mark.parametrize("scheme", list(SCHEMES))
@pytest.mark.parametrize("ess_min", THRESHOLDS)
async def test_the_evidence_is_unbiased_within_its_standard_error_over_many_seeds(
    scheme: str, ess_min: float
) -> None:
    phases: set[str] = set()
    params = {
        "particles": 8,
        "scheme": scheme,
        "ess_min": ess_min,
        "potential": "odds",
        "temperature": 1.5,
    }
    raw = np.exp(await estimates(LETTER_SCORES, range(150), phases, **params))
    exact = sum(
        p * odds(LETTER_SCORES[path]) ** (1 / 1.5) for path, p in completions(LETTERS).items()
    )
    error = float(raw.std(ddof=1)) / math.sqrt(len(raw))
    assert 0.0 < error < 0.06 * exact
    assert abs(float(raw.mean()) - exact) < 4 * error
    assert phases == {0.0: {"start", "carry"}, 0.5: {"start", "carry", "resample"}}.get(
        ess_min, phases
    )
    assert ess_min < 1.0 or "resample" in phases


@pytest.mark.parametrize(("particles", "seeds", "mean"), [(8, 300, -1.509), (64, 40, -1.484)])
async def test_the_mean_log_evidence_lies_below_the_log_of_the_evidence_and_rises_with_n(
    particles: int, seeds: int, mean: float
) -> None:
    logs = await estimates(
        TARGETS["prod"][0], range(seeds), set(), particles=particles, ess_min=1.0
    )
    error = float(logs.std(ddof=1)) / math.sqrt(len(logs))
    assert abs(float(logs.mean()) - mean) < 4 * error


async def test_the_posterior_is_reached_at_the_rate_of_one_over_root_n() -> None:
    async def distance(particles: int) -> float:
        score, _, shares = TARGETS["last"]
        squares = []
        for seed in range(30):
            found = await run(
                "particle_filter",
                ToyPolicy(LETTERS, seed),
                ToyVerifier(score),
                seed=seed,
                mode="exact",
                particles=particles,
            )
            weights = await weighted_population(found)
            squares.append(
                sum(
                    (weights.get(path, 0.0) - share) ** 2
                    for path, share in zip(LEAVES, shares, strict=True)
                )
            )
        return math.sqrt(sum(squares) / len(squares))

    assert 2.7 < await distance(8) / await distance(128) < 6.0  # 4 in theory


@pytest.mark.parametrize("target", list(TARGETS))
async def test_a_large_population_shows_the_posterior_of_every_aggregation(target: str) -> None:
    score, _, shares = TARGETS[target]
    found = await weighted_population(
        await crowd(
            ToyPolicy(LETTERS), ToyVerifier(score), 2, 4000, mode="exact", scheme="residual"
        )
    )
    assert [found.get(path, 0.0) for path in LEAVES] == pytest.approx(shares, abs=0.03)


@pytest.mark.parametrize("scheme", list(SCHEMES))
@pytest.mark.parametrize("ess_min", THRESHOLDS)
@pytest.mark.parametrize("seed", range(3))
async def test_constant_potentials_give_the_evidence_without_variance(
    scheme: str, ess_min: float, seed: int
) -> None:
    found = await run(
        "particle_filter",
        ToyPolicy(LETTERS, seed),
        ToyVerifier(lambda path: 0.7 ** len(path)),
        seed=seed,
        mode="exact",
        scheme=scheme,
        ess_min=ess_min,
        particles=5,
    )
    assert [snapshot.step.stats["ess"] for snapshot in found] == pytest.approx([5.0] * 3)
    assert found[-1].step.stats["log_evidence"] == pytest.approx(3 * math.log(0.7))


async def test_one_particle_is_plain_sampling_in_exact_mode() -> None:
    filtered = await run(
        "particle_filter",
        ToyPolicy(LETTERS, 3),
        ToyVerifier(LETTER_SCORES),
        particles=1,
        mode="exact",
    )
    chain = await run("chain", ToyPolicy(LETTERS, 3), ToyVerifier(LETTER_SCORES))
    assert texts(filtered[-1]) == texts(chain[-1])


@pytest.mark.parametrize(
    ("potential", "temperature"), [("prob", 1.0), ("odds", 1.0), ("odds", 2.0), ("prob", 0.5)]
)
@pytest.mark.parametrize("target", list(TARGETS))
async def test_without_resampling_a_particle_weighs_the_potential_of_its_prefix(
    potential: str, temperature: float, target: str
) -> None:
    score = TARGETS[target][0]
    shape = odds if potential == "odds" else float
    params = {"mode": "exact", "ess_min": 0.0, "potential": potential, "temperature": temperature}
    found = await run(
        "particle_filter", ToyPolicy(LETTERS), ToyVerifier(score), particles=9, **params
    )
    for note in notes_of(found, Weighed):
        assert isinstance(note, Weighed)
        assert note.log_weights == pytest.approx(
            [math.log(shape(score(node.solution_text()))) / temperature for node in note.particles]
        )


async def test_a_step_without_a_score_takes_the_mean_and_the_next_score_makes_up_for_it() -> None:
    scores = {path: score for path, score in LETTER_SCORES.items() if path != "b"}
    found = await run(
        "particle_filter",
        ToyPolicy(LETTERS),
        ToyVerifier(scores),
        mode="exact",
        ess_min=0.0,
        particles=12,
    )
    first, _, last = [note for note in notes_of(found, Weighed) if isinstance(note, Weighed)]
    assert {node.solution_text() for node in first.particles} == {"a", "b"}
    assert first.log_weights == pytest.approx([math.log(0.9)] * 12)
    assert last.log_weights == pytest.approx(
        [math.log(LETTER_SCORES[node.solution_text()]) for node in last.particles]
    )


@pytest.mark.parametrize("ess_min", [0.3, 0.5, 0.9])
async def test_a_round_resamples_if_and_only_if_the_ess_before_it_lies_below_the_threshold(
    ess_min: float,
) -> None:
    seen = set()
    for seed in range(12):
        policy, verifier = ToyPolicy(LETTERS, seed), ToyVerifier(LETTER_SCORES)
        found = await run(
            "particle_filter",
            policy,
            verifier,
            seed=seed,
            mode="exact",
            potential="odds",
            ess_min=ess_min,
            particles=6,
        )
        for before, after in itertools.pairwise(found):
            notes: list[Note] = [note for note in after.step.notes if isinstance(note, Resampled)]
            assert (
                bool(notes)
                is (before.step.stats["ess"] < ess_min * 6)
                is (after.step.phase == "resample")
            )
            seen.add(after.step.phase)
    assert seen == {"resample", "carry"}


async def test_weights_are_carried_where_a_round_does_not_resample() -> None:
    found = await run(
        "particle_filter",
        ToyPolicy(LETTERS),
        ToyVerifier(LETTER_SCORES),
        mode="exact",
        ess_min=0.0,
        particles=6,
    )
    weights = [note for note in notes_of(found, Weighed) if isinstance(note, Weighed)]
    for before, after in itertools.pairwise(weights):
        assert after.log_weights == pytest.approx(
            np.asarray(before.log_weights) + np.asarray(after.increments)
        )
    assert [snapshot.step.phase for snapshot in found] == ["start", "carry", "carry"]


@pytest.mark.parametrize("anneal", [0.0, 1.0])
async def test_the_notes_hold_the_evidence(anneal: float) -> None:
    found = await run(
        "particle_filter",
        ToyPolicy(LETTERS),
        ToyVerifier(LETTER_SCORES),
        mode="exact",
        ess_min=1.0,
        particles=6,
        max_steps=4,
        anneal_below=anneal,
    )
    for end in range(1, len(found) + 1):
        assert found[end - 1].step.stats["log_evidence"] == pytest.approx(
            log_evidence([snapshot.step for snapshot in found[:end]])
        )


async def test_entropic_annealing_flattens_the_published_draw_and_spends_the_weights() -> None:
    found = await run(
        "particle_filter",
        ToyPolicy(LETTERS),
        ToyVerifier(LETTER_SCORES),
        particles=12,
        max_steps=3,
        anneal_below=1.0,
    )
    before = notes_of(found[:1], Weighed)[0]
    drawn = notes_of(found, Resampled)[0]
    assert isinstance(before, Weighed) and isinstance(drawn, Resampled)
    beta = min(1.0, ess(before.log_weights) / 12 / (1 - 1 / 3))
    assert beta < 1.0
    assert drawn.log_weights == pytest.approx([beta * weight for weight in before.log_weights])
    assert drawn.ess == pytest.approx(ess(before.log_weights))
    after = notes_of(found, Weighed)[1]
    assert isinstance(after, Weighed)
    assert after.log_weights == pytest.approx(
        [log_odds(LETTER_SCORES[node.solution_text()]) for node in after.particles]
    )


async def test_annealing_does_not_touch_a_round_whose_ess_is_high_enough() -> None:
    plain, flattened = [
        await run(
            "particle_filter",
            ToyPolicy(LETTERS),
            ToyVerifier(LETTER_SCORES),
            particles=12,
            anneal_below=below_this,
        )
        for below_this in (0.0, 0.05)
    ]
    assert [texts(step) for step in plain] == [texts(step) for step in flattened]


@pytest.mark.parametrize(
    ("evenness", "progress", "temperature"),
    [
        (0.25, 0.25, 3.0),
        (0.49, 0.0, 1 / 0.49),
        (0.5, 0.25, 1.0),
        (0.25, 0.5, 1.0),
        (0.4, 0.49, 1.275),
    ],
)
def test_annealing_has_the_threshold_the_phase_and_the_floor_of_its_hub(
    evenness: float, progress: float, temperature: float
) -> None:
    """What its_hub 1.2.0 computes: 1 / beta = max(1, (N / ESS)(1 - t / T)) where ESS / N < .5 and
    t / T < .5, else 1."""
    assert 1.0 / anneal(0.5, 0.5)(evenness, progress) == pytest.approx(temperature)
    assert anneal(1.0, 1.0)(0.5, 0.75) == 1.0
    assert ParticleParams().early_phase == 0.5 and ParticleParams().anneal_below == 0.0


async def test_annealing_ends_with_the_early_phase() -> None:
    found = await run(
        "particle_filter",
        ToyPolicy(LETTERS),
        ToyVerifier(LETTER_SCORES),
        particles=12,
        max_steps=3,
        anneal_below=1.0,
    )
    weights = [note for note in notes_of(found, Weighed) if isinstance(note, Weighed)]
    draws = [note for note in notes_of(found, Resampled) if isinstance(note, Resampled)]
    flattened = [
        drawn.log_weights != before.log_weights
        for before, drawn in zip(weights, draws, strict=False)
    ]
    assert flattened == [True, False]


async def test_the_default_modes_are_the_published_one_and_the_one_of_llamppl() -> None:
    for params, potential in (({}, odds), ({"mode": "exact"}, float)):
        [first] = notes_of(
            (
                await run(
                    "particle_filter",
                    ToyPolicy(LETTERS),
                    ToyVerifier(LETTER_SCORES),
                    max_steps=1,
                    **params,
                )
            ),
            Weighed,
        )
        assert isinstance(first, Weighed)
        assert first.log_weights == pytest.approx(
            [math.log(potential(LETTER_SCORES[node.solution_text()])) for node in first.particles]
        )


@pytest.mark.parametrize(("mode", "again"), [("paper", True), ("paper", False), ("exact", False)])
async def test_a_round_without_any_score_adds_0_to_every_log_weight(mode: str, again: bool) -> None:
    """All steps of the second round fail."""

    def language(path: str) -> list[Piece]:
        ended = Finish.END if len(path) == 3 or path == "b" else Finish.STEP
        return [Piece("a", 0.6), Piece("b", 0.4, Finish.END if not path else ended)]

    verifier = ToyVerifier(lambda path: None if len(path) == 2 else 0.4 + 0.1 * len(path))
    steps = await run(
        "particle_filter",
        ToyPolicy(language),
        verifier,
        particles=8,
        mode=mode,
        ess_min=0.0,
        reweigh_finished=again,
        max_steps=4,
    )
    first, blind, later = [note for note in notes_of(steps, Weighed) if isinstance(note, Weighed)][
        :3
    ]
    assert set(blind.increments) == {0.0} and blind.log_weights == first.log_weights
    assert any(node.done for node in blind.particles) and set(later.increments) != {0.0}
    told = {note.text for note in steps[1].step.notes if isinstance(note, Remarked)}
    assert told == {UNSCORED_ROUND}
