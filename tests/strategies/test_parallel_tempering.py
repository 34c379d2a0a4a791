"""Parallel tempering: every chain keeps to its own temperature, and swaps keep the balance between
them."""

from __future__ import annotations

import itertools
import math
from collections import Counter, defaultdict
from typing import Any

import numpy as np
import pytest

from backend.core.errors import BadInput
from backend.core.formulas.particles import ladder, swap_probability
from backend.core.registry import STRATEGIES
from backend.core.steps import Referenced, Swapped, Weighed
from backend.strategies.parts.particles.conditional import Chain, exchange
from backend.strategies.parts.particles.smc import Smc, method
from tests.strategies.passes import after_a_pass, distance, trajectory
from tests.strategies.running import Snapshot, notes_of, run, texts
from tests.support.enumerable import (
    LETTER_SCORES,
    LETTERS,
    STOP_SCORES,
    STOPS,
    ToyPolicy,
    ToyVerifier,
    completions,
    odds,
    odds_of_steps,
    posterior,
    prompt,
)

TEMPERATURES = (1.0, 2.0, 4.0)


def made(temperature: float, mode: Any = "paper") -> Smc:
    return method(mode, "odds", temperature=temperature, clip=1e-7, ess_min=None, max_steps=9)


def log_odds_of(path: str, mode: str) -> float:
    """The log potential of a finished path at temperature 1."""
    return math.log(
        odds_of_steps(LETTER_SCORES)(path) if mode == "paper" else odds(LETTER_SCORES[path])
    )


def tempered(temperature: float, mode: str = "paper") -> dict[str, float]:
    """What a chain aims at: p psi^(1/T)."""
    return posterior(LETTERS, lambda path: math.exp(log_odds_of(path, mode) / temperature))


@pytest.mark.parametrize("mode", ["paper", "exact"])
@pytest.mark.parametrize("temperature", [2.0, 4.0])
async def test_a_pass_at_a_temperature_leaves_the_tempered_posterior_exactly_as_it_is(
    mode: str, temperature: float
) -> None:
    target = tempered(temperature, mode)
    found = await after_a_pass(LETTERS, LETTER_SCORES, target, made(temperature, mode))
    assert found == pytest.approx(target, abs=1e-12)


class Fixed:
    """A random source that always draws the same number."""

    def __init__(self, number: float) -> None:
        self.number = number

    def random(self) -> float:
        return self.number


def chains_at(one: str, other: str, mode: str) -> tuple[Chain, Chain]:
    """A chain at temperature 1 and one at 3, each holding a trajectory."""
    root, found = prompt(), []
    for name, temperature, path in (("chain 1", 1.0, one), ("chain 2", 3.0, other)):
        chain = Chain(root, 2, made(temperature, mode), name=name)
        chain.reference = trajectory(root, LETTERS, LETTER_SCORES, path, chain.smc)
        found.append(chain)
    return found[0], found[1]


def held(chain: Chain) -> str:
    assert chain.reference is not None
    return chain.reference.node.solution_text()


@pytest.mark.parametrize("mode", ["paper", "exact"])
def test_swaps_leave_the_two_posteriors_together_exactly_as_they_are(mode: str) -> None:
    cold, hot = tempered(1.0, mode), tempered(3.0, mode)
    after: defaultdict[tuple[str, str], float] = defaultdict(float)
    for one, other in itertools.product(cold, hot):
        share = cold[one] * hot[other]
        pair = chains_at(one, other, mode)
        rng: Any = Fixed(1.0 - 1e-12)
        [note] = exchange(*pair, rng)
        assert note.energies == pytest.approx((log_odds_of(one, mode), log_odds_of(other, mode)))
        after[other, one] += share * note.probability
        after[one, other] += share * (1.0 - note.probability)
    assert dict(after) == pytest.approx(
        {(one, other): cold[one] * hot[other] for one, other in after}, abs=1e-12
    )


@pytest.mark.parametrize("mode", ["paper", "exact"])
def test_every_swap_is_in_detailed_balance(mode: str) -> None:
    cold, hot = tempered(1.0, mode), tempered(3.0, mode)
    for one, other in itertools.product(cold, hot):
        there, back = [
            swap_probability(1.0, 3.0, log_odds_of(x, mode), log_odds_of(y, mode))
            for x, y in ((one, other), (other, one))
        ]
        assert cold[one] * hot[other] * there == pytest.approx(
            cold[other] * hot[one] * back, rel=1e-9
        )


@pytest.mark.parametrize(("shift", "accepted"), [(-1e-9, True), (1e-9, False)])
def test_a_swap_happens_if_and_only_if_the_uniform_lies_below_its_probability(
    shift: float, accepted: bool
) -> None:
    probability = swap_probability(
        1.0, 3.0, log_odds_of("aab", "paper"), log_odds_of("bba", "paper")
    )
    assert 0.0 < probability < 1.0
    cold, hot = chains_at("aab", "bba", "paper")
    rng: Any = Fixed(probability + shift)
    [note] = exchange(cold, hot, rng)
    assert note.accepted is accepted
    assert (held(cold), held(hot)) == (("bba", "aab") if accepted else ("aab", "bba"))
    assert [node.solution_text() for node in note.nodes] == ["aab", "bba"]


def test_a_chain_without_a_trajectory_swaps_nothing() -> None:
    cold, hot = chains_at("aab", "bba", "paper")
    hot.reference = None
    assert exchange(cold, hot, np.random.default_rng(0)) == ()


