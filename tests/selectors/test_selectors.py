"""Final rules: what wins, what ties do, and what must not count."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import backend.selectors  # noqa: F401  registers them
from backend.registry import SELECTORS
from backend.selectors import Majority, canonical
from backend.types import Node
from tests.enumerable import prompt

on_all = pytest.mark.parametrize("name", list(SELECTORS))
on_votes = pytest.mark.parametrize("name", ["majority", "weighted"])
pairs = st.lists(st.tuples(st.sampled_from("1234"), st.one_of(st.none(), st.floats(0.0, 1.0))), min_size=1, max_size=12)


def solution(answer: str | None) -> Node:
    """A finished node that answers, or only talks."""
    text = "I do not know what to say" if answer is None else f"So the answer is \\boxed{{{answer}}}."
    return Node(text, parent=prompt(), depth=1, done=True)


def chosen(name: str, answers: Sequence[str | None], values: Sequence[float | None]) -> int:
    nodes = [solution(answer) for answer in answers]
    return nodes.index(SELECTORS[name](nodes, values))


def test_best_takes_the_highest_value_and_the_earliest_of_equals() -> None:
    assert chosen("best", ["1", "2", "3", "4"], [0.2, 0.9, 0.9, 0.1]) == 1


def test_best_takes_an_unscored_candidate_only_where_nothing_is_scored() -> None:
    assert chosen("best", ["1", "2"], [None, 0.0]) == 1
    assert chosen("best", ["1", "2"], [None, None]) == 0


def test_majority_counts_heads_not_values() -> None:
    assert chosen("majority", ["5", "7", "7"], [1.0, 0.1, None]) == 1


def test_majority_ties_go_to_the_answer_seen_first() -> None:
    assert chosen("majority", ["7", "5", "5", "7"], [None] * 4) == 0


def test_weighted_adds_up_values_and_returns_the_best_of_the_class() -> None:
    assert chosen("weighted", ["5", "7", "7"], [0.7, 0.3, 0.5]) == 2


def test_weighted_takes_no_vote_from_an_unscored_candidate() -> None:
    assert chosen("weighted", ["5", "5", "5", "7"], [None, None, None, 0.1]) == 3


def test_weighted_without_any_value_is_the_majority() -> None:
    assert chosen("weighted", ["5", "7", "7"], [None, None, None]) == 1


@on_votes
def test_candidates_without_an_answer_do_not_form_a_class(name: str) -> None:
    assert chosen(name, [None, None, None, "7"], [0.9, 0.9, 0.9, 0.1]) == 3


@on_votes
def test_without_any_answer_the_best_candidate_stands(name: str) -> None:
    assert chosen(name, [None, None], [0.1, 0.9]) == 1


@settings(deadline=None)
@given(st.lists(st.sampled_from("1234"), min_size=1, max_size=12))
def test_weighted_with_equal_values_is_the_majority(answers: list[str]) -> None:
    equal = [0.5] * len(answers)
    assert answers[chosen("weighted", answers, equal)] == answers[chosen("majority", answers, equal)]


@on_all
@settings(deadline=None)
@given(pairs, st.randoms(use_true_random=False))
def test_order_matters_for_ties_only(name: str, votes: list[tuple[str, float | None]], shuffle: random.Random) -> None:
    def worth(order: list[tuple[str, float | None]]) -> tuple[float, ...]:
        answers, values = [answer for answer, _ in order], [value for _, value in order]
        winner = chosen(name, answers, values)
        group = [value or 0.0 for answer, value in order if answer == answers[winner]]
        return {
            "best": (-1.0 if values[winner] is None else values[winner] or 0.0,),
            "majority": (len(group),),
            "weighted": (round(sum(group), 9),),
        }[name]  # fmt: skip

    mixed = list(votes)
    shuffle.shuffle(mixed)
    assert worth(mixed) == pytest.approx(worth(votes))


def test_a_copy_of_a_candidate_would_vote_twice() -> None:
    """Why no strategy may fill its candidates up with copies."""
    assert chosen("weighted", ["5", "7"], [0.4, 0.6]) == 1
    assert chosen("weighted", ["5", "7", "5"], [0.4, 0.6, 0.4]) in (0, 2)


@pytest.mark.parametrize(
    "group",
    [
        ("12", " 12 ", "12.0", "+12", "$12$", "24/2", r"\frac{24}{2}", "12."),
        ("1234", "1,234", "1,234.00"),
        ("-1/2", "-0.5", r"-\frac{1}{2}", r"-\dfrac{2}{4}", "-.5"),
        ("3 1 4", " 3  1 4 ", "$3 1 4$"),
        ("x + 1", "X+1"),
    ],
)
def test_equal_answers_have_one_canonical_string(group: tuple[str, ...]) -> None:
    assert len({canonical(answer) for answer in group}) == 1


def test_different_answers_keep_apart() -> None:
    answers = ["1", "2", "-1", "0.1", "1/3", "0.333", "1,23", "123", "1/0", "3 1 4", "31 4", "314", "x", "", "1e9", "1e999999999", "9" * 500]
    assert len({canonical(answer) for answer in answers}) == len(answers)


def test_classes_come_in_order_of_their_first_member() -> None:
    vote = Majority()
    for answer, value in zip(("7", None, "5", "7.0"), (0.1, 0.9, None, 0.2), strict=True):
        vote.add(solution(answer), value, answer)
    assert [(group.answer, group.count, group.place) for group in vote.classes.values()] == [("7", 2, 0), ("5", 1, 1)]
    assert [group.weight for group in vote.classes.values()] == pytest.approx([0.3, 0.0])


@on_all
@given(pairs)
@settings(deadline=None)
def test_a_tally_knows_the_winner_after_every_candidate(name: str, given_pairs: list[tuple[str, float | None]]) -> None:
    nodes, values = [solution(answer) for answer, _ in given_pairs], [value for _, value in given_pairs]
    tally = SELECTORS[name].tally()
    for count, (node, (answer, value)) in enumerate(zip(nodes, given_pairs, strict=True), start=1):
        tally.add(node, value, answer)
        assert tally.winner() is SELECTORS[name](nodes[:count], values[:count])
