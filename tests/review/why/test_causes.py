"""Causes one by one, on runs made so that they occur, and the numbers and words that are told of
them."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from backend import problems
from backend.core.errors import EngineFailure
from backend.core.events import AnswerChanged, Jumped, Pruned, ScoreGiven
from backend.core.ports import Solution, StepScores
from backend.core.records import MemorySink
from backend.core.spec import RunSpec
from backend.engines.scripted.engine import ScriptedEngine, ScriptedRewardModel
from backend.engines.torch.engine import TorchEngine, TorchRewardModel
from backend.judging.rules import SELECTORS
from backend.problems.base import Grade, Problem
from backend.problems.classes import AnswerClasses
from backend.review.reselect import candidates
from backend.review.stored_run import Trace, own_choice
from backend.review.why.death import Cause, Death, SearchCase, death
from backend.runs.control import Control
from backend.runs.driver import rule_of, run
from tests.review.test_reselect import Written
from tests.review.why.brute import verdict
from tests.review.why.searches import asked, traced
from tests.support.logged import of, rows

CLASSROOM = Path(problems.__file__).parents[1] / "classroom"
OWN = Problem("own", "own", None, None, "How many?", "53")
OWN_SPEC: dict[str, Any] = {
    "strategy": "best_of_n",
    "question": "How many?",
    "answer": "53",
    "engine": "scripted",
    "verifier": "logprob",
}


def undecided(problem: Problem, answer: str | None) -> Grade:
    return Grade(None, "undecided")


def case(
    sink: MemorySink,
    spec: RunSpec,
    problem: Problem,
    *,
    status: str = "finished",
    grade: Any = problems.grade,
) -> SearchCase:
    trace, rule, classes = (
        Trace(sink.nodes, sink.events, spec.verifier),
        rule_of(spec),
        AnswerClasses(),
    )
    pool = candidates(trace, rule, classes).pool
    return SearchCase(
        trace,
        problem,
        lambda answer: grade(problem, answer),
        pool,
        classes,
        own_choice(sink.events),
        rule.name,
        status,
    )


async def own(
    texts: Sequence[tuple[str, float]],
    problem: Problem = OWN,
    grade: Any = problems.grade,
    **more: Any,
) -> Death:
    """A run on a question of one's own, on an engine that writes one of some texts."""
    spec, sink = RunSpec.model_validate({**OWN_SPEC, **more}), MemorySink()
    engine, reward = ScriptedEngine({"": texts}), ScriptedRewardModel()
    await run(
        spec,
        problem=problem,
        engine=engine,
        reward=reward,
        sink=sink,
        control=Control(),
        grade=grade,
    )
    return death(case(sink, spec, problem, grade=grade))


async def test_nothing_is_said_of_a_problem_without_a_known_answer() -> None:
    found = await own(
        [("\\boxed{7}<end>", 1.0)],
        Problem("own", "own", None, None, "How many?", None),
        answer=None,
    )
    assert (found.cause, found.node, found.seq) == (Cause.UNKNOWN, None, None)


@pytest.mark.parametrize("problem", ["ledger/1/3", None], ids=["a checker of steps", "none"])
def test_a_run_that_ended_before_its_first_node_generated_nothing(problem: str | None) -> None:
    of = OWN if problem is None else problems.problem(problem)
    found = death(case(MemorySink(), RunSpec.model_validate(OWN_SPEC), of, status="crashed"))
    assert (found.cause, found.node, found.seq) == (
        Cause.NEVER_GENERATED,
        None,
        None,
    ) and "before anything was written" in found.sentence


async def test_an_answer_that_nobody_can_grade_is_not_extracted() -> None:
    found = await own([("\\boxed{x}<end>", 1.0)], grade=undecided)
    assert (found.cause, found.reason, found.evidence) == (
        Cause.NOT_EXTRACTED,
        "the grade is undecided",
        None,
    )
    assert "could not be decided whether that equals 53" in found.sentence


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("So there are 53.<end>", True),
        ("So there are 530 of 53.5.<end>", False),
        ("So none.<end>", False),
    ],
)
async def test_a_text_that_names_the_right_answer_where_none_is_read_is_not_extracted(
    text: str, expected: bool
) -> None:
    found = await own([(text, 1.0)])
    assert (found.cause, found.evidence) == (
        (Cause.NOT_EXTRACTED, "mentioned") if expected else (Cause.NEVER_GENERATED, None)
    )


