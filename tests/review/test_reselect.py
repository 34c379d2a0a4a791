"""Another final rule on a stored run: the same candidates, no model."""

from __future__ import annotations

from typing import Any

import pytest

from backend import problems
from backend.core.records import MemorySink
from backend.core.spec import RunSpec
from backend.core.steps import Step
from backend.core.types import Finish, Kind, Node, Score
from backend.judging.rules import SELECTORS
from backend.problems.classes import AnswerClasses
from backend.review.reselect import NOTHING, Reselection, reselect
from backend.review.stored_run import ChosenAnswer, Trace, own_choice
from backend.runs.control import Control
from backend.runs.driver import Outcome, run
from backend.runs.recorder import Recorder
from tests.support.fake_engine import FakeEngine

PROBLEM = problems.Problem("own", "own", None, None, "Which digit?", "7")
SIZES: dict[str, dict[str, Any]] = {
    "best_of_n": {"n": 12},
    "beam_search": {"n": 8, "beam_width": 4},
    "particle_filter": {"particles": 8},
    "mcts": {},
}


def grade(answer: str | None) -> problems.Grade:
    return problems.grade(PROBLEM, answer)


async def ran(strategy: str, selector: str | None, sink: MemorySink, **more: Any) -> Outcome:
    asked = {
        "strategy": strategy,
        "question": "Which digit?",
        "answer": "7",
        "verifier": "logprob",
        "selector": selector,
        "seed": 4,
        **more,
    }
    return await run(
        RunSpec.model_validate(asked),
        problem=PROBLEM,
        engine=FakeEngine(),
        reward=None,
        sink=sink,
        control=Control(),
        grade=problems.grade,
    )


def chosen_again(
    sink: MemorySink,
    selector: str,
    *,
    aggregation: Any = None,
    scorer: str = "logprob",
    **params: Any,
) -> Reselection:
    return reselect(
        Trace(sink.nodes, sink.events, scorer),
        SELECTORS[selector].with_params(params),
        AnswerClasses(),
        grade,
        aggregation,
    )


@pytest.mark.parametrize(
    "budget", [{}, {"model_calls": 9}, {"rounds": 2}], ids=["free", "calls", "rounds"]
)
@pytest.mark.parametrize("strategy", list(SIZES))
async def test_every_rule_chooses_what_a_run_by_that_rule_chooses(
    strategy: str, budget: dict[str, float]
) -> None:
    """One run by `best` is asked about every rule; for each rule a run of its own is the judge."""
    sink, params = MemorySink(), SIZES[strategy]
    outcome = await ran(strategy, "best", sink, params=params, budget=budget)
    assert own_choice(sink.events) == (
        None
        if outcome.answer is None
        else ChosenAnswer(outcome.chosen, outcome.answer, outcome.correct)
    )
    for selector in SELECTORS:
        judge = await ran(strategy, selector, MemorySink(), params=params, budget=budget)
        found = chosen_again(sink, selector)
        assert found.chosen == (
            None
            if judge.answer is None
            else ChosenAnswer(judge.chosen, judge.answer, judge.correct)
        ), selector


async def test_a_rollout_is_no_candidate_where_a_budget_ended_the_run() -> None:
    sink = MemorySink()
    outcome = await ran(
        "mcts", "best", sink, params={"value": "rollout", "children": 2}, budget={"model_calls": 7}
    )
    assert outcome.limit is not None and outcome.limit.axis == "model_calls"
    assert any(node.kind == "rollout" and node.finish == "end" for node in sink.nodes)
    found = chosen_again(sink, "first")
    assert found.candidates == len(
        [node for node in sink.nodes if node.kind == "step" and node.finish == "end"]
    )


