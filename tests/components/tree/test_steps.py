"""A table of steps lists what fits its filter, in the order asked for, a page at a time."""

from __future__ import annotations

from backend.core.tree import TreeRow
from components.tree.steps import (
    FATES,
    PAGE_SIZE,
    SORTS,
    StepFilter,
    matching,
    page_of,
    page_with,
    pages,
)


def row(
    node: int,
    score: float | None = None,
    *,
    depth: int = 1,
    text: str = "",
    pruned: bool = False,
    tokens: int = 0,
) -> TreeRow:
    return TreeRow(
        node,
        0 if node else None,
        depth,
        "step",
        text,
        None,
        node == 4,
        tokens,
        None,
        node,
        score,
        pruned=pruned,
        chosen=node == 4,
    )


ROWS = [
    row(0, depth=0), row(1, 0.5, text="Three plus FOUR", tokens=3), row(2, 0.9, pruned=True, text="three", tokens=3), row(3, 0.1, depth=2),
    row(4, 0.5, depth=3),
]  # fmt: skip


def listed(**wanted: object) -> list[int]:
    return [one.id for one in matching(ROWS, StepFilter(**wanted))]  # type: ignore[arg-type]


def test_without_a_wish_everything_is_listed_in_order_of_creation() -> None:
    assert listed() == [0, 1, 2, 3, 4]


def test_every_wish_leaves_out_what_does_not_fit() -> None:
    assert listed(words="four THREE") == [1] and listed(words="plus five") == []
    assert {fate: listed(fate=fate) for fate in FATES} == {
        "any": [0, 1, 2, 3, 4],
        "kept": [0, 1, 3, 4],
        "pruned": [2],
        "finished": [4],
        "answer": [4],
        "unscored": [0],
    }
    assert (
        listed(score=(0.5, 1.0)) == [1, 2, 4]
        and listed(depth=(1, 2)) == [1, 2, 3]
        and listed(depth=(None, 0)) == [0]
    )
    assert listed(score=(0.2, 1.0), fate="kept", depth=(2, None)) == [4]


def test_ties_stay_in_order_and_nodes_without_the_number_come_last_either_way() -> None:
    assert listed(sort="score") == [3, 1, 4, 2, 0] and listed(sort="score", falling=True) == [
        2,
        1,
        4,
        3,
        0,
    ]
    assert listed(sort="tokens", falling=True) == [1, 2, 0, 3, 4] and all(
        len(listed(sort=sort)) == 5 for sort in SORTS
    )


def test_the_pages_hold_every_row_once_and_each_node_is_found_on_its_page() -> None:
    rows = [row(at) for at in range(2 * PAGE_SIZE + 1)]
    assert pages(rows) == 3 and pages([]) == 1 and page_with(rows, None) == 1
    assert [one for number in (1, 2, 3) for one in page_of(rows, number)] == rows
    assert all(
        rows[at] in page_of(rows, page_with(rows, at))
        for at in (0, PAGE_SIZE - 1, PAGE_SIZE, 2 * PAGE_SIZE)
    )