async def test_an_answer_of_any_length_stands_in_a_short_line() -> None:
    told = await own(
        [("\\boxed{" + "x \n" * 4000 + "}<end>", 1.0)],
        params={"n": 1},
        sampling={"max_tokens": 30_000},
        grade=undecided,
    )
    assert (
        told.cause is Cause.NOT_EXTRACTED and len(told.sentence) < 250 and "\n" not in told.sentence
    )


async def test_without_a_checker_wrong_texts_mean_never_and_no_finished_text_means_cut_off() -> (
    None
):
    found = await own([("The answer is \\boxed{35}.<end>", 1.0)])
    assert (found.cause, found.evidence) == (Cause.NEVER_GENERATED, None)
    assert (
        found.sentence
        == "The right answer 53 was never written: none of 4 finished texts gives it."
    )
    cut = await own(
        [("Let us count for a long time before we say it.<end>", 1.0)],
        budget={"generated_tokens": 70},
    )
    assert (cut.cause, cut.reason, cut.evidence) == (Cause.CUT_OFF, "generated_tokens", None)
    assert "the budget of generated tokens" in cut.sentence


async def test_a_right_text_whose_end_the_budget_cut_off_was_cut_off_and_not_passed_over() -> None:
    found = await own(
        [("The answer is \\boxed{53}, which anybody can see at once.<end>", 1.0)],
        params={"n": 1},
        budget={"generated_tokens": 32},
    )
    assert (found.cause, found.evidence, found.node) == (Cause.CUT_OFF, "finished", 1)


async def test_a_run_that_somebody_stopped_was_cut_off() -> None:
    spec = asked("stepwise_best_of_n", "ledger/1/3", {"n": 2})
    sink, slow = MemorySink(), ScriptedEngine({"": [("Ben", 1.0)]}, token_seconds=30.0)
    models: dict[str, Any] = {"engine": slow, "reward": ScriptedRewardModel()}
    going = run(
        spec,
        problem=problems.problem("ledger/1/3"),
        sink=sink,
        control=Control(),
        grade=problems.grade,
        **models,
    )
    task = asyncio.create_task(going)
    while not sink.nodes:  # noqa: ASYNC110  (the run tells nobody)
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    found = death(case(sink, spec, problems.problem("ledger/1/3"), status="cancelled"))
    assert (found.cause, found.note, found.reason) == (Cause.CUT_OFF, "status", "cancelled")
    assert (
        found.sentence
        == "The search was cut off by somebody who stopped the run before a first step was written."
    )


class BrokenRewardModel(ScriptedRewardModel):
    """Has run out of memory."""

    async def score(self, solutions: Sequence[Solution]) -> list[StepScores]:
        raise EngineFailure("out of memory")


async def test_a_run_whose_verifier_failed_was_cut_off_by_the_failure() -> None:
    problem = problems.problem("countdown/1/2")
    spec, sink = asked("stepwise_best_of_n", problem.id, {"n": 2}), MemorySink()
    right = problems.SETS["countdown"].solution(problem, random.Random(1))[0] + "\n\n"
    failing, engine = (
        BrokenRewardModel(),
        ScriptedEngine({"": [(right, 1.0)]}),
    )
    with pytest.raises(EngineFailure):
        await run(
            spec,
            problem=problem,
            engine=engine,
            reward=failing,
            sink=sink,
            control=Control(),
            grade=problems.grade,
        )
    found = death(case(sink, spec, problem, status="failed"))
    assert (found.cause, found.reason, found.node, found.step) == (Cause.CUT_OFF, "failed", 1, 1)


def chosen_by(rule: str) -> Death:
    """Seven finished texts, of which the fourth and the sixth are right; every rule here prefers
    another one."""
    written = Written()
    for answer, value in (
        ("3", 0.9),
        ("3", 0.9),
        ("5", 0.2),
        ("53", 0.6),
        ("3", 0.3),
        ("53", 0.8),
        ("5", 0.1),
    ):
        written.add(answer, value)
    sink = written.end()
    written.recorder.add(AnswerChanged(written.recorder.id_of(written.nodes[0]), "3", False))
    written.recorder.flush()
    trace, classes = Trace(sink.nodes, sink.events, "prm"), AnswerClasses()
    pool = candidates(trace, SELECTORS[rule], classes).pool
    return death(
        SearchCase(
            trace,
            OWN,
            lambda answer: problems.grade(OWN, answer),
            pool,
            classes,
            own_choice(sink.events),
            rule,
            "finished",
        )
    )


