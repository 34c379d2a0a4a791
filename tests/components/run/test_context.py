"""The nodes that a fork does not share with its origins hang where they belong."""

from __future__ import annotations

from backend.core.tree import TreeRow
from components.run.context import Ancestor, ContextNode, context_of


def rows(*nodes: tuple[int | None, str]) -> list[TreeRow]:
    """Nodes in order of id: their parent and their text."""
    depths: list[int] = []
    for parent, _ in nodes:
        depths.append(0 if parent is None else depths[parent] + 1)
    kinds = ["prompt" if parent is None else "step" for parent, _ in nodes]
    return [
        TreeRow(
            at,
            parent,
            depths[at],
            kinds[at],
            text,
            "step",
            False,
            1,
            None,
            at,
            score=at / 10,
            chosen=at == 4,
        )
        for at, (parent, text) in enumerate(nodes)
    ]


TREE = rows((None, "problem"), (0, "a"), (0, "b"), (2, "ba"), (3, "baa"), (2, "bb"))


def test_what_a_fork_does_not_share_hangs_from_what_it_does() -> None:
    assert context_of([Ancestor(7, (0, 2), TREE)]) == (
        ContextNode(-1, 0, "a", 0.1, False, False, 7, 1),
        ContextNode(-2, 1, "ba", 0.3, False, False, 7, 3),
        ContextNode(-3, -2, "baa", 0.4, False, True, 7, 4),
        ContextNode(-4, 1, "bb", 0.5, False, False, 7, 5),
    )


def test_a_step_that_was_edited_is_context_beside_its_new_text() -> None:
    found = context_of([Ancestor(7, (0,), TREE)])
    assert [(node.parent, node.node) for node in found] == [
        (0, 1),
        (0, 2),
        (-2, 3),
        (-3, 4),
        (-2, 5),
    ]


def test_the_origin_of_an_origin_hangs_from_the_context_of_the_nearer_one() -> None:
    # shares problem and b with TREE
    middle = rows((None, "problem"), (0, "b"), (1, "new"), (2, "newer"))
    found = context_of([Ancestor(8, (0, 1, 2), middle), Ancestor(7, (0, 2), TREE)])
    assert [(node.run, node.node, node.parent) for node in found] == [
        (8, 3, 2),
        (7, 1, 0),
        (7, 3, 1),
        (7, 4, -3),
        (7, 5, 1),
    ]
    # forked above b: the middle run's own b is context
    beyond = context_of([Ancestor(8, (0,), middle), Ancestor(7, (0, 2), TREE)])
    assert [(node.run, node.node, node.parent) for node in beyond] == [
        (8, 1, 0),
        (8, 2, -1),
        (8, 3, -2),
        (7, 1, 0),
        (7, 3, -1),
        (7, 4, -5),
        (7, 5, -1),
    ]


def test_rollouts_and_what_is_too_much_are_left_out_and_every_parent_comes_first() -> None:
    hidden = [
        *TREE,
        TreeRow(6, 2, 2, "rollout", "r", "end", True, 1, None, 6),
        TreeRow(7, 6, 3, "step", "below", "step", False, 1, None, 7),
    ]
    assert context_of([Ancestor(7, (0, 2), hidden)]) == context_of([Ancestor(7, (0, 2), TREE)])
    few = context_of([Ancestor(7, (0, 2), TREE)], most=2)
    assert few == context_of([Ancestor(7, (0, 2), TREE)])[:2]
    known = {0, 1}
    for node in context_of([Ancestor(7, (0, 2), TREE)]):
        assert node.parent in known
        known.add(node.id)
    assert context_of([]) == ()
