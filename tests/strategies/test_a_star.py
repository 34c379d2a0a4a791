"""A*: golden searches for the four readings of the cost, its guarantee where there is one, and its
limits."""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Callable
from typing import Any

import pytest

from backend.core.steps import Popped, Pruned, Pushed
from tests.strategies.running import Snapshot, notes_of, run, texts
from tests.support.enumerable import (
    LEAVES,
    LETTER_SCORES,
    LETTERS,
    Piece,
    ToyPolicy,
    ToyVerifier,
    table,
)


async def search(scores: dict[str, float] | None = None, **params: Any) -> list[Snapshot]:
    """A* that sees every next step of the letters language."""
    policy = ToyPolicy(LETTERS, every=True)
    return await run(
        "a_star",
        policy,
        ToyVerifier(LETTER_SCORES if scores is None else scores),
        **({"branching": 2} | params),
    )


def popped(steps: list[Snapshot]) -> list[Popped]:
    return [note for note in notes_of(steps, Popped) if isinstance(note, Popped)]


def consistent_f(path: str, scores: dict[str, float]) -> float:
    """f of a leaf by its definition: 1 - r plus every rise of the score on the way, from 0.5."""
    known = [0.5, *(scores[path[:end]] for end in range(1, len(path) + 1))]
    return (
        1.0
        - known[-1]
        + sum(max(0.0, after - before) for before, after in itertools.pairwise(known))
    )


@pytest.mark.parametrize(
    ("cost_mode", "fs", "g"),
    [
        ("consistent", [0.5, 0.5, 0.6, 0.6], 0.5),
        ("rise", [0.5, 0.1, 0.3, 0.2], 0.1),
        ("one_minus_r", [0.5, 0.2, 0.5, 0.5], 0.4),
    ],
)
async def test_golden_search_of_each_cost(cost_mode: str, fs: list[float], g: float) -> None:
    steps = await search(cost_mode=cost_mode)
    assert [note.node.solution_text() for note in popped(steps)] == ["", "a", "aa", "aab"]
    assert [note.g + note.h for note in popped(steps)] == pytest.approx(fs)
    assert popped(steps)[-1].g == pytest.approx(g)
    assert texts(steps[-1]) == ["aab"]
    assert steps[-1].values == [0.9]


@pytest.mark.parametrize("r", [0.5, 0.7, 1.0])
async def test_first_steps_scored_half_or_more_begin_with_the_f_of_the_root(r: float) -> None:
    steps = await search({**LETTER_SCORES, "a": r, "b": 0.4}, expansions=1, finish="none")
    pushed = {
        note.node.solution_text(): note.g + note.h
        for note in notes_of(steps, Pushed)
        if isinstance(note, Pushed)
    }
    assert pushed == pytest.approx({"": 0.5, "a": 0.5, "b": 0.6})


async def test_uniform_cost_search_finds_the_greatest_product() -> None:
    steps = await search(cost_mode="nlr")
    assert [note.node.solution_text() for note in popped(steps)] == ["", "a", "aa", "aab"]
    products = {
        leaf: LETTER_SCORES[leaf[:1]] * LETTER_SCORES[leaf[:2]] * LETTER_SCORES[leaf]
        for leaf in LEAVES
    }
    assert texts(steps[-1]) == [max(products, key=products.__getitem__)]
    assert products["aab"] == pytest.approx(0.648)


@pytest.mark.parametrize("seed", range(40))
async def test_with_the_consistent_cost_f_never_falls_and_the_first_goal_is_the_best(
    seed: int,
) -> None:
    rng = random.Random(seed)
    scores = {path: rng.random() for path in LETTER_SCORES}
    steps = await search(scores)
    fs = [note.g + note.h for note in popped(steps)]
    assert all(later >= earlier - 1e-12 for earlier, later in itertools.pairwise(fs))
    assert fs[-1] == pytest.approx(min(consistent_f(leaf, scores) for leaf in LEAVES))
    assert consistent_f(texts(steps[-1])[0], scores) == pytest.approx(fs[-1])


def dijkstra(
    edge: Callable[[float, float], float], leave: Callable[[float], float], scores: dict[str, float]
) -> list[tuple[str, float]]:
    """Paths and costs in the order in which Dijkstra's algorithm settles them, up to the first
    finished one; `leave` is what ending there costs."""
    cost, settled = {"": 0.0}, list[tuple[str, float]]()
    while not settled or len(settled[-1][0]) < 3:
        path = min(cost, key=cost.__getitem__)
        settled.append((path, cost.pop(path)))
        for longer in (path + letter for letter in "ab" if len(path) < 3):
            last = leave(scores[longer]) if len(longer) == 3 else 0.0
            cost[longer] = settled[-1][1] + edge(scores.get(path, 0.5), scores[longer]) + last
    return settled


@pytest.mark.parametrize("seed", range(10))
async def test_without_a_heuristic_it_is_dijkstras_algorithm_and_finds_the_greatest_product(
    seed: int,
) -> None:
    rng = random.Random(seed)
    scores = {path: rng.uniform(0.05, 1.0) for path in LETTER_SCORES}
    notes = popped(await search(scores, cost_mode="nlr"))
    expected = dijkstra(lambda before, after: -math.log(after), lambda r: 0.0, scores)
    assert [note.node.solution_text() for note in notes] == [path for path, _ in expected]
    assert [note.g for note in notes] == pytest.approx([cost for _, cost in expected]) and {
        note.h for note in notes
    } == {0.0}
    products = {leaf: math.prod(scores[leaf[:end]] for end in (1, 2, 3)) for leaf in LEAVES}
    assert notes[-1].node.solution_text() == max(products, key=products.__getitem__)
    assert notes[-1].g == pytest.approx(-math.log(max(products.values())))


