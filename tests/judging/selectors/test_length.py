"""Rules by length and by markers of hesitation."""

from __future__ import annotations

import math

import pytest

from backend.core.types import Finish, Kind, Node
from backend.judging.rules import SELECTORS
from backend.judging.selectors.markers import MarkerVoteParams, count, pattern, thinking_part
from tests.support.enumerable import prompt


def solution(
    answer: str, tokens: int, *, finish: Finish = Finish.END, text: str = "", ids: bool = True
) -> Node:
    written = f"{text or 'x' * tokens}\\boxed{{{answer}}}"
    return Node(
        written, tuple(range(tokens)) if ids else (), None, prompt(), 1, done=True, finish=finish
    )


def chosen(name: str, nodes: list[Node], **params: object) -> int:
    return nodes.index(SELECTORS[name].with_params(params)(nodes, [None] * len(nodes)))


def test_first_is_the_first_whatever_its_value_or_length() -> None:
    nodes = [solution("1", 90), solution("2", 5)]
    assert SELECTORS["first"](nodes, [0.1, 0.9]) is nodes[0]


def test_shortest_counts_the_tokens_of_the_whole_path() -> None:
    start = prompt()
    long = Node("a", tuple(range(30)), None, start, 1)
    brief_end = Node("\\boxed{1}", (1,), None, long, 2, done=True, finish=Finish.END)
    one_go = Node("b\\boxed{2}", tuple(range(20)), None, start, 1, done=True, finish=Finish.END)
    assert chosen("shortest", [brief_end, one_go]) == 1


def test_injected_text_has_no_length() -> None:
    hint = Node("use algebra", tuple(range(50)), None, prompt(), 1, kind=Kind.INJECTED)
    helped = Node("\\boxed{1}", (1, 2), None, hint, 2, done=True, finish=Finish.END)
    assert chosen("shortest", [solution("2", 9), helped]) == 1


def test_a_text_that_was_cut_off_is_not_the_shortest_while_there_are_others() -> None:
    for finish in (Finish.LENGTH, Finish.BUDGET):
        assert chosen("shortest", [solution("1", 3, finish=finish), solution("2", 9)]) == 1
        assert (
            chosen("shortest", [solution("1", 9, finish=finish), solution("2", 3, finish=finish)])
            == 1
        )


def test_without_token_ids_lengths_are_those_of_the_texts() -> None:
    assert chosen("shortest", [solution("1", 8, ids=False), solution("2", 5, ids=False)]) == 1
    mixed = [solution("1", 3, text="y" * 50), solution("2", 5, ids=False)]
    assert chosen("shortest", mixed) == 1  # one unit for all: characters


def test_the_m_shortest_vote() -> None:
    """The two shortest say 5, and half of six is three; of all six the majority says 7."""
    nodes = [
        solution(answer, tokens)
        for answer, tokens in (("7", 40), ("7", 50), ("7", 20), ("5", 10), ("5", 12), ("7", 60))
    ]
    assert chosen("majority", nodes) == 0
    assert chosen("shortest_vote", nodes) == 3
    assert chosen("shortest_vote", nodes, m=1) == 3
    assert chosen("shortest_vote", nodes, m=5) == 0
    assert chosen("shortest_vote", nodes, m=100) == 0
    assert chosen("shortest_vote", nodes, m=3, end="longest") == 0


def test_the_longest_vote_is_its_mirror() -> None:
    nodes = [
        solution(answer, tokens)
        for answer, tokens in (("1", 1), ("1", 2), ("1", 3), ("9", 8), ("9", 9))
    ]
    assert chosen("shortest_vote", nodes, m=2, end="longest") == 3
    assert chosen("shortest_vote", nodes, m=2) == 0


def test_those_that_were_cut_off_do_not_vote_by_length() -> None:
    nodes = [
        solution("1", 2, finish=Finish.LENGTH),
        solution("1", 3, finish=Finish.LENGTH),
        solution("2", 30),
        solution("3", 40),
    ]
    assert chosen("shortest_vote", nodes) == 2
    assert chosen("length_weighted", nodes) == 2


def test_brevity_weighs_by_standard_deviations() -> None:
    """Lengths 10, 20, 30: z is -1.2247, 0, 1.2247; the brief one weighs 3.4034, the others 1 and
    0.2938 together less, until lambda is 0."""
    nodes = [solution("7", 30), solution("7", 20), solution("5", 10)]
    tally = SELECTORS["length_weighted"].tally()
    for node, answer in zip(nodes, "775", strict=True):
        tally.add(node, None, answer)
    z = 10 / math.sqrt(200 / 3)
    assert tally.winner() is nodes[2]
    assert tally.decision().confidence == pytest.approx(
        math.exp(z) / (math.exp(z) + 1 + math.exp(-z))
    )
    assert chosen("length_weighted", nodes, slope=0.0) == 0
    assert chosen("length_weighted", [solution("5", 10), *nodes[:2]], slope=-1.0) == 1


def test_equal_lengths_are_a_majority_vote() -> None:
    assert chosen("length_weighted", [solution("5", 10), solution("7", 10), solution("7", 10)]) == 1


# markers


def test_markers_are_whole_words_in_any_case() -> None:
    hedges = pattern(("might", "I think", "not sure"))
    assert count(hedges, "It MIGHT be; mighty; i  think so. I'm not\nsure, almighty") == 3
    assert count(pattern(()), "might") == 0
    assert count(pattern(("a+b",)), "a+b and aab") == 1


def test_the_longest_marker_counts_where_several_begin() -> None:
    assert count(pattern(("let me", "let me check")), "let me check") == 1


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("a <think>b</think> c", "b"),
        ("b</think> c", "b"),
        ("a <think>b", "b"),
        ("all of it", "all of it"),
    ],
)
def test_only_the_thinking_part_is_searched(text: str, part: str) -> None:
    assert thinking_part(text, "<think>", "</think>") == part


def test_the_least_hesitant_half_votes() -> None:
    sure, unsure = (
        "First add, then multiply, therefore it is clear. ",
        "Wait, maybe it is not. Hmm, perhaps but I think so. ",
    )
    nodes = [solution("7", 20, text=unsure) for _ in range(3)] + [
        solution("5", 20, text=sure) for _ in range(3)
    ]
    assert chosen("majority", nodes + nodes[:1]) == 0
    assert chosen("marker_vote", nodes) == 3
    assert chosen("marker_vote", nodes, share=1.0) == 0


def test_the_lists_are_parameters() -> None:
    nodes = [solution("7", 10, text="banana banana "), solution("5", 10, text="maybe ")]
    assert chosen("marker_vote", nodes) == 0
    assert chosen("marker_vote", nodes, hedges=["banana"]) == 1
    assert {"maybe", "not sure"} <= set(MarkerVoteParams().hedges)


def test_markers_count_by_the_token() -> None:
    """Two markers in 100 tokens are less than one in 10."""
    nodes = [solution("7", 10, text="maybe "), solution("5", 100, text="maybe perhaps ")]
    assert chosen("marker_vote", nodes) == 1
