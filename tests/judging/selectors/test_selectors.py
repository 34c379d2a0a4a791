"""Final rules: what wins, what ties do, and what must not count."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.core.errors import BadInput
from backend.core.types import Finish, Node
from backend.judging.rules import SELECTORS
from backend.judging.selectors.credit import expected_credit
from backend.judging.selectors.majority import Majority
from backend.problems.classes import AnswerClasses
from backend.problems.exact import canonical
from tests.support.enumerable import prompt

VOTES = [name for name, rule in SELECTORS.items() if rule.votes]
ORDERED = {"first"}
"""Rules that are about the order of arrival."""

on_all = pytest.mark.parametrize("name", list(SELECTORS))
on_votes = pytest.mark.parametrize("name", VOTES)
pairs = st.lists(
    st.tuples(st.sampled_from("1234"), st.one_of(st.none(), st.floats(0.0, 1.0))),
    min_size=1,
    max_size=12,
)


def solution(answer: str | None, *, words: int = 0, logprob: float | None = -0.5) -> Node:
    """A finished node that answers, or only talks; each word is a token."""
    text = "we " * words + (
        "I do not know what to say" if answer is None else f"So the answer is \\boxed{{{answer}}}."
    )
    ids = tuple(range(words + 1))
    logprobs = None if logprob is None else (logprob,) * len(ids)
    return Node(text, ids, logprobs, parent=prompt(), depth=1, done=True, finish=Finish.END)


def chosen(name: str, answers: Sequence[str | None], values: Sequence[float | None]) -> int:
    nodes = [solution(answer) for answer in answers]
    return nodes.index(SELECTORS[name](nodes, values))


def test_the_rules_of_the_specification_are_there() -> None:
    wanted = {
        "best",
        "majority",
        "weighted",
        "softmax",
        "rpc",
        "perplexity",
        "perplexity_consistency",
        "first",
        "shortest",
        "shortest_vote",
    }
    assert wanted | {"length_weighted", "marker_vote"} <= set(SELECTORS)


@on_all
def test_every_rule_explains_itself_and_has_defaults(name: str) -> None:
    rule = SELECTORS[name]
    assert rule.name == name and rule.card.title and rule.summary
    assert rule.settings == rule.params()
    with pytest.raises(BadInput, match="luck"):
        rule.with_params({"luck": 1})


def test_parameters_change_a_copy_of_the_rule() -> None:
    cold = SELECTORS["softmax"].with_params({"tau": 0.01})
    answers, values = ["5", "7", "7", "7"], [0.9, 0.5, 0.5, 0.5]
    nodes = [solution(answer) for answer in answers]
    assert nodes.index(SELECTORS["softmax"](nodes, values)) == 1
    assert nodes.index(cold(nodes, values)) == 0
    with pytest.raises(BadInput, match="greater than 0"):
        SELECTORS["softmax"].with_params({"tau": 0.0})


# best


def test_best_takes_the_highest_value_and_the_earliest_of_equals() -> None:
    assert chosen("best", ["1", "2", "3", "4"], [0.2, 0.9, 0.9, 0.1]) == 1


def test_best_takes_an_unscored_candidate_only_where_nothing_is_scored() -> None:
    assert chosen("best", ["1", "2"], [None, 0.0]) == 1
    assert chosen("best", ["1", "2"], [None, None]) == 0


# votes


def test_majority_counts_heads_not_values() -> None:
    assert chosen("majority", ["5", "7", "7"], [1.0, 0.1, None]) == 1


def test_majority_ties_go_to_the_answer_seen_first() -> None:
    assert chosen("majority", ["7", "5", "5", "7"], [None] * 4) == 0


def test_weighted_adds_up_values_and_returns_the_best_of_the_class() -> None:
    assert chosen("weighted", ["5", "7", "7"], [0.7, 0.3, 0.5]) == 2


@pytest.mark.parametrize("name", ["weighted", "softmax"])
def test_a_vote_by_value_takes_none_from_an_unscored_candidate(name: str) -> None:
    assert chosen(name, ["5", "5", "5", "7"], [None, None, None, 0.1]) == 3


@pytest.mark.parametrize("name", ["weighted", "softmax"])
def test_a_vote_by_value_without_any_value_is_the_majority(name: str) -> None:
    assert chosen(name, ["5", "7", "7"], [None, None, None]) == 1


def test_sums_of_values_do_not_depend_on_their_order() -> None:
    """In doubles 0.1 + 0.2 + 0.3 is more than 0.3 + 0.2 + 0.1, and the order of arrival would
    decide."""
    for first, second in (((0.1, 0.2, 0.3), (0.3, 0.2, 0.1)), ((0.3, 0.2, 0.1), (0.1, 0.2, 0.3))):
        tally = SELECTORS["weighted"].tally()
        for answer, value in (*(("7", v) for v in first), *(("5", v) for v in second)):
            tally.add(solution(answer), value, answer)
        assert len(tally.decision().leaders) == 2
        assert tally.decision().confidence == pytest.approx(0.5)


def test_softmax_adds_up_exponentials_of_the_values_over_tau() -> None:
    """exp(.9/.5) = 6.05 against 2 exp(.5/.5) = 5.44, and with tau 1 it is 2.46 against 3.30."""
    nodes, values = [solution(answer) for answer in ("5", "7", "7")], [0.9, 0.5, 0.5]
    for tau, winner, share in ((0.5, 0, 0.526687), (1.0, 1, 0.572766)):
        tally = SELECTORS["softmax"].with_params({"tau": tau}).tally()
        for node, value, answer in zip(nodes, values, ("5", "7", "7"), strict=True):
            tally.add(node, value, answer)
        assert tally.winner() is nodes[winner]
        assert tally.decision().confidence == pytest.approx(share, abs=1e-6)


def test_softmax_survives_a_tiny_temperature() -> None:
    nodes = [solution(answer) for answer in "577"]
    assert SELECTORS["softmax"].with_params({"tau": 1e-6})(nodes, [0.9, 0.899, 0.899]) is nodes[0]


def test_the_mean_score_favours_an_answer_given_once() -> None:
    answers, values = ["7", "7", "7", "5"], [0.8, 0.8, 0.7, 0.81]
    assert chosen("weighted", answers, values) == 0
    assert chosen("mean_score", answers, values) == 3


@on_votes
def test_candidates_without_an_answer_do_not_form_a_class(name: str) -> None:
    answers: list[str | None] = ["7", None, None, None]
    assert chosen(name, answers, [0.1, 0.9, 0.9, 0.9]) == 0


@on_votes
def test_without_any_answer_the_best_candidate_stands(name: str) -> None:
    assert chosen(name, [None, None], [0.1, 0.9]) == 1


@settings(deadline=None, max_examples=25)
@given(st.lists(st.sampled_from("1234"), min_size=1, max_size=12))
def test_a_vote_with_equal_values_is_the_majority(answers: list[str]) -> None:
    for name in ("weighted", "softmax"):
        assert (
            answers[chosen(name, answers, [0.5] * len(answers))]
            == answers[chosen("majority", answers, [0.5] * len(answers))]
        )


@on_all
@settings(deadline=None, max_examples=25)
@given(pairs, st.randoms(use_true_random=False))
def test_the_order_of_arrival_decides_ties_only(
    name: str, votes: list[tuple[str, float | None]], shuffle: random.Random
) -> None:
    """Lengths, probabilities and texts are all different here, so that nothing ties but votes and
    values."""
    candidates = [
        (solution(answer, words=place, logprob=-0.1 - 0.01 * place), value, answer)
        for place, (answer, value) in enumerate(votes)
    ]

    def leaders(order: Sequence[tuple[Node, float | None, str]]) -> set[object]:
        tally = SELECTORS[name].tally()
        for candidate in order:
            tally.add(*candidate)
        answers = {node: answer for node, _, answer in order}
        return {
            answers[node] if SELECTORS[name].votes else node for node in tally.decision().leaders
        }

    mixed = list(candidates)
    shuffle.shuffle(mixed)
    assert name in ORDERED or leaders(mixed) == leaders(candidates)


def test_a_copy_of_a_candidate_would_vote_twice() -> None:
    """Why no strategy may fill its candidates up with copies."""
    assert chosen("weighted", ["5", "7"], [0.4, 0.6]) == 1
    assert chosen("weighted", ["5", "7", "5"], [0.4, 0.6, 0.4]) in (0, 2)


# classes


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
    answers = [
        "1",
        "2",
        "-1",
        "0.1",
        "1/3",
        "0.333",
        "1,23",
        "123",
        "1/0",
        "3 1 4",
        "31 4",
        "314",
        "x",
        "",
        "1e9",
        "1e999999999",
        "9" * 500,
    ]
    answers += [r"\delta", r"\Delta"]
    assert len({canonical(answer) for answer in answers}) == len(answers)


def test_classes_come_in_order_of_their_first_member() -> None:
    vote = Majority()
    for answer, value in zip(("7", None, "5", "7.0"), (0.1, 0.9, None, 0.2), strict=True):
        vote.add(solution(answer), value, answer)
    assert [(group.answer, group.count, group.place) for group in vote.classes] == [
        ("7", 2, 0),
        ("5", 1, 1),
    ]
    assert [float(group.weight) for group in vote.classes] == pytest.approx([0.3, 0.0])


@on_votes
def test_votes_are_counted_anew_where_two_classes_turn_out_to_be_one(name: str) -> None:
    """`a` and `b` have 2 votes each, `z` has 3: until `c` comes, which equals both."""
    equal = {frozenset("ac"), frozenset("bc")}
    classes = AnswerClasses(lambda answer, other: frozenset((answer, other)) in equal)
    tally, settled = SELECTORS[name].tally(classes), []
    for place, answer in enumerate("zabzabzc"):
        settled.append(answer)
        classes.settle([answer])
        tally.add(solution(answer, words=0 if name == "shortest_vote" else place), 0.5, answer)
        if place == 6 and name == "majority":
            assert len(tally.decision().leaders) == 1 and classes.of(answer) == "z"
    assert len({classes.of(answer) for answer in "abc"}) == 1
    if name in ("majority", "weighted", "softmax", "perplexity_consistency", "rpc"):
        assert tally.winner().solution_text().endswith("\\boxed{a}.")


@on_all
@given(pairs)
@settings(deadline=None, max_examples=20)
def test_a_tally_knows_the_winner_after_every_candidate(
    name: str, given_pairs: list[tuple[str, float | None]]
) -> None:
    nodes, values = (
        [solution(answer) for answer, _ in given_pairs],
        [value for _, value in given_pairs],
    )
    tally = SELECTORS[name].tally()
    for count, (node, (answer, value)) in enumerate(zip(nodes, given_pairs, strict=True), start=1):
        tally.add(node, value, answer)
        assert (
            tally.winner()
            is SELECTORS[name](nodes[:count], values[:count])
            is tally.decision().leaders[0]
        )
        confidence = tally.decision().confidence
        assert confidence is None or 0.0 <= confidence <= 1.0


# ties


def credit(
    name: str, answers: Sequence[str | None], values: Sequence[float | None], right: str = "7"
) -> float | None:
    tally = SELECTORS[name].tally()
    by_node = {
        solution(answer): (value, answer) for answer, value in zip(answers, values, strict=True)
    }
    for node, (value, answer) in by_node.items():
        tally.add(node, value, answer)
    return expected_credit(tally.decision().leaders, lambda node: by_node[node][1] == right)


def test_tied_classes_share_the_credit_and_each_counts_once() -> None:
    assert credit("majority", ["7", "5", "5", "7", "3"], [None] * 5) == pytest.approx(1 / 2)
    assert credit("majority", ["5", "7", "3"], [None] * 3) == pytest.approx(1 / 3)
    assert credit("majority", ["5", "7", "7"], [None] * 3) == 1.0


def test_tied_candidates_share_the_credit_and_each_counts() -> None:
    assert credit("best", ["7", "7", "5", "3"], [0.9, 0.9, 0.9, 0.1]) == pytest.approx(2 / 3)
    assert credit("shortest", ["7", "5"], [None, None]) == pytest.approx(1 / 2)


def test_expected_credit_does_not_depend_on_the_order() -> None:
    for answers in (["7", "5", "3"], ["5", "3", "7"], ["3", "7", "5"]):
        assert credit("majority", answers, [None] * 3) == pytest.approx(1 / 3)


def test_a_leader_that_cannot_be_judged_leaves_the_credit_open() -> None:
    nodes = [solution("7"), solution("5")]
    assert expected_credit(nodes, lambda node: True if node is nodes[0] else None) is None
    assert expected_credit([], lambda node: True) is None


def test_a_thousand_candidates_are_counted_after_each() -> None:
    """What a race of 1024 asks for: every rule decides again with every candidate, and a cached
    decision is not made again."""
    tally = SELECTORS["softmax"].tally()
    for place in range(1024):
        tally.add(solution(str(place % 37)), (place % 11) / 10, str(place % 37))
        first = tally.decision()
        assert tally.decision() is first and tally.winner() is first.leaders[0]


def test_best_takes_no_candidate_without_an_answer_where_another_has_one() -> None:
    assert chosen("best", [None, "1", "2", None], [0.9, 0.2, 0.3, None]) == 2
    assert chosen("best", [None, "1"], [0.9, None]) == 1
    assert chosen("best", [None, None], [0.2, 0.9]) == 1
