"""Monte-Carlo tree search: formulas, visit identities, and the two ends of the exploration constant."""

from __future__ import annotations

import math
from collections import Counter
from typing import Any

import pytest

from backend.strategies.descent import Vertex, descend, puct, uct
from backend.strategies.rounds import expand
from backend.types import Backed, Node, Selected
from tests.enumerable import LETTER_SCORES, LETTERS, Piece, ToyPolicy, ToyVerifier, prompt
from tests.strategies.running import Snapshot, notes_of, run, texts


async def search(**params: Any) -> list[Snapshot]:
    """A search that sees every next step of the letters language."""
    return await run("mcts", ToyPolicy(LETTERS, every=True), ToyVerifier(LETTER_SCORES), **({"children": 2} | params))


def backed(steps: list[Snapshot]) -> list[Backed]:
    return [note for note in notes_of(steps, Backed) if isinstance(note, Backed)]


def vertex(visits: int, mean: float, prior: float = 1.0) -> Vertex:
    return Vertex(prompt(), prior, visits=visits, total=mean * visits)


def test_golden_values_of_the_formulas() -> None:
    assert uct(math.sqrt(2.0))(vertex(9, 0.5), vertex(3, 0.6)) == pytest.approx(1.810296, abs=1e-6)
    assert puct()(vertex(9, 0.5), vertex(2, 0.6, prior=0.5)) == pytest.approx(1.225254, abs=1e-6)


def test_an_unvisited_child_is_worth_its_own_score() -> None:
    child = Vertex(prompt(), score=0.7)
    assert child.mean == 0.7
    assert uct(1.0)(vertex(9, 0.5), child) == pytest.approx(0.7 + math.sqrt(math.log(9)))


@pytest.mark.parametrize("formula", ["uct", "puct"])
async def test_visits_of_a_node_are_its_turns_as_leaf_plus_the_visits_of_its_children(formula: str) -> None:
    notes = backed(await search(simulations=60, formula=formula))
    visits = Counter(node for note in notes for node in note.path)
    leaves = Counter(note.path[-1] for note in notes)
    root = notes[0].path[0]
    assert visits[root] == 60
    for node, number in visits.items():
        assert number == leaves[node] + sum(count for child, count in visits.items() if child.parent is node)


async def test_means_stay_between_the_values_that_were_backed_up() -> None:
    notes = backed(await search(simulations=60))
    for node in {node for note in notes for node in note.path}:
        values = [note.value for note in notes if node in note.path]
        assert min(values) - 1e-12 <= sum(values) / len(values) <= max(values) + 1e-12
        assert set(values) <= {0.0, *LETTER_SCORES.values()}


async def test_the_walk_that_is_told_is_the_walk_that_is_backed_up() -> None:
    steps = await search(simulations=30)
    for snapshot in steps:
        [selected] = [note for note in snapshot.step.notes if isinstance(note, Selected)]
        [backup] = [note for note in snapshot.step.notes if isinstance(note, Backed)]
        assert selected.path == backup.path
        assert len(selected.values) == len(selected.path) - 1
        assert all(child.parent is parent for parent, child in zip(selected.path, selected.path[1:], strict=False))


async def test_without_exploration_the_walk_follows_the_best_mean() -> None:
    steps = await search(simulations=4, exploration=0.0)
    assert [note.path[-1].written() for note in backed(steps)] == ["", "a", "aa", "aab"]
    assert [note.value for note in backed(steps)] == [0.9, 0.8, 0.9, 0.9]


async def test_with_endless_exploration_siblings_are_visited_alike() -> None:
    notes = backed(await search(simulations=200, exploration=1e6))
    visits = Counter(node for note in notes for node in note.path)
    for node in [node for node in visits if node.depth < 2]:
        numbers = [count for child, count in visits.items() if child.parent is node]
        assert max(numbers) - min(numbers) <= 1


async def test_visits_gather_at_the_optimum() -> None:
    notes = backed(await search(simulations=1500, exploration=0.5))
    leaves = Counter(note.path[-1].written() for note in notes)
    assert leaves.most_common(1)[0][0] == "bab"


async def test_each_node_is_expanded_once_however_often_it_is_visited() -> None:
    policy = ToyPolicy(LETTERS, every=True)
    steps = await run("mcts", policy, ToyVerifier(LETTER_SCORES), children=2, simulations=300)
    assert max(Counter(policy.asked).values()) == 1
    assert len(policy.born) == 14
    assert sorted(texts(steps[-1])) == sorted(path for path in LETTER_SCORES if len(path) == 3)


def test_a_walk_looks_at_the_children_along_its_path_only() -> None:
    looked: list[Vertex] = []

    def counting(parent: Vertex, child: Vertex) -> float:
        looked.append(child)
        return child.prior

    def tree(depth: int) -> Vertex:
        return Vertex(prompt(), children=[tree(depth - 1) for _ in range(3)] if depth else [])

    descend(tree(5), counting)
    assert len(looked) == 15


async def test_a_dead_end_is_worth_nothing_and_left() -> None:
    def language(path: str) -> list[Piece]:
        if path == "a":
            return [Piece("", 1.0)]
        return [Piece("a", 0.5), Piece("b", 0.5)] if not path else [Piece("b", 1.0)]

    steps = await run("mcts", ToyPolicy(language, every=True), ToyVerifier(lambda path: 0.9 if path == "a" else 0.5), children=2, max_steps=3)
    values = {note.path[-1].written(): note.value for note in backed(steps)}
    assert values["a"] == 0.0
    visits = Counter(note.path[1].written() for note in backed(steps) if len(note.path) > 1)
    assert visits["b"] > visits["a"]


async def test_the_prior_is_the_share_of_the_draws() -> None:
    parent = Vertex(prompt())
    policy, verifier = ToyPolicy(LETTERS, seed=1), ToyVerifier(LETTER_SCORES)
    [brood] = await expand(policy, verifier, [parent.node], 100, merge=True)
    parent.adopt(brood.children)
    assert sum(child.prior for child in parent.children) == pytest.approx(1.0)
    assert {child.node.text: child.prior for child in parent.children} == pytest.approx({"a": 0.6, "b": 0.4}, abs=0.15)
    assert len(policy.born) == 100 and len(verifier.scored) == 2


async def test_a_search_without_a_solution_completes_its_most_visited_path() -> None:
    steps = await search(simulations=1)
    assert [snapshot.step.phase for snapshot in steps] == ["expand", "finish"]
    [node] = steps[-1].nodes
    assert isinstance(node, Node)
    assert node.done
    assert node.written() == "aaa"
    assert not (await search(simulations=1, finish="none"))[-1].nodes
