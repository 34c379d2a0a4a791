"""Verifiers: one score a node, a reason where there is none."""

from __future__ import annotations

import math
import random
from dataclasses import replace

import pytest

from backend import problems
from backend.core.errors import BadInput, MissingCapability
from backend.core.splitting import AT_BLANK_LINES
from backend.core.types import Kind, Node, Score
from backend.engines.scripted.engine import ScriptedEngine, ScriptedRewardModel
from backend.judging.aggregation import aggregate
from backend.judging.scorers import VERIFIERS, VerifierInputs
from backend.judging.verifiers.exact import ExactVerifier
from backend.judging.verifiers.logprob import LogprobVerifier
from backend.judging.verifiers.prm import ProcessRewardVerifier

ROOT = Node("question", kind=Kind.PROMPT)


def path(*texts: str, logprobs: tuple[float, ...] | None = None, done: bool = False) -> Node:
    node = ROOT
    for i, text in enumerate(texts):
        node = Node(
            text, parent=node, depth=i + 1, logprobs=logprobs, done=done and i == len(texts) - 1
        )
    return node


def length_scores(question: str, steps: tuple[str, ...]) -> list[float]:
    return [len(step) / 10 for step in steps]


def test_steps_are_what_stands_between_delimiters() -> None:
    assert AT_BLANK_LINES.split(["a.\n\n b \n\n\n\nc"]) == ("a.", "b", "c")
    assert AT_BLANK_LINES.split(["\n\n \n\n"]) == ()
    assert (
        AT_BLANK_LINES.split(["a.\n\nb.\n\n"]) == AT_BLANK_LINES.split(["a.\n\nb."]) == ("a.", "b.")
    ), "a delimiter at the end begins no step"


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, -0.01, 1.01])
def test_what_is_no_number_from_zero_to_one_is_no_score_and_says_so(value: float) -> None:
    score = Score(value)
    assert (
        score.value is None
        and score.reason == f"the verifier returned {value!r}, accepted: a number in [0, 1]"
    )
    assert (Score(0.0).value, Score(1.0).value, Score(0.0).reason) == (0.0, 1.0, None)


@pytest.mark.parametrize(
    ("how", "value"), [("last", 0.5), ("min", 0.2), ("prod", 0.08), ("mean", 0.5)]
)
def test_aggregations(how: str, value: float) -> None:
    assert aggregate([0.2, 0.8, 0.5], how) == pytest.approx(value)  # type: ignore[arg-type]


async def test_each_node_gets_the_scores_of_its_whole_path() -> None:
    verifier = ProcessRewardVerifier(ScriptedRewardModel(length_scores), "q", aggregation="min")
    root, first, second = await verifier.score([ROOT, path("abc\n\n"), path("abc\n\n", "ab\n\n")])
    assert root.value is None and root.reason
    assert (first.value, first.steps) == (0.3, (0.3,))
    assert (second.value, second.steps) == (0.2, (0.3, 0.2))
    assert verifier.tokens.tokens > 0


async def test_a_step_score_that_is_no_probability_spoils_the_path_wherever_it_stands() -> None:
    verifier = ProcessRewardVerifier(
        ScriptedRewardModel(lambda question, steps: [math.nan, 0.5][: len(steps)]),
        "q",
        aggregation="last",
    )
    first, second = await verifier.score([path("a\n\n"), path("a\n\n", "b\n\n")])
    assert first.value is second.value is None and first.steps == second.steps == ()
    assert (
        first.reason
        == second.reason
        == "the reward model gave a step the score nan; accepted: 0 to 1"
    )


async def test_a_failed_score_is_none_with_the_models_reason() -> None:
    reward = ScriptedRewardModel(
        length_scores, failure=lambda solution: "too long" if len(solution.steps) > 1 else None
    )
    good, bad = await ProcessRewardVerifier(reward, "q").score([path("abc"), path("abc\n\n", "ab")])
    assert good.value == 0.3 and (bad.value, bad.reason) == (None, "too long")


@pytest.mark.parametrize("name", ["ledger", "countdown", "procedure"])
async def test_the_oracle_scores_a_teachers_steps_one_and_garbage_zero(name: str) -> None:
    problem = problems.problem(f"{name}/2/1000003")
    steps = problems.SETS[name].solution(problem, random.Random(0))
    verifier = ExactVerifier(problem)
    good, bad = await verifier.score(
        [path(*(s + "\n\n" for s in steps)), path(steps[0] + "\n\n", "Blub blub.\n\n")]
    )
    assert good.value == 1.0 and good.steps == (1.0,) * len(steps)
    assert bad.value == 0.0 and bad.steps == (1.0, 0.0) and bad.reason


async def test_the_oracle_waits_for_the_answer_where_steps_cannot_be_checked() -> None:
    problem = problems.Problem("file:x/1", "file:x", None, None, "1 + 1?", "2")
    unfinished, right, wrong = await ExactVerifier(problem).score(
        [path("1 + 1"), path("So \\boxed{2}", done=True), path("So \\boxed{3}", done=True)]
    )
    assert unfinished.value is None and unfinished.reason
    assert (right.value, wrong.value) == (1.0, 0.0)


async def test_confidence_is_the_geometric_mean_over_all_sampled_tokens() -> None:
    verifier = LogprobVerifier()
    child = Node("b", parent=path("a", logprobs=(-1.0, -2.0)), depth=2, logprobs=(-6.0,))
    none, both = await verifier.score([ROOT, child])
    assert none.value is None and none.reason
    assert both.value == pytest.approx(math.exp(-3.0)) and both.steps == pytest.approx(
        (math.exp(-1.5), math.exp(-6.0))
    )


def test_each_verifier_in_the_catalogue_can_be_built() -> None:
    problem = problems.problem("ledger/1/1000001")
    for entry in VERIFIERS.values():
        assert entry.summary and entry.card.title
        entry.build(VerifierInputs(problem=problem, reward=ScriptedRewardModel()))
    with pytest.raises(MissingCapability, match="the verifier prm needs a process reward model"):
        VERIFIERS["prm"].build(VerifierInputs(problem=problem))
    with pytest.raises(BadInput, match="prm, exact, logprob"):
        VERIFIERS["psychic"]
    with pytest.raises(BadInput, match=r"parameter depth of the verifier exact.*no parameters"):
        VERIFIERS["exact"].build(VerifierInputs(problem=problem), {"depth": 2})


def test_what_a_verifier_needs_is_refused_by_the_first_thing_that_lacks() -> None:
    mute = ScriptedEngine().info
    mute = replace(mute, capabilities=replace(mute.capabilities, logprobs=False))
    VERIFIERS["prm"].require(known=False, engine=mute)
    VERIFIERS["logprob"].require(reward=False, known=False)
    with pytest.raises(MissingCapability, match="exact needs a problem whose answer is known"):
        VERIFIERS["exact"].require(known=False)
    with pytest.raises(MissingCapability, match="needs log-probabilities, which scripted does"):
        VERIFIERS["logprob"].require(engine=mute)


def test_the_product_of_many_steps_keeps_its_order_and_0_is_left_to_a_step_of_0() -> None:
    scores = [aggregate([0.01] * steps, "prod") for steps in (100, 153, 155, 162, 200, 5000)]
    assert scores == sorted(scores, reverse=True) and len(set(scores)) == len(scores)
    assert min(scores) > 0.0 == aggregate([0.01] * 200 + [0.0], "prod")
