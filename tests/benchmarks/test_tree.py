"""What a search costs for a node besides the models does not grow with its tree. Times depend on
the machine and belong to the benchmark; what is counted here does not."""

from __future__ import annotations

import asyncio
import gc
import sys
from types import FrameType

import pytest

from backend.core.ports import Completion, Request
from backend.core.types import Finish, Node, Score
from benchmarks.tree import NodeCost, growth, lines, measure


def calls_a_node(name: str, size: int) -> float:
    """Calls of functions, ours and built-in ones, for a node of a tree of that size."""
    made = 0

    def count(frame: FrameType, event: str, argument: object) -> None:
        nonlocal made
        made += event in ("call", "c_call")

    sys.setprofile(count)
    try:
        cost = asyncio.run(measure(name, size))
    finally:
        sys.setprofile(None)
    return made / cost.nodes


@pytest.mark.parametrize("name", ["mcts", "a_star"])
def test_a_node_takes_hardly_more_work_in_a_large_tree_than_in_a_small_one(name: str) -> None:
    """A walk of MCTS goes down a few levels more in a tree that is eight times as large."""
    small, large = calls_a_node(name, 1_000), calls_a_node(name, 8_000)
    assert large / small < 1.1


def test_what_a_search_keeps_by_the_ten_thousand_is_out_of_the_collectors_sight() -> None:
    node = Node("a step", (1, 2), (-0.1, -0.2), Node("a question"), 1)
    kept = [
        node,
        Score(0.5, (0.4, 0.5)),
        Request("key", "a question", (1,), 7),
        Completion("key", "a step", (1, 2), (-0.1, -0.2), Finish.STEP, 1),
    ]
    assert [type(one).__name__ for one in kept if gc.is_tracked(one)] == []


def test_the_table_says_how_much_more_a_node_costs_in_the_largest_tree() -> None:
    turns = [
        [NodeCost(1_001, 3, 0.1), NodeCost(50_001, 90, 0.11)],
        [NodeCost(1_001, 3, 0.2), NodeCost(50_001, 90, 0.26)],
        [NodeCost(1_001, 3, 0.1), NodeCost(50_001, 90, 0.12)],
    ]
    assert list(lines("mcts", turns)) == [
        "| mcts | 1,001 | 3 | 0.1000 | 0.1000 to 0.2000 |",
        "| mcts | 50,001 | 90 | 0.1200 | 0.1100 to 0.2600 |",
    ]
    assert growth("mcts", turns) == (
        "mcts: a node costs 1.20 times as much with 50,001 nodes as with 1,001 (1.10 to 1.30)"
    )