def tracks(steps: list[Snapshot]) -> dict[str, list[Snapshot]]:
    found: defaultdict[str, list[Snapshot]] = defaultdict(list)
    for snapshot in steps:
        found[snapshot.step.track].append(snapshot)
    return dict(found)


@pytest.mark.parametrize("mode", ["paper", "exact"])
async def test_the_trajectories_of_every_chain_show_its_tempered_posterior(mode: str) -> None:
    params = {
        "mode": mode,
        "potential": "odds",
        "chains": 3,
        "hottest": 4.0,
        "particles": 3,
        "iterations": 400,
    }
    steps = await run(
        "parallel_tempering", ToyPolicy(LETTERS), ToyVerifier(LETTER_SCORES), **params
    )
    by_track = tracks(steps)
    for name, temperature in zip(("chain 1", "chain 2", "chain 3"), TEMPERATURES, strict=True):
        drawn = [
            note.node.solution_text()
            for note in notes_of(by_track[name], Referenced)
            if isinstance(note, Referenced)
        ]
        assert len(drawn) == 400
        shares = {path: count / 400 for path, count in Counter(drawn).items()}
        assert distance(shares, tempered(temperature, mode)) < 0.09
        if mode == "paper":
            assert (
                min((distance(shares, tempered(other)), other) for other in TEMPERATURES)[1]
                == temperature
            )


async def test_neighbours_propose_a_swap_after_every_pass_and_the_next_pass_follows_it() -> None:
    steps = await run(
        "parallel_tempering",
        ToyPolicy(LETTERS),
        ToyVerifier(LETTER_SCORES),
        particles=3,
        iterations=12,
        hottest=2.0,
    )
    swaps = [snapshot for snapshot in steps if snapshot.step.phase == "swap"]
    assert len(swaps) == 12
    reference: dict[str, Any] = {}
    accepted = set()
    for snapshot in steps:
        for note in snapshot.step.notes:
            if isinstance(note, Referenced):
                reference[snapshot.step.track] = note.node
            if isinstance(note, Swapped):
                assert note.nodes == tuple(reference[name] for name in note.chains)
                assert note.temperatures == pytest.approx(
                    tuple(ladder(1.0, 2.0, 3)[int(name[-1]) - 1] for name in note.chains)
                )
                assert note.energies == pytest.approx(
                    tuple(log_odds_of(node.solution_text(), "paper") for node in note.nodes)
                )
                assert note.probability == pytest.approx(
                    swap_probability(*note.temperatures, *note.energies)
                )
                assert note.accepted is (note.uniform < note.probability)
                accepted.add(note.accepted)
                if note.accepted:
                    one, other = note.chains
                    reference[one], reference[other] = reference[other], reference[one]
            if isinstance(note, Weighed) and snapshot.step.track in reference:
                assert note.particles[-1] in reference[snapshot.step.track].path()
    assert accepted == {True, False}
    assert all(
        [note.chains for note in s.step.notes if isinstance(note, Swapped)]
        == [("chain 1", "chain 2"), ("chain 2", "chain 3")]
        for s in swaps
    )


async def test_chains_side_by_side_cost_one_batch_a_step() -> None:
    policy = ToyPolicy(LETTERS)
    await run(
        "parallel_tempering",
        policy,
        ToyVerifier(LETTER_SCORES),
        particles=5,
        chains=3,
        iterations=3,
    )
    assert policy.widths == [15] * 3 + [12] * 6


async def test_the_answer_comes_from_the_coldest_chain_or_from_all() -> None:
    cold, pooled = [
        await run(
            "parallel_tempering",
            ToyPolicy(LETTERS),
            ToyVerifier(LETTER_SCORES),
            particles=3,
            answer=answer,
        )
        for answer in ("coldest", "all")
    ]
    by_track = tracks(cold)
    assert cold[-1].nodes == by_track["chain 1"][-1].nodes
    assert by_track["chain 3"][-1].nodes == cold[-1].nodes
    weighed = [
        [note.particles for note in notes_of(steps, Weighed) if isinstance(note, Weighed)][-1]
        for name, steps in tracks(pooled).items()
        if name
    ]
    assert pooled[-1].nodes == [node for particles in weighed for node in particles]


async def test_chains_of_different_lengths_end_together() -> None:
    steps = await run(
        "parallel_tempering",
        ToyPolicy(STOPS),
        ToyVerifier(STOP_SCORES),
        particles=2,
        chains=4,
        iterations=6,
    )
    assert sum(snapshot.step.phase == "swap" for snapshot in steps) == 6
    assert set(texts(steps[-1])) <= set(completions(STOPS))


def test_the_hottest_chain_is_not_colder_than_the_coldest() -> None:
    with pytest.raises(BadInput, match=r"hottest.*at least temperature = 5"):
        STRATEGIES["parallel_tempering"].parse({"temperature": 5.0})


async def test_chains_side_by_side_take_the_sequential_rounds_of_one() -> None:
    one, three = [
        await run(name, ToyPolicy(LETTERS), ToyVerifier(LETTER_SCORES), iterations=3)
        for name in ("particle_gibbs", "parallel_tempering")
    ]
    assert (
        sum(snapshot.step.rounds for snapshot in one)
        == sum(snapshot.step.rounds for snapshot in three)
        == 9
    )