async def test_nothing_is_expanded_that_uniform_cost_search_would_not_expand() -> None:
    spared = []
    for seed in range(20):
        scores = {path: random.Random(f"{seed} {path}").random() for path in LETTER_SCORES}
        notes = popped(await search(scores))
        blind = dijkstra(lambda before, after: max(0.0, after - before), lambda r: 1.0 - r, scores)
        assert notes[-1].g + notes[-1].h == pytest.approx(blind[-1][1])
        seen, without = [
            {path for path in paths if len(path) < 3}
            for paths in ([note.node.solution_text() for note in notes], dict(blind))
        ]
        assert seen <= without
        spared.append(len(without) - len(seen))
    assert sum(map(bool, spared)) >= 10


async def test_an_inadmissible_cost_can_miss_the_best_goal() -> None:
    language = table({"": {"a": 0.5, "b": 0.5}, "a": {"x": 1.0}, "b": {"y": 1.0}})
    scores = {"a": 0.4, "b": 0.45, "ax": 1.0, "by": 0.45}
    found = {}
    for cost_mode in ("rise", "consistent"):
        steps = await run(
            "a_star",
            ToyPolicy(language, every=True),
            ToyVerifier(scores),
            branching=2,
            cost_mode=cost_mode,
        )
        found[cost_mode] = popped(steps)[-1]
    assert found["rise"].node.solution_text() == "by"
    assert found["rise"].g + found["rise"].h == pytest.approx(0.6)  # ax would have cost 0.1
    best = min(("ax", "by"), key=lambda leaf: consistent_f(leaf, scores))
    assert found["consistent"].node.solution_text() == best


async def test_more_goals_are_accepted_in_order_of_f() -> None:
    steps = await search(goals=3)
    assert len(steps[-1].nodes) == 3
    fs = [consistent_f(text, LETTER_SCORES) for text in texts(steps[-1])]
    assert fs == sorted(fs)
    assert fs == pytest.approx(sorted(consistent_f(leaf, LETTER_SCORES) for leaf in LEAVES)[:3])
    assert fs == pytest.approx([0.6, 0.7, 0.7])
    assert texts(steps[-1])[0] == "aab" and set(texts(steps[-1])[1:]) == {"bab", "bbb"}


async def test_a_search_that_wants_all_goals_ends_when_the_frontier_is_empty() -> None:
    steps = await search(goals=100)
    assert set(texts(steps[-1])) == set(LEAVES)
    assert steps[-1].step.stats["frontier"] == 0


@pytest.mark.parametrize("seed", range(5))
async def test_the_local_scope_is_stepwise_best_of_n(seed: int) -> None:
    scores = {path: random.Random(f"{seed}{path}").random() for path in LETTER_SCORES}
    local = await search(scores, scope="local", cost_mode="one_minus_r")
    stepwise = await run(
        "stepwise_best_of_n", ToyPolicy(LETTERS, every=True), ToyVerifier(scores), n=2
    )
    assert texts(local[-1]) == texts(stepwise[-1])


async def test_siblings_with_the_same_text_are_scored_once_and_pushed_once() -> None:
    verifier = ToyVerifier(lambda path: 0.5)
    steps = await run(
        "a_star", ToyPolicy(lambda path: [Piece("a", 1.0)]), verifier, branching=4, max_steps=2
    )
    # the root and one child; the next one is at the step limit
    assert len(notes_of(steps, Pushed)) == 2
    assert [
        len(note.nodes)
        for note in notes_of(steps, Pruned)
        if isinstance(note, Pruned) and "same text" in note.reason
    ] == [3, 3]
    assert len(verifier.scored) == 2


async def test_a_full_frontier_gives_up_the_worst_and_says_so() -> None:
    steps = await search(goals=100, open_limit=2)
    assert max(snapshot.step.stats["frontier"] for snapshot in steps) <= 2
    reasons = [note for note in notes_of(steps, Pruned) if isinstance(note, Pruned)]
    assert reasons
    assert all("memory-bounded" in note.reason and note.cut is not None for note in reasons)


async def test_unscored_nodes_wait_until_nothing_scored_is_left() -> None:
    scores = {path: score for path, score in LETTER_SCORES.items() if path != "a"}
    steps = await search(scores, goals=100)
    order = [note.node.solution_text() for note in popped(steps)]
    assert order.index("a") == 1 + sum(path.startswith("b") for path in order)
    assert len(order) == 15


async def test_a_search_without_a_goal_completes_the_best_open_node() -> None:
    steps = await search(expansions=1)
    assert [snapshot.step.phase for snapshot in steps] == ["expand", "finish"]
    [node] = steps[-1].nodes
    assert node.done
    assert node.solution_text() == "aaa"  # a is the best open node, and the likeliest way on is aa
    assert not (await search(expansions=1, finish="none"))[-1].nodes


async def test_a_finished_node_in_the_frontier_is_taken_before_paying_for_another() -> None:
    steps = await search(
        {path: 0.01 if len(path) == 3 else score for path, score in LETTER_SCORES.items()},
        expansions=3,
    )
    assert steps[-1].step.phase == "accept"
    assert len(steps[-1].nodes) == 1
