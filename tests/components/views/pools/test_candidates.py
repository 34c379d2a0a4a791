"""Answers to choose from: grouped, counted and weighed as the final rule does it."""

from __future__ import annotations

import pytest

from backend.core.events import LimitReached
from backend.core.steps import Step
from backend.core.types import Finish, Node
from components.run.log import answer_of
from components.views.pools.candidates import (
    BEST,
    SHOWN,
    VOTES,
    WEIGHT,
    Candidate,
    CandidateClass,
    CandidateInfo,
    candidate_figure,
    candidate_info,
    candidates,
)
from tests.components.traced import Seen, searched, seen
from tests.pages.traces import Writer

SOLUTIONS = (("24", 0.5), ("7", 0.9), ("24.0", 0.25), ("24", None), (None, 0.8))


def solution(run: Writer, answer: str | None, finish: Finish = Finish.END) -> Node:
    text = "no idea" if answer is None else f"so \\boxed{{{answer}}}"
    node = Node(text, (1,), (-0.1,), run.root, 1, True, finish)
    run.recorder.node(node)
    return node


def voted() -> Seen:
    """Five solutions, told one by one in a growing list; the last answer given is 7."""
    run = Writer(0)
    nodes: list[Node] = []
    values: list[float | None] = []
    for answer, value in SOLUTIONS:
        nodes.append(solution(run, answer))
        values.append(value)
        run.recorder.step(Step(nodes, values), len(nodes) - 1)
    run.answer(nodes[1], "7")
    return seen(run.end())


def info(of: Seen, rule: str) -> CandidateInfo:
    return candidate_info(of.rows, candidates(of.rows, of.events), answer_of, rule)


def test_equal_answers_are_one_class_with_its_votes_and_weight() -> None:
    found = info(voted(), "majority")
    assert found.classes == (
        CandidateClass("24", 3, 0.75, 0.5, 1, False),
        CandidateClass("7", 1, 0.9, 0.9, 2, True),
    )
    assert (found.measure, found.unread, found.omitted) == (VOTES, 1, 0)


@pytest.mark.parametrize(
    ("rule", "first", "measure"),
    [
        ("majority", "24", VOTES),
        ("weighted", "7", WEIGHT),
        ("best", "7", BEST),
        ("new", "24", VOTES),
    ],
)
def test_the_strongest_class_by_the_rule_comes_first(rule: str, first: str, measure: str) -> None:
    found = info(voted(), rule)
    assert (found.classes[0].answer, found.measure) == (first, measure)


def test_among_equals_the_rules_look_at_what_came_first() -> None:
    run = Writer(0)
    nodes = [solution(run, answer) for answer in ("1", "2", "1")]
    run.recorder.step(Step(nodes, [0.2, 0.9, 0.9]), 0)
    of = seen(run.end())
    assert [one.answer for one in info(of, "best").classes] == ["2", "1"]
    nodes.append(solution(run, "2"))
    run.recorder.step(Step(nodes, [0.5] * 4), 0)
    assert [one.answer for one in info(seen(run.end()), "weighted").classes] == ["1", "2"]


def test_at_a_moment_only_the_candidates_of_that_moment_count() -> None:
    whole = voted()
    second = [event.seq for event in whole.events if event.kind == "step"][1]
    assert candidates(whole.rows, whole.events, second) == [Candidate(1, 0.5), Candidate(2, 0.9)]


def test_a_list_that_begins_anew_replaces_the_one_before() -> None:
    run = Writer(0)
    first, second = solution(run, "1"), solution(run, "2")
    run.recorder.step(Step([first, first], [0.1, 0.1]), 0)
    run.recorder.step(Step([second, first, second], [0.4, 0.3, 0.4]), 0)
    whole = seen(run.end())
    assert candidates(whole.rows, whole.events) == [
        Candidate(2, 0.4),
        Candidate(1, 0.3),
        Candidate(2, 0.4),
    ]


