"""The particle filter against exact posteriors, and against the mistakes that published programs make."""

from __future__ import annotations

import itertools
import math
from collections import defaultdict
from typing import Any

import numpy as np
import pytest

from backend.registry import STRATEGIES
from backend.sampling.resampling import SCHEMES
from backend.sampling.weights import softmax
from backend.types import Remarked, Resampled, Weighed
from tests.enumerable import LETTER_SCORES, LETTERS, STOP_SCORES, STOPS, Piece, ToyPolicy, ToyVerifier, below, odds_of_steps, posterior, prompt
from tests.strategies.running import Snapshot, notes_of, run, texts

MANY = 12_000


async def weighted_population(steps: list[Snapshot]) -> dict[str, float]:
    """The share of the final weight on every text."""
    last = notes_of(steps, Weighed)[-1]
    assert isinstance(last, Weighed)
    shares: defaultdict[str, float] = defaultdict(float)
    for particle, weight in zip(last.particles, softmax(last.log_weights), strict=True):
        shares[particle.written()] += float(weight)
    return dict(shares)


async def crowd(policy: ToyPolicy, verifier: ToyVerifier, seed: int, **params: Any) -> list[Snapshot]:
    """A run with more particles than the form allows."""
    entry = STRATEGIES["particle_filter"]
    many = entry.parse(params).model_copy(update={"particles": MANY})
    return [Snapshot(s, list(s.nodes), list(s.values)) async for s in entry.run(prompt(), policy, verifier, many, np.random.default_rng(seed))]


async def test_finished_particles_weighed_once_give_the_exact_posterior() -> None:
    shares = await weighted_population(await crowd(ToyPolicy(STOPS), ToyVerifier(STOP_SCORES), 1))
    exact = posterior(STOPS, odds_of_steps(STOP_SCORES))
    assert (exact["S"], exact["ax"], exact["ay"]) == pytest.approx((0.177778, 0.8, 0.022222), abs=1e-6)
    assert shares == pytest.approx(exact, abs=0.015)


async def test_weighing_finished_particles_again_gives_the_published_bias() -> None:
    shares = await weighted_population(await crowd(ToyPolicy(STOPS), ToyVerifier(STOP_SCORES), 1, reweigh_finished=True))
    assert shares == pytest.approx({"S": 0.244898, "ax": 0.734694, "ay": 0.020408}, abs=0.015)


async def test_three_steps_give_the_posterior_of_the_product_of_odds() -> None:
    shares = await weighted_population(await crowd(ToyPolicy(LETTERS), ToyVerifier(LETTER_SCORES), 2, scheme="systematic"))
    exact = posterior(LETTERS, odds_of_steps(LETTER_SCORES))
    assert exact["aab"] == pytest.approx(0.860590, abs=1e-6)
    assert [shares.get(path, 0.0) for path in exact] == pytest.approx(list(exact.values()), abs=0.015)


async def test_a_high_temperature_flattens_the_weights() -> None:
    steps = await run("particle_filter", ToyPolicy(LETTERS), ToyVerifier(LETTER_SCORES), particles=16, temperature=2.0)
    first = notes_of(steps, Weighed)[0]
    assert isinstance(first, Weighed)
    expected = [math.log(LETTER_SCORES[node.written()] / (1 - LETTER_SCORES[node.written()])) / 2 for node in first.particles]
    assert first.log_weights == pytest.approx(expected)


async def test_constant_scores_lose_no_effective_particles() -> None:
    steps = await run("particle_filter", ToyPolicy(LETTERS), ToyVerifier(lambda path: 0.7), particles=8)
    assert [snapshot.step.stats["ess"] for snapshot in steps] == pytest.approx([8.0] * 3)


@pytest.mark.parametrize("seed", range(5))
async def test_one_particle_is_plain_sampling(seed: int) -> None:
    filtered = await run("particle_filter", ToyPolicy(LETTERS, seed), ToyVerifier(LETTER_SCORES), particles=1)
    chain = await run("chain", ToyPolicy(LETTERS, seed), ToyVerifier(LETTER_SCORES))
    assert texts(filtered[-1]) == texts(chain[-1])