@pytest.mark.parametrize(
    ("rule", "node", "measure", "value", "cut"),
    [
        ("best", 6, "score", 0.8, 0.9),
        ("majority", 4, "votes", 2.0, 3.0),
        ("weighted", 4, "sum of scores", 1.4, 2.1),
        ("mean_score", 4, "mean score", 0.7, 0.7),
        ("first", 4, "place in order of finishing", 4.0, 1.0),
        ("shortest", 4, "tokens", 1.0, 1.0),
        ("softmax", 4, "votes", 2.0, 3.0),
    ],
)
def test_a_rule_is_told_by_what_it_goes_by(
    rule: str, node: int, measure: str, value: float, cut: float
) -> None:
    found = chosen_by(rule)
    assert (found.cause, found.node, found.measure, found.reason) == (
        Cause.NOT_CHOSEN,
        node,
        measure,
        rule,
    )
    assert (found.value, found.cut) == pytest.approx((value, cut))
    assert f"the rule {rule} chose node 1 with 3" in found.sentence
    assert ("which came first" in found.sentence) == (found.value == found.cut)


async def test_the_numbers_of_a_dropped_node_are_those_of_its_score_and_of_the_cut() -> None:
    """In a beam of one of two next steps the worse one is dropped; the script's two openings are
    right and wrong."""
    for seed in range(40):
        spec = asked("stepwise_best_of_n", "countdown/1/7", {"n": 2}, seed=seed)
        sink = await traced(spec)
        found = death(case(sink, spec, problems.problem("countdown/1/7")))
        if found.note == "pruned":
            break
    assert found.seq is not None and found.node is not None
    pruned = sink.events[found.seq].body
    scores = {given.node: given.value for given in of(ScoreGiven, sink.events)}
    assert isinstance(pruned, Pruned) and found.node in pruned.nodes
    assert (found.value, found.cut) == (scores[found.node], pruned.cut)
    assert found.sentence.endswith(
        f"pruned, another next step scored higher (score {found.value:.3g} against "
        f"{found.cut:.3g})."
    )


async def test_an_open_node_is_told_apart_by_whether_the_search_went_elsewhere_or_ended_at_it() -> (
    None
):
    told: dict[str, bool] = {}
    for seed in (5, 7, 10):
        spec = asked(
            "global_frontier",
            f"countdown/2/{seed}",
            {"width": 2, "expansions": 2, "finish": "none"},
            seed=seed,
        )
        sink = await traced(spec, authors=3)
        found = death(case(sink, spec, problems.problem(f"countdown/2/{seed}")))
        if found.note == "jumped":
            assert found.seq is not None
            jumped = sink.events[found.seq].body
            assert isinstance(jumped, Jumped)
            told[found.reason] = jumped.node == found.node
    assert told == {
        "the search ended before it was expanded": True,
        "the search went on elsewhere": False,
    }


@pytest.mark.classroom
async def test_searches_of_the_shipped_models_agree_with_a_walk_through_their_events() -> None:
    searches = {
        "best_of_n": {"n": 3},
        "stepwise_best_of_n": {"n": 2},
        "particle_filter": {"particles": 3},
        "a_star": {"branching": 2, "expansions": 4},
    }
    engine, reward = (
        TorchEngine.load(CLASSROOM / "policy", threads=1),
        TorchRewardModel.load(CLASSROOM / "prm", threads=1),
    )
    try:
        for place, (name, params) in enumerate(searches.items()):
            spec, sink = (
                RunSpec(
                    strategy=name, params=params, problem=f"ledger/4/{1000004 + place}", seed=place
                ),
                MemorySink(),
            )
            problem = problems.problem(spec.problem or "")
            await run(
                spec,
                problem=problem,
                engine=engine,
                reward=reward,
                sink=sink,
                control=Control(),
                grade=problems.grade,
            )
            assert (
                death(case(sink, spec, problem)).cause
                == verdict(sink.nodes, rows(sink.events), problem).cause
            ), name
    finally:
        await engine.close()
        await reward.close()