def test_cut_texts_are_no_candidates() -> None:
    run = Writer(0)
    nodes = [
        solution(run, "1", finish)
        for finish in (Finish.ABORTED, Finish.BUDGET, Finish.LENGTH, Finish.END)
    ]
    run.recorder.step(Step([*nodes, run.root], [0.5] * 5), 0)
    whole = seen(run.end())
    assert [candidate.node for candidate in candidates(whole.rows, whole.events)] == [3, 4]


def test_after_a_spent_budget_finished_nodes_count_that_no_step_has_told() -> None:
    run = Writer(0)
    told, untold = solution(run, "1"), solution(run, "2")
    run.recorder.step(Step([told], [0.5]), 0)
    run.score([untold])
    run.recorder.add(LimitReached("generated_tokens", 10.0))
    whole = seen(run.end())
    assert candidates(whole.rows, whole.events) == [
        Candidate(1, 0.5),
        Candidate(2, whole.rows[2].score),
    ]


def test_bars_are_as_long_as_what_the_rule_compares() -> None:
    for rule, lengths in (("majority", [3, 1]), ("weighted", [0.9, 0.75]), ("best", [0.9, 0.5])):
        figure = candidate_figure(info(voted(), rule))
        assert list(figure.data[0].x) == lengths
    assert list(figure.layout.yaxis.ticktext) == ["\u2605 7", "24"] and [
        entry[0] for entry in figure.data[0].customdata
    ] == [2, 1]
    assert figure.data[0].text == ("1 vote, sum 0.90, best 0.900", "3 votes, sum 0.75, best 0.500")


def test_hostile_and_long_answers_are_plain_labels_that_stay_apart() -> None:
    classes = tuple(CandidateClass("<b>" + "x" * 60 + end, 1, 0.0, None, 1, False) for end in "ab")
    figure = candidate_figure(
        CandidateInfo((*classes, CandidateClass("\u202e1", 1, 0.0, None, 2, False)), VOTES, 0, 0)
    )
    assert len(set(figure.data[0].y)) == 3
    assert all("<" not in label and "\u202e" not in label for label in figure.layout.yaxis.ticktext)


def test_many_answers_are_cut_to_the_strongest() -> None:
    run = Writer(0)
    nodes = [solution(run, str(at)) for at in range(SHOWN + 5)]
    run.recorder.step(Step(nodes, [at / 100 for at in range(SHOWN + 5)]), 0)
    found = info(seen(run.end()), "best")
    assert (len(found.classes), found.omitted, found.classes[0].answer) == (
        SHOWN,
        5,
        str(SHOWN + 4),
    )


def test_without_any_score_a_rule_by_score_shows_votes() -> None:
    run = Writer(0)
    run.recorder.step(Step([solution(run, "1"), solution(run, "1")], [None, None]), 0)
    found = info(seen(run.end()), "best")
    assert (found.measure, found.classes[0].votes, found.classes[0].best) == (VOTES, 2, None)
    assert candidate_figure(found).data[0].text == ("2 votes",)


def test_an_empty_run_has_an_empty_chart() -> None:
    candidate_figure(info(Seen([], []), "best"))


@pytest.mark.parametrize("rule", ["best", "majority", "weighted"])
@pytest.mark.parametrize(
    "strategy", ["best_of_n", "beam_search", "dvts", "particle_filter", "mcts"]
)
@pytest.mark.parametrize("budget", [{}, {"model_calls": 14}], ids=["free", "limited"])
async def test_the_answer_of_a_real_run_is_its_strongest_class(
    strategy: str, rule: str, budget: dict[str, float]
) -> None:
    size = {"mcts": {"simulations": 12}, "particle_filter": {"particles": 8}}.get(
        strategy, {"n": 8}
    )
    found = info(await searched(strategy, selector=rule, params=size, budget=budget, seed=3), rule)
    assert found.classes or budget
    assert not found.classes or found.classes[0].chosen
    assert sum(one.chosen for one in found.classes) <= 1