@pytest.mark.parametrize("seed", range(10))
async def test_resampling_comes_before_each_extension_and_never_after_the_last(seed: int) -> None:
    policy, verifier = ToyPolicy(LETTERS, seed), ToyVerifier(LETTER_SCORES)
    steps = await run("particle_filter", policy, verifier, seed=seed, particles=6)
    drawn = [sum(isinstance(note, Resampled) for note in snapshot.step.notes) for snapshot in steps]
    assert drawn == [0, 1, 1]
    last = [LETTER_SCORES[node.written()] for node in policy.born if node.done]
    assert sorted(value for value in steps[-1].values if value is not None) == sorted(last)


async def test_every_draw_can_be_replayed_from_its_note() -> None:
    for scheme in SCHEMES:
        steps = await run("particle_filter", ToyPolicy(LETTERS), ToyVerifier(LETTER_SCORES), particles=9, scheme=scheme)
        notes = notes_of(steps, Resampled)
        assert len(notes) == 2
        for note in notes:
            assert isinstance(note, Resampled)
            assert note.scheme == scheme
            assert SCHEMES[scheme](softmax(note.log_weights), note.uniforms).tolist() == list(note.ancestors)


async def test_the_population_continues_the_drawn_ancestors() -> None:
    steps = await run("particle_filter", ToyPolicy(LETTERS), ToyVerifier(LETTER_SCORES), particles=9)
    for before, after in itertools.pairwise(steps):
        [note] = [note for note in after.step.notes if isinstance(note, Resampled)]
        assert list(note.particles) == before.nodes
        assert [node.parent for node in after.nodes] == [before.nodes[ancestor] for ancestor in note.ancestors]


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
    scores = {"a": 0.9, "aa": 0.8, "ab": 0.5, "ba": 0.6, "bb": 0.7} | {path: 0.5 for path in LETTER_SCORES if len(path) == 3}
    steps = await run("particle_filter", ToyPolicy(LETTERS), ToyVerifier(scores), particles=12)
    first = notes_of(steps[:1], Weighed)[0]
    assert isinstance(first, Weighed)
    assert {node.written() for node in first.particles} == {"a", "b"}
    assert first.log_weights == pytest.approx([math.log(9.0)] * 12)
    [remark] = notes_of(steps[:1], Remarked)
    assert isinstance(remark, Remarked)
    assert set(remark.nodes) == {node for node in first.particles if node.written() == "b"}


async def test_a_saturated_score_stays_finite() -> None:
    steps = await run("particle_filter", ToyPolicy(LETTERS), ToyVerifier(lambda path: 1.0 if path.startswith("a") else 0.0), particles=12)
    for note in notes_of(steps, Weighed):
        assert isinstance(note, Weighed)
        assert all(math.isfinite(weight) for weight in note.log_weights)


async def test_a_dead_particle_is_never_drawn_again() -> None:
    def silent(path: str) -> list[Piece]:
        return [Piece("a", 0.5), Piece("", 0.5)]

    steps = await run("particle_filter", ToyPolicy(silent), ToyVerifier(lambda path: 0.5), particles=8, max_steps=4)
    for note in notes_of(steps, Resampled):
        assert isinstance(note, Resampled)
        assert all(note.log_weights[ancestor] > float("-inf") for ancestor in note.ancestors)
    assert any(weight == float("-inf") for note in notes_of(steps, Weighed) if isinstance(note, Weighed) for weight in note.log_weights)


async def test_when_every_particle_dies_the_filter_ends() -> None:
    steps = await run("particle_filter", ToyPolicy(lambda path: [Piece("", 1.0)]), ToyVerifier(lambda path: 0.5))
    assert len(steps) == 1


async def test_a_half_written_root_is_where_all_particles_start() -> None:
    root = below("ab", 1)
    steps = await run("particle_filter", ToyPolicy(LETTERS), ToyVerifier(LETTER_SCORES), root=root, particles=5)
    assert len(steps) == 1
    assert set(texts(steps[0])) <= {"aba", "abb"}