class Written:
    """A trace of finished solutions, by the real recorder."""

    def __init__(self) -> None:
        self.sink = MemorySink()
        self.recorder = Recorder(self.sink)
        self.root = Node("<q>", (1,), kind=Kind.PROMPT)
        self.recorder.node(self.root)
        self.nodes: list[Node] = []
        self.values: list[float | None] = []

    def add(
        self, answer: str, value: float | None, *steps: float, finish: Finish = Finish.END
    ) -> Node:
        node = Node(
            f"\\boxed{{{answer}}}",
            (len(self.nodes),),
            (-0.5,),
            self.root,
            1,
            done=True,
            finish=finish,
            key=f"k{len(self.nodes)}",
        )
        self.recorder.node(node)
        self.recorder.score(
            "prm", node, Score(value, steps, reason=None if value is not None else "failed")
        )
        self.nodes.append(node)
        self.values.append(value)
        return node

    def end(self) -> MemorySink:
        self.recorder.step(Step(self.nodes, self.values), 0)
        self.recorder.flush()
        return self.sink


def test_best_by_last_min_product_and_mean_of_the_stored_steps() -> None:
    written = Written()
    written.add("1", 0.95, 0.1, 0.2, 0.95)
    written.add("2", 0.7, 0.7, 0.7, 0.7)
    written.add("3", 0.8, 0.65, 0.999, 0.8)
    written.add("4", 0.5, 0.999, 0.999, 0.5, 0.999)
    sink = written.end()
    found = {
        how: chosen_again(sink, "best", aggregation=how, scorer="prm").chosen
        for how in ("last", "min", "prod", "mean")
    }
    answers = {how: choice.answer for how, choice in found.items() if choice is not None}
    assert answers == {"last": "4", "min": "2", "prod": "3", "mean": "4"}
    own = chosen_again(sink, "best", scorer="prm").chosen
    assert own is not None and own.answer == "1"  # by the values that the run had


def test_the_weights_of_a_vote_are_aggregated_as_well() -> None:
    written = Written()
    written.add("1", 0.9, 0.1, 0.9)
    written.add("1", 0.9, 0.1, 0.9)
    written.add("2", 0.8, 0.8, 0.8)
    sink = written.end()
    by_last, by_min = (
        chosen_again(sink, "weighted", aggregation=how, scorer="prm") for how in ("last", "min")
    )
    assert by_last.chosen is not None and by_last.chosen.answer == "1"
    assert by_min.chosen is not None and by_min.chosen.answer == "2"
    assert by_min.confidence == pytest.approx(0.8)


def test_a_failed_score_stays_unscored_and_a_score_without_steps_stays_as_it_is() -> None:
    written = Written()
    written.add("1", None, 0.9)
    written.add("2", 0.3)
    found = chosen_again(written.end(), "best", aggregation="min", scorer="prm").chosen
    assert found is not None and found.answer == "2"


def test_ties_are_told_with_the_expected_credit() -> None:
    written = Written()
    for answer in ("3", "7", "7", "3", "5"):
        written.add(answer, 0.5)
    found = chosen_again(written.end(), "majority", scorer="prm")
    assert found.chosen == ChosenAnswer(1, "3", False)
    assert found.leaders == (1, 2)
    assert found.credit == pytest.approx(0.5)
    assert found.confidence == pytest.approx(0.4)
    assert found.candidates == 5


def test_a_list_that_was_begun_anew_replaces_the_old_one_if_it_has_candidates() -> None:
    """As the run itself does it: an empty list keeps the choice that was made before."""
    written = Written()
    first, second = written.add("1", 0.9), written.add("7", 0.2)
    recorder = written.recorder
    recorder.step(Step([first], [0.9]), 0)
    recorder.step(Step([second], [0.2]), 0)
    recorder.step(Step([], []), 0)
    recorder.flush()
    found = chosen_again(written.sink, "best", scorer="prm")
    assert found.chosen == ChosenAnswer(2, "7", True)
    assert found.candidates == 1


def test_texts_that_were_cut_off_are_no_candidates_here_either() -> None:
    written = Written()
    written.add("1", 0.9, finish=Finish.ABORTED)
    written.add("2", 0.8, finish=Finish.BUDGET)
    assert chosen_again(written.end(), "majority", scorer="prm") == NOTHING


def test_a_run_without_anything_has_no_choice() -> None:
    assert chosen_again(MemorySink(), "rpc") == NOTHING
    assert own_choice([]) is None
