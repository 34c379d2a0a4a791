"""Where a rerun first differs: on real searches, whole or tampered with, and on each way in which
two logs can part."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as some

from backend.core.descriptions import ABSENT, DescriptionLine, flatten, lines
from backend.core.records import NodeRecord
from backend.review.divergence import DifferenceKind, Divergence, Gap, TokenPlace, divergence
from tests.components.traced import search_trace


class Node(NamedTuple):
    id: int
    key: str
    token_ids: tuple[int, ...] = ()
    logprobs: tuple[float, ...] | None = None
    text: str = ""
    finish: str | None = "step"
    kind: str = "step"


def found(one: Sequence[Node], other: Sequence[Node], **scores: dict[int, float]) -> Divergence:
    return divergence(one, other, scores.get("mine", {}), scores.get("its", {}))


ROOT = Node(0, "root", (1, 2), kind="prompt")
A = Node(1, "a", (3, 4, 5), (-0.1, -0.2, -0.3))
B = Node(2, "b", (6,), (-0.5,))


def test_another_token_is_named_with_both_log_probabilities() -> None:
    other = [
        ROOT,
        B._replace(id=1, logprobs=(-0.75,)),
        A._replace(id=2, token_ids=(3, 9), logprobs=(-0.6, -1.5)),
    ]
    told = found([ROOT, A, B], other, mine={0: 0.5, 1: 0.1}, its={0: 0.75, 2: 0.9})
    assert told == Divergence(
        DifferenceKind.TOKEN,
        1,
        2,
        1,
        TokenPlace(1, 1, 4, -0.2),
        TokenPlace(2, 1, 9, -1.5),
        nodes=1,
        tokens=3,
        gap=Gap(0.5, 1, 0),
        score_gap=Gap(0.25, 0, None),
    )


def test_what_arrives_in_another_order_is_no_difference() -> None:
    told = found([ROOT, A, B], [ROOT, B._replace(id=1), A._replace(id=2)])
    assert (told.how, told.nodes, told.tokens, told.gap) == (
        DifferenceKind.IDENTICAL,
        3,
        6,
        Gap(0.0, 1, 0),
    )


@pytest.mark.parametrize(
    ("twin", "how", "position"),
    [
        (A._replace(token_ids=(3, 4), logprobs=(-0.1, -0.2)), DifferenceKind.END, 2),
        (
            A._replace(token_ids=(3, 4, 5, 6), logprobs=(-0.1, -0.2, -0.3, -1.0)),
            DifferenceKind.END,
            3,
        ),
        (A._replace(text="other"), DifferenceKind.TEXT, None),
    ],
)
def test_a_text_may_end_earlier_or_differ_without_ids(
    twin: Node, how: DifferenceKind, position: int | None
) -> None:
    told = found([ROOT, A], [ROOT, twin])
    assert (told.how, told.position, told.one_node) == (how, position, 1)
    assert how is DifferenceKind.TEXT or (told.one is None) != (told.other is None)


def test_another_prompt_is_called_so() -> None:
    assert found([ROOT], [ROOT._replace(token_ids=(1, 3))]).how is DifferenceKind.PROMPT


def test_a_node_that_only_one_run_has_is_a_difference_of_course_not_of_tokens() -> None:
    told = found([ROOT, A, B], [ROOT, B._replace(id=1)])
    assert (told.how, told.one_node, told.other_node, told.only_one, told.only_other) == (
        DifferenceKind.COURSE,
        1,
        None,
        1,
        0,
    )
    told = found([ROOT, B], [ROOT, B, A])
    assert (told.how, told.one_node, told.other_node, told.only_one, told.only_other) == (
        DifferenceKind.COURSE,
        None,
        1,
        0,
        1,
    )


def test_a_text_cut_elsewhere_is_counted_and_is_no_difference() -> None:
    short = A._replace(token_ids=(3, 4), logprobs=(-0.1, -0.2), finish="aborted")
    told = found([ROOT, A, B], [ROOT, short, B])
    assert (told.how, told.cut, told.nodes, told.tokens) == (DifferenceKind.IDENTICAL, 1, 3, 5)
    assert found([ROOT, A], [ROOT, short._replace(token_ids=(3, 9))]).how is DifferenceKind.TOKEN


@pytest.mark.parametrize("strategy", ["beam_search", "particle_filter", "mcts", "best_of_n"])
async def test_a_rerun_of_a_real_search_is_identical_and_another_seed_is_not(strategy: str) -> None:
    one, again, other = [(await search_trace(strategy, seed=seed)).nodes for seed in (3, 3, 4)]
    told = divergence(one, again, {}, {})
    assert (told.how, told.nodes, told.tokens) == (
        DifferenceKind.IDENTICAL,
        len(one),
        sum(len(node.token_ids) for node in one),
    )
    assert told.gap is not None and told.gap.value == 0
    assert divergence(one, other, {}, {}).how is DifferenceKind.TOKEN


async def test_a_changed_token_is_found_wherever_it_stands() -> None:
    nodes = (await search_trace("beam_search", seed=3)).nodes
    places = [
        (at, where)
        for at, node in enumerate(nodes)
        if node.logprobs
        for where in range(len(node.token_ids))
    ]
    assert len(places) > 20

    @given(some.sampled_from(places))
    def tampered(place: tuple[int, int]) -> None:
        at, where = place
        told = divergence(
            nodes, [changed(node, where) if node.id == at else node for node in nodes], {}, {}
        )
        assert (told.how, told.one_node, told.position, told.nodes) == (
            DifferenceKind.TOKEN,
            at,
            where,
            at,
        )
        assert (
            told.one is not None
            and told.other is not None
            and told.other.token_id == told.one.token_id + 1000
        )

    tampered()


def changed(node: NodeRecord, where: int) -> NodeRecord:
    return replace(
        node,
        token_ids=(
            *node.token_ids[:where],
            node.token_ids[where] + 1000,
            *node.token_ids[where + 1 :],
        ),
    )


def test_settings_lie_side_by_side_under_flat_names() -> None:
    one, other = (
        flatten({"a": {"b": 1, "c": [1, 2]}, "d": {}}),
        flatten({"a": {"b": True, "c": [1, 2]}, "e": None}),
    )
    assert one == {"a.b": 1, "a.c": [1, 2]}
    told = lines([one, other])
    assert told == [
        DescriptionLine("a.b", (1, True)),
        DescriptionLine("a.c", ([1, 2], [1, 2])),
        DescriptionLine("e", (ABSENT, None)),
    ]
    assert [line.equal for line in told] == [False, True, False]
