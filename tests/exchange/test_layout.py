"""Where nodes stand: properties of the layout that make a growing tree calm to look at."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from backend.exchange.layout import layout_tree

parent_lists = st.lists(st.integers(0, 10**6), max_size=80).map(
    lambda draws: [
        None if at == 0 or draw % 11 == 0 else draw % at for at, draw in enumerate(draws)
    ]
)


@settings(deadline=None)
@given(parent_lists)
def test_leaves_stand_one_apart_and_never_overlap(parents: list[int | None]) -> None:
    places = layout_tree(parents)
    leaves = [index for index in range(len(parents)) if index not in parents]
    assert sorted(places.x[leaf] for leaf in leaves) == list(range(len(leaves)))
    assert places.leaves == len(leaves)


@settings(deadline=None)
@given(parent_lists)
def test_no_two_nodes_of_one_depth_share_a_place(parents: list[int | None]) -> None:
    places = layout_tree(parents)
    spots = list(zip(places.x, places.y, strict=True))
    assert len(set(spots)) == len(spots)


@settings(deadline=None)
@given(parent_lists)
def test_a_parent_stands_midway_between_its_first_and_last_child_one_step_above(
    parents: list[int | None],
) -> None:
    places = layout_tree(parents)
    for parent in {one for one in parents if one is not None}:
        children = [index for index, one in enumerate(parents) if one == parent]
        assert places.x[parent] == (places.x[children[0]] + places.x[children[-1]]) / 2
        assert {places.y[child] for child in children} == {places.y[parent] + 1}


@settings(deadline=None)
@given(parent_lists)
def test_a_new_child_of_the_newest_branch_moves_no_leaf_to_the_left_of_it(
    parents: list[int | None],
) -> None:
    before = layout_tree(parents)
    grown = layout_tree([*parents, len(parents) - 1 if parents else None])
    for index in range(len(parents)):
        if index not in parents and before.x[index] < before.x[-1]:
            assert grown.x[index] == before.x[index]


def test_siblings_keep_the_order_in_which_they_were_made() -> None:
    assert layout_tree([None, 0, 0, 1, 2, 1]).x == [1.25, 0.5, 2.0, 0.0, 2.0, 1.0]


def test_a_chain_of_ten_thousand_steps_is_laid_out_without_recursion() -> None:
    places = layout_tree([None, *range(10_000)])
    assert places.y[-1] == 10_000 and set(places.x) == {0.0}
