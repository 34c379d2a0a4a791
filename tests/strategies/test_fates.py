"""What becomes of texts that are finished, dead or unscored, in every strategy; and that it can be
left after any step with its answer."""

from __future__ import annotations

import zlib
from collections import defaultdict
from contextlib import aclosing
from typing import Any

import numpy as np
import pytest

from backend.core.registry import STRATEGIES
from backend.core.steps import Pruned, Step, Weighed
from backend.core.types import Finish, Node
from backend.judging.rules import SELECTORS
from backend.problems.extraction import extract
from backend.runs.answer import Candidates
from backend.strategies.parts.rounds import dead
from tests.strategies.running import notes_of, run
from tests.strategies.test_contract import (
    CASES,
    SCORED,
    on_all,
    on_scored,
    wandered,
    wild,
    wild_score,
)
from tests.support.enumerable import STOP_SCORES, STOPS, Piece, ToyPolicy, ToyVerifier, prompt

PARTICLES = [
    (name, params)
    for name, params in CASES
    if "particles" in STRATEGIES[name].card.views and not params.get("reweigh_finished")
]


def always(path: str) -> float:
    """A score for everything."""
    return (1 + zlib.crc32(path.encode()) % 98) / 100


def answering(path: str) -> list[Piece]:
    """Steps that go on, and others that end with a number."""
    digit = zlib.crc32(path.encode()) % 4
    if path.count("/") == 4:
        return [Piece(f"The answer is {digit}", 1.0, Finish.END)]
    return [
        Piece("on/", 0.5),
        Piece("more/", 0.2),
        Piece(f"The answer is {digit}", 0.3, Finish.END),
    ]


@pytest.mark.parametrize(("name", "params"), PARTICLES, ids=str)
async def test_a_finished_particle_is_never_weighed_again(
    name: str, params: dict[str, Any]
) -> None:
    known: defaultdict[str, set[Node]] = defaultdict(set)
    rested = 0
    for snapshot in await run(
        name, ToyPolicy(STOPS), ToyVerifier(STOP_SCORES), **(params | {"particles": 16})
    ):
        here = known[snapshot.step.track]
        if (
            snapshot.step.phase == "start"
        ):  # a new pass, in which the reference of the last one may take its steps again
            here.clear()
        for note in (note for note in snapshot.step.notes if isinstance(note, Weighed)):
            gained = [
                gain
                for node, gain in zip(note.particles, note.increments, strict=True)
                if node in here
            ]
            assert not any(gained)
            rested += len(gained)
            here |= {node for node in note.particles if node.done}
    assert rested > 0


@on_all
@pytest.mark.parametrize("seed", range(3))
async def test_a_text_that_wrote_nothing_or_failed_is_told_with_the_reason_and_answers_nothing(
    name: str, params: dict[str, Any], seed: int
) -> None:
    policy = ToyPolicy(wild, seed)
    steps = await run(name, policy, ToyVerifier(always), seed=seed, **params)
    reasons = {
        node: note.reason
        for note in notes_of(steps, Pruned)
        if isinstance(note, Pruned)
        for node in note.nodes
    }
    for node in policy.born:
        for note in dead([node]):
            assert isinstance(note, Pruned) and reasons[node] == note.reason
    for snapshot in steps:
        answers = Candidates(SELECTORS[STRATEGIES[name].card.selector], extract)
        answers.update(Step(snapshot.nodes, snapshot.values))
        assert answers.standing is None or not dead([answers.standing.node])


@on_scored
@pytest.mark.parametrize("seed", range(3))
async def test_an_unscored_candidate_never_wins_against_a_scored_one(
    name: str, params: dict[str, Any], seed: int
) -> None:
    rule = SELECTORS[STRATEGIES[name].card.selector]
    for snapshot in await wandered(
        name, ToyPolicy(wild, seed), ToyVerifier(wild_score), seed=seed, **params
    ):
        finished = [
            (node, value)
            for node, value in zip(snapshot.nodes, snapshot.values, strict=True)
            if node.done
        ]
        if any(value is not None for _, value in finished):
            winner = rule([node for node, _ in finished], [value for _, value in finished])
            assert dict(finished)[winner] is not None


async def test_the_runs_above_do_meet_candidates_without_a_score() -> None:
    met = set()
    for name, params in SCORED:
        for seed in range(3):
            for snapshot in await wandered(
                name, ToyPolicy(wild, seed), ToyVerifier(wild_score), seed=seed, **params
            ):
                values = [
                    value is None
                    for node, value in zip(snapshot.nodes, snapshot.values, strict=True)
                    if node.done
                ]
                met |= {name} if any(values) and not all(values) else set()
    assert len(met) >= 10


@on_all
@pytest.mark.parametrize("seed", range(2))
async def test_any_prefix_of_the_steps_gives_the_answer_that_stands_then(
    name: str, params: dict[str, Any], seed: int
) -> None:
    entry, standings = STRATEGIES[name], []
    rule = SELECTORS[entry.card.selector]
    running = Candidates(rule, extract)
    steps = entry.run(
        prompt(),
        ToyPolicy(answering, seed),
        ToyVerifier(always),
        entry.parse(params),
        np.random.default_rng(seed),
    )
    async with aclosing(steps):
        async for step in steps:
            running.update(step)
            afresh = Candidates(rule, extract)
            afresh.update(Step(list(step.nodes), list(step.values)))
            assert (afresh.standing is not None) is any(
                node.finish is Finish.END for node in step.nodes
            )
            assert afresh.standing is None or running.standing == afresh.standing
            standings.append(running.standing)
    first = next(place for place, standing in enumerate(standings) if standing is not None)
    assert all(
        standing is not None and standing.answer is not None for standing in standings[first:]
    )
