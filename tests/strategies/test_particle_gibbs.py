"""Particle Gibbs leaves the exact posterior as it is, and the mistakes of published programs do
not."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest

from backend.core.formulas.particles import log_odds
from backend.core.ports import Sampling
from backend.core.registry import STRATEGIES
from backend.core.statistics.weights import softmax
from backend.core.steps import Referenced, Remarked, Resampled, Weighed
from backend.core.types import Kind, Node
from backend.strategies.parts.particles.conditional import Held
from backend.strategies.parts.particles.population import Particle
from backend.strategies.parts.particles.smc import Smc, method
from tests.strategies.passes import (
    DeafPolicy,
    LikelyPolicy,
    after_a_pass,
    by_its_end,
    distance,
    one_ahead,
    trajectory,
    whole,
)
from tests.strategies.running import Snapshot, notes_of, run, texts
from tests.support.enumerable import (
    LETTER_SCORES,
    LETTERS,
    STOP_SCORES,
    STOPS,
    Language,
    Piece,
    ToyPolicy,
    ToyVerifier,
    odds,
    odds_of_steps,
    posterior,
)

LANGUAGES: dict[str, tuple[Language, dict[str, float]]] = {
    "three steps": (LETTERS, LETTER_SCORES),
    "one or two steps": (STOPS, STOP_SCORES),
}
METHODS: dict[str, dict[str, Any]] = {
    "paper": {"mode": "paper", "potential": "odds", "ess_min": None},
    "exact": {"mode": "exact", "potential": "prob", "ess_min": 0.8},
    "exact odds": {"mode": "exact", "potential": "odds", "ess_min": 1.0},
    "never resampled": {"mode": "exact", "potential": "prob", "ess_min": 0.0},
}
on_all = pytest.mark.parametrize("language", list(LANGUAGES))
on_methods = pytest.mark.parametrize("name", list(METHODS))
on_pasts = pytest.mark.parametrize("past", [Held.keep_past, Held.sample_past])


def made(name: str, temperature: float = 1.0) -> Smc:
    return method(**METHODS[name], temperature=temperature, clip=1e-7, max_steps=9)


def target_of(name: str, language: str, temperature: float = 1.0) -> dict[str, float]:
    """The exact distribution that a method aims at."""
    steps, scores = LANGUAGES[language]
    shape = {"paper": odds_of_steps(scores), "exact odds": lambda path: odds(scores[path])}.get(
        name, lambda path: scores[path]
    )
    return posterior(steps, lambda path: shape(path) ** (1.0 / temperature))


@on_all
@on_methods
@on_pasts
async def test_a_pass_leaves_the_posterior_exactly_as_it_is(
    language: str, name: str, past: Any
) -> None:
    target = target_of(name, language)
    found = await after_a_pass(*LANGUAGES[language], target, made(name), past=past)
    assert found == pytest.approx(target, abs=1e-12)


@on_methods
@on_pasts
async def test_so_does_a_pass_of_three_particles_that_end_at_different_times(
    name: str, past: Any
) -> None:
    target = target_of(name, "one or two steps")
    found = await after_a_pass(
        *LANGUAGES["one or two steps"], target, made(name), particles=3, past=past
    )
    assert found == pytest.approx(target, abs=1e-12)


@on_all
@pytest.mark.parametrize("name", ["paper", "exact", "exact odds"])
@pytest.mark.parametrize("twin", [by_its_end, one_ahead])
async def test_a_reference_that_weighs_by_its_final_score_or_by_the_next_one_does_not(
    language: str, name: str, twin: Any
) -> None:
    target = target_of(name, language)
    found = await after_a_pass(*LANGUAGES[language], target, made(name), twin=twin)
    assert distance(found, target) > 5e-3


async def test_ancestor_sampling_that_does_not_ask_how_likely_the_future_is_does_not() -> None:
    target = target_of("paper", "three steps")
    found = await after_a_pass(
        LETTERS, LETTER_SCORES, target, made("paper"), past=Held.sample_past, policy=DeafPolicy
    )
    assert distance(found, target) > 5e-3


async def test_ancestor_sampling_moves_the_past_of_the_reference() -> None:
    """From one given trajectory, more of the others are within reach."""
    start = {"aab": 1.0}
    kept, sampled = [
        await after_a_pass(LETTERS, LETTER_SCORES, start, made("exact odds"), past=past)
        for past in (Held.keep_past, Held.sample_past)
    ]
    target = target_of("exact odds", "three steps")
    assert distance(sampled, target) < distance(kept, target)


def references(steps: list[Snapshot]) -> list[str]:
    return [
        note.node.solution_text()
        for note in notes_of(steps, Referenced)
        if isinstance(note, Referenced)
    ]


@pytest.mark.parametrize("mode", ["paper", "exact"])
async def test_a_long_run_visits_trajectories_as_often_as_the_posterior_says(mode: str) -> None:
    found = references(
        await run(
            "particle_gibbs",
            ToyPolicy(LETTERS),
            ToyVerifier(LETTER_SCORES),
            mode=mode,
            iterations=800,
        )
    )
    shares = {path: count / len(found) for path, count in Counter(found).items()}
    assert len(found) == 800
    assert distance(shares, target_of(mode, "three steps")) < 0.07


def passes(steps: list[Snapshot]) -> list[list[Snapshot]]:
    return [
        list(group)
        for _, group in itertools.groupby(steps, key=lambda snapshot: snapshot.step.track)
    ]


async def test_the_last_slot_follows_the_reference_and_weighs_as_its_prefix_of_the_same_depth_did() -> (
    None
):
    steps = await run(
        "particle_gibbs", ToyPolicy(LETTERS), ToyVerifier(LETTER_SCORES), particles=3, iterations=5
    )
    drawn = [note for note in notes_of(steps, Referenced) if isinstance(note, Referenced)]
    assert [snapshot.step.track for snapshot in steps[::4]] == [
        f"iteration {turn}" for turn in range(1, 6)
    ]
    for reference, after in zip(drawn, passes(steps)[1:], strict=False):
        path = reference.node.path()[1:]
        weighed = [note for note in notes_of(after, Weighed) if isinstance(note, Weighed)]
        assert [note.particles[-1] for note in weighed] == path
        assert [note.increments[-1] for note in weighed] == pytest.approx(
            [log_odds(LETTER_SCORES[node.solution_text()]) for node in path]
        )


async def test_the_reference_is_drawn_by_weight_and_the_draw_can_be_replayed() -> None:
    steps = await run(
        "particle_gibbs", ToyPolicy(LETTERS), ToyVerifier(LETTER_SCORES), particles=5, iterations=8
    )
    for group in passes(steps):
        weighed = [note for note in notes_of(group, Weighed) if isinstance(note, Weighed)][-1]
        [drawn] = [note for note in notes_of(group, Referenced) if isinstance(note, Referenced)]
        assert drawn.log_weights == weighed.log_weights
        assert drawn.node is weighed.particles[drawn.slot]
        before = float(softmax(drawn.log_weights)[: drawn.slot].sum())
        assert before <= drawn.uniform < before + float(softmax(drawn.log_weights)[drawn.slot])


async def test_free_particles_may_descend_from_the_reference_and_it_never_from_them() -> None:
    steps = await run(
        "particle_gibbs", ToyPolicy(LETTERS), ToyVerifier(LETTER_SCORES), particles=4, iterations=12
    )
    drawn = [
        note
        for group in passes(steps)[1:]
        for note in notes_of(group, Resampled)
        if isinstance(note, Resampled)
    ]
    assert {note.scheme for note in drawn} == {"conditional"}
    assert all(note.ancestors[-1] == 3 and len(note.uniforms) == 3 for note in drawn)
    assert any(3 in note.ancestors[:-1] for note in drawn)


async def test_the_first_pass_is_the_particle_filter() -> None:
    gibbs = await run(
        "particle_gibbs",
        ToyPolicy(LETTERS, 4),
        ToyVerifier(LETTER_SCORES),
        iterations=1,
        particles=6,
    )
    policy = ToyPolicy(LETTERS, 4)
    assert len(gibbs) == 4
    assert [snapshot.step.phase for snapshot in gibbs] == [
        "start",
        "resample",
        "resample",
        "reference",
    ]
    await run("particle_filter", policy, ToyVerifier(LETTER_SCORES), particles=6)
    first = notes_of(gibbs, Weighed)[0]
    assert isinstance(first, Weighed)
    assert sorted(node.key for node in first.particles) == sorted(
        node.key for node in policy.born[:6]
    )


async def test_a_pass_costs_n_particles_and_each_later_one_is_spared_the_reference() -> None:
    policy = ToyPolicy(LETTERS)
    await run("particle_gibbs", policy, ToyVerifier(LETTER_SCORES), particles=6, iterations=4)
    assert policy.widths == [6] * 3 + [5] * 9


async def test_the_answer_comes_from_the_last_pass_or_from_all() -> None:
    runs = [
        await run(
            "particle_gibbs",
            ToyPolicy(LETTERS),
            ToyVerifier(LETTER_SCORES),
            particles=3,
            iterations=4,
            answer=answer,
        )
        for answer in ("last", "all")
    ]
    ends = [group[-1] for group in passes(runs[0])]
    assert len(runs[0][-1].nodes) == 3
    assert texts(runs[1][-1]) == [text for end in ends for text in texts(end)]


async def test_when_every_particle_dies_the_next_pass_is_free_again() -> None:
    turns: list[str] = []

    def silent_at_first(path: str) -> list[Piece]:
        turns.append(path)
        return [Piece("", 1.0)] if len(turns) <= 4 else list(STOPS(path))

    steps = await run(
        "particle_gibbs", ToyPolicy(silent_at_first), ToyVerifier(STOP_SCORES), iterations=2
    )
    first, second = passes(steps)
    assert any(
        isinstance(note, Remarked) and "no particle survived" in note.text
        for note in first[-1].step.notes
    )
    assert len(second[0].nodes) == 4 and not any(node.finish is None for node in second[0].nodes)
    assert len(references(second)) == 1


@pytest.mark.parametrize(
    ("ancestor_sampling", "sampling", "needs"),
    [
        (False, Sampling(temperature=0.8), set()),
        (True, Sampling(temperature=1.0), {"prompt_logprobs"}),
        (True, Sampling(temperature=0.8), {"prompt_logprobs", "tempered_logprobs"}),
        (True, Sampling(temperature=1.0, top_k=40), {"prompt_logprobs", "tempered_logprobs"}),
    ],
)
def test_only_ancestor_sampling_needs_an_engine_that_judges_given_steps(
    ancestor_sampling: bool, sampling: Sampling, needs: set[str]
) -> None:
    params = STRATEGIES["particle_gibbs"].parse({"ancestor_sampling": ancestor_sampling})
    assert set(params.needs(sampling)) == needs


class Judge(ToyPolicy):
    """A toy policy that draws as usual and tells likelihoods."""

    log_likelihoods = LikelyPolicy.log_likelihoods
    _likelihood = LikelyPolicy._likelihood
    deaf = False


async def test_a_past_drawn_anew_is_a_trajectory_of_its_own_marked_as_injected() -> None:
    policy = Judge(LETTERS)
    steps = await run(
        "particle_gibbs",
        policy,
        ToyVerifier(LETTER_SCORES),
        particles=4,
        iterations=25,
        ancestor_sampling=True,
    )
    copies = {
        part
        for snapshot in steps
        for node in snapshot.nodes
        for part in node.path()
        if part.kind is Kind.INJECTED
    }
    assert copies
    assert not copies & set(policy.born)
    assert all(copy.logprobs is None for copy in copies)
    assert len({copy.key for copy in copies}) == len(copies)
    moved = [
        (snapshot, note)
        for snapshot in steps
        for note in snapshot.step.notes
        if isinstance(note, Referenced) and len(snapshot.step.notes) > 1
    ]
    for snapshot, note in moved:
        [drawn] = [other for other in snapshot.step.notes if isinstance(other, Resampled)]
        assert drawn.ancestors[-1] == note.slot
        assert snapshot.nodes[-1] in note.node.path()
    found = references(steps)
    assert len(found) == 25 + len(moved)


async def test_a_long_run_with_ancestor_sampling_has_the_same_posterior() -> None:
    steps = await run(
        "particle_gibbs",
        Judge(LETTERS),
        ToyVerifier(LETTER_SCORES),
        particles=3,
        iterations=300,
        ancestor_sampling=True,
    )
    found = [references([snapshot])[0] for snapshot in steps if snapshot.step.phase == "reference"]
    assert (
        distance(
            {path: count / len(found) for path, count in Counter(found).items()},
            target_of("paper", "three steps"),
        )
        < 0.1
    )


class Mute(Judge):
    """Its engine can judge nothing."""

    async def log_likelihoods(self, pairs: Sequence[tuple[Node, Sequence[Node]]]) -> list[float]:
        return [-math.inf] * len(pairs)


async def test_a_reference_whose_own_future_cannot_be_judged_keeps_its_past() -> None:
    verifier = ToyVerifier(LETTER_SCORES)
    steps = await run(
        "particle_gibbs", Mute(LETTERS), verifier, particles=4, iterations=6, ancestor_sampling=True
    )
    assert not any(
        part.kind is Kind.INJECTED
        for snapshot in steps
        for node in snapshot.nodes
        for part in node.path()
    )
    assert not any(node.kind is Kind.INJECTED for node in verifier.scored)


async def test_copies_of_copies_have_keys_of_one_length() -> None:
    steps = await run(
        "particle_gibbs",
        Judge(LETTERS),
        ToyVerifier(LETTER_SCORES),
        particles=4,
        iterations=25,
        ancestor_sampling=True,
    )
    copies = {
        part
        for snapshot in steps
        for node in snapshot.nodes
        for part in node.path()
        if part.kind is Kind.INJECTED
    }
    assert {len(copy.key) for copy in copies} == {16}


def test_the_broken_twins_differ_from_the_reference_in_their_weights_only() -> None:
    root = Node("q")
    reference = trajectory(root, LETTERS, LETTER_SCORES, "aab", made("paper"))
    for twin in (by_its_end, one_ahead):
        broken: Particle | None = twin(reference)
        assert broken is not None and broken.node is reference.node
    assert whole(reference) is reference
