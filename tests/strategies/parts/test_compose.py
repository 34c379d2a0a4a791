"""Searches made of searches: tracks, random sources, batches, and what happens when one of them is
left or fails."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import Any

import numpy as np
import pytest

from backend.core.errors import BudgetExhausted
from backend.core.ports import Policy, Rng, Verifier
from backend.core.registry import STRATEGIES
from backend.core.steps import Step
from backend.core.types import Node
from backend.strategies.parts.compose import (
    Gathered,
    InnerSearch,
    Search,
    in_turn,
    repeat,
    side_by_side,
    spawner,
)
from tests.support.enumerable import (
    LETTER_SCORES,
    LETTERS,
    STOP_SCORES,
    STOPS,
    ToyPolicy,
    ToyVerifier,
    prompt,
)

HERE = prompt()


def search(name: str, root: Node = HERE, **params: Any) -> Search:
    """A registered strategy as an inner search."""
    entry = STRATEGIES[name]
    return lambda policy, verifier, rng: entry.run(root, policy, verifier, entry.parse(params), rng)


def three(name: str = "particle_filter", **params: Any) -> list[InnerSearch]:
    return [InnerSearch(f"run {n}", search(name, **params)) for n in range(3)]


async def taken(steps: AsyncGenerator[Step], stop_after: int = 10_000) -> list[Step]:
    found: list[Step] = []
    async with aclosing(steps) as running:
        async for step in running:
            found.append(step)
            if len(found) == stop_after:
                break
    return found


def shape(steps: Sequence[Step]) -> list[Any]:
    return [
        (
            step.track,
            step.phase,
            [node.key for node in step.nodes],
            list(step.values),
            dict(step.stats),
        )
        for step in steps
    ]


def test_a_named_source_depends_on_its_name_and_on_the_state_of_the_outer_one() -> None:
    first, again, other = (spawner(np.random.default_rng(seed)) for seed in (1, 1, 2))
    again("chain 2")
    assert first("chain 1").random(4).tolist() == again("chain 1").random(4).tolist()
    assert first("chain 1").random() != first("chain 2").random()
    assert first("chain 1").random() != other("chain 1").random()


def test_the_outer_source_goes_on_so_that_two_compositions_differ() -> None:
    rng = np.random.default_rng(1)
    assert spawner(rng)("chain 1").random() != spawner(rng)("chain 1").random()


async def test_parts_in_turn_follow_one_another_under_their_tracks() -> None:
    steps = await taken(
        in_turn(three(), ToyPolicy(LETTERS), ToyVerifier(LETTER_SCORES), np.random.default_rng(0))
    )
    assert [step.track for step in steps] == ["run 0"] * 3 + ["run 1"] * 3 + ["run 2"] * 3


async def test_the_next_part_in_turn_is_made_when_the_last_one_is_over() -> None:
    ends: list[Step] = []

    def parts() -> Any:
        for n in range(3):
            assert len(ends) == 3 * n
            yield InnerSearch(f"run {n}", search("particle_filter"))

    async with aclosing(
        in_turn(parts(), ToyPolicy(LETTERS), ToyVerifier(LETTER_SCORES), np.random.default_rng(0))
    ) as steps:
        async for step in steps:
            ends.append(step)
    assert len(ends) == 9


async def test_compositions_nest() -> None:
    def inner(policy: Policy, verifier: Verifier, rng: Rng) -> AsyncGenerator[Step]:
        return in_turn([InnerSearch("iteration 1", search("chain"))], policy, verifier, rng)

    parts = [InnerSearch("chain 1", inner), InnerSearch("chain 2", inner)]
    steps = await taken(
        side_by_side(
            parts, ToyPolicy(LETTERS), ToyVerifier(LETTER_SCORES), np.random.default_rng(0)
        )
    )
    assert {step.track for step in steps} == {"chain 1, iteration 1", "chain 2, iteration 1"}


async def test_searches_side_by_side_share_their_batches() -> None:
    policy, verifier = ToyPolicy(LETTERS), ToyVerifier(LETTER_SCORES)
    steps = await taken(
        side_by_side(three(particles=5), policy, verifier, np.random.default_rng(0))
    )
    assert policy.widths == [15, 15, 15]
    assert [step.track for step in steps] == ["run 0", "run 1", "run 2"] * 3
    for step in steps:
        assert list(step.values) == [LETTER_SCORES[node.solution_text()] for node in step.nodes]


async def test_rounds_side_by_side_count_once_and_in_turn_each() -> None:
    parts = [
        InnerSearch("long", search("particle_filter")),
        InnerSearch("short", search("particle_filter", max_steps=1)),
        InnerSearch("gibbs", search("particle_gibbs")),
    ]
    told = [
        await taken(
            compose(parts, ToyPolicy(LETTERS), ToyVerifier(LETTER_SCORES), np.random.default_rng(0))
        )
        for compose in (side_by_side, in_turn)
    ]
    assert [sum(step.rounds for step in steps) for steps in told] == [6, 3 + 1 + 6]
    assert len(told[0]) == len(told[1]) == 3 + 1 + 8


async def test_calls_of_different_kinds_are_not_mixed() -> None:
    parts = [
        InnerSearch("beam", search("beam_search", n=4, beam_width=2)),
        InnerSearch("whole", search("particle_filter", particles=3, max_steps=1)),
        *three(),
    ]
    policy = ToyPolicy(LETTERS)
    steps = await taken(
        side_by_side(parts, policy, ToyVerifier(LETTER_SCORES), np.random.default_rng(0))
    )
    assert {step.track for step in steps} == {part.track for part in parts}
    assert policy.widths[0] == 4 + 3 + 12


class Slow(ToyPolicy):
    """A policy that answers after a while, in another order every time."""

    def __init__(self, waits: int) -> None:
        super().__init__(LETTERS)
        self._waits = np.random.default_rng(waits)

    async def extend(self, nodes: Sequence[Node], n: int = 1, **settings: Any) -> list[list[Node]]:
        for _ in range(int(self._waits.integers(1, 6))):
            await asyncio.sleep(0)
        return await super().extend(nodes, n, **settings)


async def test_how_fast_a_model_answers_does_not_change_the_searches() -> None:
    names = ("particle_filter", "beam_search", "mcts", "a_star", "particle_gibbs")
    parts = [InnerSearch(name, search(name)) for name in names]
    found = [
        await taken(
            side_by_side(parts, Slow(waits), ToyVerifier(LETTER_SCORES), np.random.default_rng(0))
        )
        for waits in range(3)
    ]
    assert shape(found[0]) == shape(found[1]) == shape(found[2])


async def test_a_race_inside_a_part_works_and_is_closed() -> None:
    policy = ToyPolicy(STOPS)
    parts = [
        InnerSearch("race", search("best_of_n", n=6)),
        InnerSearch("steps", search("particle_filter")),
    ]
    found = await taken(
        side_by_side(parts, policy, ToyVerifier(STOP_SCORES), np.random.default_rng(0))
    )
    assert len([step for step in found if step.track == "race"]) == 6
    left = await taken(
        side_by_side(parts, policy, ToyVerifier(STOP_SCORES), np.random.default_rng(0)),
        stop_after=2,
    )
    assert len(left) == 2 and policy.open_races == 0


@pytest.mark.parametrize("compose", [in_turn, side_by_side])
@pytest.mark.parametrize("after", [1, 2, 4, 7])
async def test_leaving_closes_every_part(compose: Any, after: int) -> None:
    opened: list[str] = []

    def watched(name: str) -> Search:
        async def steps(policy: Policy, verifier: Verifier, rng: Rng) -> AsyncGenerator[Step]:
            opened.append(name)
            try:
                async for step in search("particle_filter")(policy, verifier, rng):
                    yield step
            finally:
                opened.remove(name)

        return steps

    parts = [InnerSearch(name, watched(name)) for name in "abc"]
    found = await taken(
        compose(parts, ToyPolicy(LETTERS), ToyVerifier(LETTER_SCORES), np.random.default_rng(0)),
        stop_after=after,
    )
    assert len(found) == after
    assert opened == []
    assert asyncio.all_tasks() == {asyncio.current_task()}


@pytest.mark.parametrize("budget", [0, 5, 14, 20])
async def test_a_spent_budget_ends_all_parts_and_what_fitted_was_made(budget: int) -> None:
    policy, found = ToyPolicy(LETTERS, budget=budget), []
    with pytest.raises(BudgetExhausted):
        async for step in side_by_side(
            three(particles=5), policy, ToyVerifier(LETTER_SCORES), np.random.default_rng(0)
        ):
            found.append(step)
    assert len(policy.born) == budget
    assert len(found) == 3 * (budget // 15)
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_the_failure_of_one_part_ends_the_others() -> None:
    async def broken(policy: Policy, verifier: Verifier, rng: Rng) -> AsyncGenerator[Step]:
        await policy.extend([HERE])
        yield Step([], [])
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        await taken(
            side_by_side(
                [*three(), InnerSearch("broken", broken)],
                ToyPolicy(LETTERS),
                ToyVerifier(LETTER_SCORES),
                np.random.default_rng(0),
            )
        )
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_a_cancellation_while_a_model_works_reaches_every_part() -> None:
    class Stuck(ToyPolicy):
        async def extend(
            self, nodes: Sequence[Node], n: int = 1, **settings: Any
        ) -> list[list[Node]]:
            await asyncio.Event().wait()
            raise AssertionError

    task = asyncio.create_task(
        taken(
            side_by_side(
                three(), Stuck(LETTERS), ToyVerifier(LETTER_SCORES), np.random.default_rng(0)
            )
        )
    )
    for _ in range(20):
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert asyncio.all_tasks() == {asyncio.current_task()}


def test_two_parts_may_not_share_a_name() -> None:
    parts = [InnerSearch("a", search("chain")), InnerSearch("a", search("chain"))]
    steps = side_by_side(
        parts, ToyPolicy(LETTERS), ToyVerifier(LETTER_SCORES), np.random.default_rng(0)
    )
    with pytest.raises(AssertionError, match="same numbers"):
        asyncio.run(taken(steps))


def test_candidates_are_gathered_from_the_latest_step_of_every_track_that_counts() -> None:
    nodes = [Node(str(n)) for n in range(5)]
    gathered, first = Gathered(), Gathered(lambda track: track == "a")
    one, two, more = (
        Step(nodes[:1], [0.1], track="a"),
        Step(nodes[1:3], [0.2, None], track="b"),
        Step(nodes[3:], [0.4, 0.5], track="a"),
    )
    assert [list(gathered(step).nodes) for step in (one, two, more)] == [
        nodes[:1],
        nodes[:3],
        nodes[3:] + nodes[1:3],
    ]
    assert list(gathered.values) == [0.4, 0.5, 0.2, None]
    assert [first(step).nodes for step in (one, two, more)] == [one.nodes, one.nodes, more.nodes]
    assert first(two).values is more.values


@pytest.mark.parametrize(
    "name", [name for name in STRATEGIES if STRATEGIES[name].card.needs_verifier]
)
async def test_the_best_of_several_runs_of_any_strategy_has_the_candidates_of_all(
    name: str,
) -> None:
    policy, verifier = ToyPolicy(LETTERS), ToyVerifier(LETTER_SCORES)
    parts = [InnerSearch(f"run {n + 1}", search(name)) for n in range(3)]
    alone = await taken(
        side_by_side(
            parts, ToyPolicy(LETTERS), ToyVerifier(LETTER_SCORES), np.random.default_rng(0)
        )
    )
    last = {step.track.partition(", ")[0]: step for step in alone}
    steps = await taken(repeat(search(name), 3)(policy, verifier, np.random.default_rng(0)))
    assert [step.track for step in steps] == [step.track for step in alone]
    assert [node.key for node in steps[-1].nodes] == [
        node.key for part in ("run 1", "run 2", "run 3") for node in last[part].nodes
    ]
    assert len({node.key for node in policy.born}) == len(policy.born)
