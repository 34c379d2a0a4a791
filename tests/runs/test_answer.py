"""The answer a run would give if it stopped now."""

from __future__ import annotations

from backend.core.steps import Step
from backend.core.types import Finish, Node
from backend.judging.rules import SELECTORS
from backend.problems.extraction import Extraction, ReadBy
from backend.runs.answer import Candidates

ROOT = Node("question")


def leaf(text: str, finish: Finish = Finish.END, done: bool = True) -> Node:
    return Node(text, parent=ROOT, depth=1, done=done, finish=finish)


def after_equals(text: str) -> Extraction:
    answer = text.rpartition("=")[2] or None if "=" in text else None
    return Extraction(answer, ReadBy.MARKER, 0, len(text))


def candidates() -> Candidates:
    return Candidates(SELECTORS["best"], after_equals)


def test_an_unfinished_node_is_no_candidate() -> None:
    assert candidates().update(Step([leaf("x=1", Finish.STEP, done=False)], [1.0])) is None


def test_the_better_candidate_takes_over_and_the_change_is_told_once() -> None:
    standing, first, second = candidates(), leaf("x=1"), leaf("x=2")
    assert standing.update(Step([first], [0.3])).answer == "1"
    assert standing.update(Step([first, second], [0.3, 0.9])).answer == "2"
    assert standing.update(Step([first, second], [0.3, 0.9])) is None


def test_a_length_end_counts_only_with_a_readable_answer() -> None:
    standing = candidates()
    assert standing.update(Step([leaf("no answer", Finish.LENGTH)], [0.9])) is None
    assert standing.update(Step([leaf("x=4", Finish.LENGTH)], [0.1])).answer == "4"


def test_aborted_and_budget_cut_texts_never_answer() -> None:
    standing = candidates()
    assert (
        standing.update(Step([leaf("x=1", Finish.ABORTED), leaf("x=2", Finish.BUDGET)], [0.9, 0.8]))
        is None
    )


def test_a_list_that_only_grows_is_read_from_where_it_was_left() -> None:
    standing = candidates()
    nodes, values = [leaf("x=1")], [0.5]
    standing.update(Step(nodes, values))
    nodes.append(leaf("x=2"))
    values.append(0.7)
    step = Step(nodes, values)
    assert standing.count_listed(step) == 1
    assert standing.update(step).answer == "2"


def test_a_fresh_list_forgets_the_candidates_of_the_old_one() -> None:
    standing = candidates()
    standing.update(Step([leaf("x=1")], [0.9]))
    assert standing.update(Step([leaf("x=2")], [0.1])).answer == "2"


def test_finished_nodes_that_no_step_reported_still_take_part() -> None:
    standing, reported = candidates(), leaf("x=1")
    standing.update(Step([reported], [0.2]))
    assert standing.finish([(reported, 0.2), (leaf("x=3"), 0.8)]).answer == "3"


def test_a_candidate_that_a_later_step_no_longer_lists_does_not_come_back_at_the_end() -> None:
    standing, dropped = candidates(), leaf("x=1")
    standing.update(Step([dropped], [0.9]))
    standing.update(Step([leaf("x=2")], [0.1]))
    assert standing.finish([(dropped, 0.9)]) is None
    assert standing.standing is not None and standing.standing.answer == "2"


def test_a_candidate_that_is_handed_in_again_does_not_vote_twice() -> None:
    standing, one, more = (
        Candidates(SELECTORS["majority"], after_equals),
        leaf("x=1"),
        [leaf("x=2"), leaf("y=2")],
    )
    standing.update(Step([one], [None]))
    standing.finish([(one, None), (one, None), *((node, None) for node in more)])
    assert standing.standing.answer == "2" and len(standing.pool) == 3
