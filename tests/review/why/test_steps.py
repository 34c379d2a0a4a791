"""The first wrong step, by the exact checker."""

from __future__ import annotations

import random
from typing import NamedTuple

import pytest

from backend import problems
from backend.core.records import MemorySink
from backend.core.types import Finish, Kind, Node, Score
from backend.problems import SETS
from backend.review.stored_run import Trace
from backend.review.why.steps import first_wrong, judge_steps, steps_of_path
from backend.runs.recorder import Recorder


class StoredScore(NamedTuple):
    """A verifier's opinion of a node, the score of the path being that of its last step."""

    node: int
    steps: tuple[float, ...]


def with_scores(trace: Trace, *scores: StoredScore) -> Trace:
    """The trace with a log that holds these scores."""
    sink = MemorySink()
    recorder = Recorder(sink)
    recorder.node(trace.nodes[-1])
    for place, steps in scores:
        recorder.score("prm", trace.nodes[place], Score(steps[-1], steps))
    recorder.flush()
    return Trace(sink.nodes, sink.events, "prm")


def chain(pieces: list[str]) -> Trace:
    """A path of nodes with these texts, below a prompt, by the real recorder."""
    sink = MemorySink()
    recorder, node = Recorder(sink), Node("<q>", (1,), kind=Kind.PROMPT)
    for place, piece in enumerate(pieces):
        last = place == len(pieces) - 1
        node = Node(
            piece,
            (1,),
            None,
            node,
            place + 1,
            last,
            Finish.END if last else Finish.STEP,
            key=str(place),
        )
    recorder.node(node)
    recorder.flush()
    return Trace(sink.nodes, sink.events, "")


@pytest.mark.parametrize("name", list(SETS))
def test_the_first_wrong_step_of_every_pupil_is_the_checkers_first_and_names_its_node(
    name: str,
) -> None:
    problem, known, wrong = problems.problem(f"{name}/2/5"), SETS[name], 0
    for pupil in known.pupils:
        steps = known.solution(problem, random.Random(3), pupil)
        verdicts = known.check(problem, steps)
        expected = next((place for place, verdict in enumerate(verdicts) if not verdict.ok), None)
        for pieces in ([step + "\n\n" for step in steps], ["\n\n".join(steps)]):
            trace = chain(pieces)
            told = judge_steps(trace, trace.nodes[-1], problem)
            assert told is not None and [one.text for one in told] == steps
            found = first_wrong(told)
            if expected is None:
                assert found is None
            else:
                assert found is not None and (found.step, found.kind) == (
                    expected + 1,
                    verdicts[expected].kind,
                )
                assert found.node == (expected + 1 if len(pieces) > 1 else 1)
        wrong += expected is not None
    assert wrong > 1


def test_a_slip_that_was_repaired_is_not_the_first_wrong_step() -> None:
    problem = problems.problem("ledger/2/5")
    steps = SETS["ledger"].self_correction(problem, random.Random(2))
    assert not all(verdict.ok for verdict in SETS["ledger"].check(problem, steps))
    trace = chain(["\n\n".join(steps)])
    assert first_wrong(judge_steps(trace, trace.nodes[-1], problem) or []) is None
    trace = chain(["\n\n".join([*steps[:-1], "The answer is \\boxed{1000}."])])
    found = first_wrong(judge_steps(trace, trace.nodes[-1], problem) or [])
    assert found is not None and found.step == len(steps)


def test_a_step_has_the_score_of_its_own_or_else_a_node_that_of_its_end() -> None:
    """Two nodes, the first with two steps: scored one by one, only as paths, and not at all."""
    scored = chain(["a\n\nb\n\n", "c"])
    each = with_scores(scored, StoredScore(2, (0.9, 0.8, 0.7)))
    assert [step.score for step in steps_of_path(each, each.nodes[2])] == [0.9, 0.8, 0.7]
    paths = with_scores(scored, StoredScore(1, (0.5,)), StoredScore(2, (0.3,)))
    told = steps_of_path(paths, paths.nodes[2])
    assert [(paths.ids[step.node], step.text, step.score) for step in told] == [
        (1, "a", None),
        (1, "b", 0.5),
        (2, "c", 0.3),
    ]
    assert [step.score for step in steps_of_path(scored, scored.nodes[2])] == [None, None, None]
    assert steps_of_path(scored, scored.nodes[0]) == []


def test_a_set_without_a_checker_has_no_verdicts() -> None:
    trace = chain(["x"])
    assert (
        judge_steps(trace, trace.nodes[-1], problems.Problem("own", "own", None, None, "?", "1"))
        is None
    )
