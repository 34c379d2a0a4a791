"""The driver: strategy, models, budget and trace meet, and every end of a run is a recorded one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest
from msgspec.structs import replace as changed

from backend import problems
from backend.core.errors import (
    BadInput,
    EngineFailure,
    MissingCapability,
    PassingFailure,
    VerifierFailure,
)
from backend.core.events import AnswerChanged, LimitReached, ScoreGiven, StatusChanged
from backend.core.limits import Limit
from backend.core.ports import Capabilities, RewardModel, VerifierTokens
from backend.core.records import MemorySink
from backend.core.registry import STRATEGIES
from backend.core.spec import RunSpec
from backend.core.types import Node, Score
from backend.engines.scripted.engine import ScriptedEngine, ScriptedRewardModel
from backend.runs.budget import Meter
from backend.runs.context import RunContext
from backend.runs.control import Control
from backend.runs.driver import Outcome, manifest, rule_of, run
from backend.runs.paid import NOTHING_PAID, PaidScore, alternatives_from, index_paid
from backend.runs.recorder import Recorder
from backend.runs.verifier import LiveVerifier
from backend.runs.versions import with_versions
from tests import golden
from tests.support.fake_engine import FakeEngine
from tests.support.logged import of, rows

PROBLEM = problems.Problem("own", "own", None, None, "Which digit?", "7")


def spec(strategy: str = "best_of_n", **more) -> RunSpec:
    return RunSpec(
        strategy=strategy, question="Which digit?", answer="7", verifier="logprob", **more
    )


async def ran(
    asked: RunSpec,
    engine: FakeEngine | None = None,
    sink: MemorySink | None = None,
    earlier=NOTHING_PAID,
) -> Outcome:
    return await run(
        asked,
        problem=PROBLEM,
        engine=engine or FakeEngine(),
        reward=None,
        sink=sink or MemorySink(),
        control=Control(),
        grade=problems.grade,
        paid=earlier,
    )


def shape(sink: MemorySink) -> list[tuple]:
    """What must be equal in a rerun: everything but the clock."""
    timeless = ("ledger", "started_ms", "ended_ms")
    told = [
        {name: value for name, value in (e.data or {}).items() if name not in timeless}
        for e in rows(sink.events)
    ]
    events = [
        (e.seq, e.kind, e.node_id, e.track, e.round, e.phase, e.label, e.value, data)
        for e, data in zip(rows(sink.events), told, strict=True)
    ]
    return [
        *events,
        *((n.id, n.parent_id, n.key, n.text, n.token_ids, n.finish) for n in sink.nodes),
    ]


@pytest.mark.parametrize("name", list(STRATEGIES))
async def test_every_strategy_runs_to_a_recorded_end(name: str) -> None:
    sink = MemorySink()
    outcome = await ran(spec(name), sink=sink)
    assert outcome.status == "finished" and outcome.answer is not None and outcome.answer.isdigit()
    assert outcome.correct is (outcome.answer == "7")
    assert of(StatusChanged, sink.events[-1:])[0].status == "finished"
    assert (
        sum(len(n.token_ids) for n in sink.nodes if n.kind in ("step", "rollout"))
        == outcome.ledger["generated_tokens"]
    )
    assert outcome.ledger["verifier_calls"] == sum(e.kind == "score" for e in sink.events)
    assert outcome.nodes == len(sink.nodes) and outcome.events == len(sink.events)


@pytest.mark.parametrize("name", ["best_of_n", "first_finish", "chain"])
async def test_a_run_whose_only_texts_the_budget_cut_says_so(name: str) -> None:
    sink = MemorySink()
    outcome = await ran(
        spec(name, params={} if name == "chain" else {"n": 2}, budget={"generated_tokens": 2}),
        FakeEngine(depth=6),
        sink,
    )
    assert {node.finish for node in sink.nodes if node.kind == "step"} == {"budget"}
    assert outcome.limit == Limit("generated_tokens", 2)
    assert outcome.ledger["generated_tokens"] <= 2
    assert [(limit.axis, limit.limit) for limit in of(LimitReached, sink.events)] == [
        ("generated_tokens", 2)
    ]


@pytest.mark.parametrize("name", list(STRATEGIES))
async def test_the_same_spec_gives_the_same_trace(name: str) -> None:
    first, second = MemorySink(), MemorySink()
    await asyncio.gather(ran(spec(name, seed=5), sink=first), ran(spec(name, seed=5), sink=second))
    assert shape(first) == shape(second)


@pytest.mark.parametrize("name", list(STRATEGIES))
@pytest.mark.parametrize(
    "limits", [{"generated_tokens": 70}, {"model_calls": 6}, {"verifier_calls": 3}, {"rounds": 1}]
)
async def test_a_budget_ends_a_run_without_failing_it(name: str, limits: dict[str, float]) -> None:
    [(axis, limit)] = limits.items()
    sink = MemorySink()
    outcome = await ran(
        spec(name, budget=limits, params={} if name != "mcts" else {"simulations": 50}),
        FakeEngine(depth=6),
        sink,
    )
    assert outcome.status == "finished"
    assert outcome.ledger[axis] <= limit
    limited = of(LimitReached, sink.events)
    assert [limit.axis for limit in limited] == ([] if outcome.limit is None else [axis])
    assert outcome.reason == "unfinished" if outcome.answer is None else outcome.chosen is not None


@pytest.mark.parametrize("name", list(STRATEGIES))
async def test_a_run_that_was_cut_off_goes_on_to_the_same_trace(name: str) -> None:
    engine, whole = FakeEngine(), MemorySink()
    # a race that is broken off: see test_resume
    params: dict[str, object] = {"n": 4, "k": 4} if name == "first_finish" else {}
    asked = with_versions(spec(name, seed=3, params=params))
    outcome = await ran(asked, engine, whole)
    by_key = {request.key.partition("/")[2]: request for request in engine.sent}
    for cut in range(3, len(whole.events), 7):
        keys = {node.id: node.key for node in whole.nodes if node.seq < cut}
        completions = [
            changed(engine.answer(by_key[key]), key=key) for key in keys.values() if key in by_key
        ]
        scores = {
            ("logprob", keys[given.node]): PaidScore(Score(given.value, given.steps))
            for given in of(ScoreGiven, whole.events[:cut])
        }
        again, rest = FakeEngine(), MemorySink()
        resumed = await ran(
            asked, again, rest, index_paid(completions, scores, next_seq=cut, elapsed_ms=0.0)
        )
        assert not {request.key.partition("/")[2] for request in again.sent} & set(keys.values())
        left = shape(rest)
        assert left == [row for row in shape(whole) if row in left]
        assert [event.seq for event in rest.events] == list(range(cut, len(whole.events)))
        assert (resumed.answer, resumed.ledger["generated_tokens"]) == (
            outcome.answer,
            outcome.ledger["generated_tokens"],
        )


async def test_a_cancelled_run_is_recorded_and_leaves_no_request_running() -> None:
    engine, sink = FakeEngine(depth=1, stalling=True), MemorySink()
    task = asyncio.create_task(ran(spec("best_of_n"), engine, sink))
    await asyncio.sleep(0.05)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert of(StatusChanged, sink.events)[-1].status == "cancelled" and engine.running == 0


async def test_an_answer_is_recorded_when_it_changes_with_what_was_spent_by_then() -> None:
    sink = MemorySink()
    await ran(spec("best_of_n", params={"n": 8}), sink=sink)
    answers = of(AnswerChanged, sink.events)
    assert 1 <= len(answers) <= 8
    spent = [change.ledger["generated_tokens"] for change in answers]
    assert spent == sorted(spent) and spent[0] > 0


async def test_the_engines_failure_reaches_the_caller_with_its_reason() -> None:
    with pytest.raises(EngineFailure, match="context full"):
        await ran(spec(), FakeEngine(failing="context full: 5000 of 4096 tokens"))


async def test_what_a_run_lacks_is_said_before_it_starts() -> None:
    with pytest.raises(MissingCapability, match="process reward model"):
        await ran(spec().model_copy(update={"verifier": "prm"}))
    with pytest.raises(BadInput, match="strategy"):
        await ran(spec("nonsense"))


def test_the_manifest_names_models_versions_and_the_spec() -> None:
    told = manifest(spec(seed=9), FakeEngine().info, None)
    assert (
        told["spec"]["seed"] == 9
        and told["engine"]["model"] == "fake-1"
        and "numpy" in told["packages"]
    )


def test_alternatives_come_back_typed_from_the_store() -> None:
    [[first]] = alternatives_from([[[3, "a", -0.5]]])
    assert (first.token_id, first.text, first.logprob) == (3, "a", -0.5)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"budget": {"dollars": 3}}, "generated_tokens"),
        ({"budget": {"rounds": 0}}, "above 0"),
        ({"problem": "ledger/1/1"}, "exactly one"),
        ({"seed": -1}, "seed"),
    ],
)
def test_a_bad_spec_says_what_is_accepted(given: dict, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        RunSpec(**{"strategy": "chain", "question": "q", **given})


@pytest.mark.parametrize(
    ("can", "temperature", "said"),
    [
        (
            Capabilities(),
            1.0,
            (
                "needs prompt_logprobs, which fake with fake-1 does not give. Choose another "
                "engine, or turn ancestor_sampling off"
            ),
        ),
        (
            Capabilities(prompt_logprobs=True),
            0.8,
            "needs tempered_logprobs, .* or sample at temperature 1 without truncation",
        ),
    ],
)
async def test_ancestor_sampling_is_refused_before_the_run_by_an_engine_that_cannot_judge(
    can: Capabilities, temperature: float, said: str
) -> None:
    asked = spec(
        "particle_gibbs", params={"ancestor_sampling": True}, sampling={"temperature": temperature}
    )
    engine, sink = FakeEngine(can=can), MemorySink()
    with pytest.raises(MissingCapability, match=f"Particle Gibbs with these parameters {said}"):
        await ran(asked, engine, sink)
    assert engine.sent == [] and sink.events == []
    await ran(asked.model_copy(update={"params": {}}), engine)


async def test_ancestor_sampling_runs_on_an_engine_that_can_judge() -> None:
    for can, temperature in (
        (Capabilities(prompt_logprobs=True), 1.0),
        (Capabilities(prompt_logprobs=True, tempered_logprobs=True), 0.8),
    ):
        asked = spec(
            "particle_gibbs",
            params={"ancestor_sampling": True},
            sampling={"temperature": temperature},
        )
        engine, sink = FakeEngine(can=can), MemorySink()
        outcome = await ran(asked, engine, sink)
        assert (
            outcome.ledger["model_calls"] == len(engine.sent) + len(engine.judged) and engine.judged
        )
        assert {given.sampling.temperature for given in engine.judged} == {temperature}
        assert outcome.ledger["generated_tokens"] == sum(
            len(node.token_ids) for node in sink.nodes if node.kind == "step"
        )
        computed = (
            outcome.ledger["generated_tokens"]
            + outcome.ledger["prompt_tokens"]
            - outcome.ledger["cached_tokens"]
        )
        assert outcome.ledger["flops"] == 2 * engine.info.parameters * computed


async def graded_by(right: str, name: str) -> MemorySink:
    """The golden search of a strategy on a problem whose right answer is said to be this one."""
    problem, sink = replace(golden.PROBLEM, answer=right), MemorySink()
    await run(
        golden.spec(name, answer=right),
        problem=problem,
        engine=ScriptedEngine(),
        reward=ScriptedRewardModel(),
        sink=sink,
        control=Control(),
        grade=problems.grade,
    )
    return sink


@pytest.mark.parametrize("name", list(STRATEGIES))
async def test_the_right_answer_changes_nothing_but_the_verdict(name: str) -> None:
    """Where each answer that the search gives on its way is said to be the right one, the search is
    the same: nobody who decides has seen it."""

    def unjudged(sink: MemorySink) -> list[tuple]:
        unseen = MemorySink()
        unseen.append(
            sink.nodes,
            [
                changed(e, body=changed(e.body, correct=None, reason=None))
                if isinstance(e.body, AnswerChanged)
                else e
                for e in sink.events
            ],
        )
        return shape(unseen)

    wrong = await graded_by("-1", name)
    answers = [change.answer for change in of(AnswerChanged, wrong.events)]
    assert answers
    for right in dict.fromkeys(answers):
        sink = await graded_by(right, name)
        assert unjudged(sink) == unjudged(wrong)
        assert [change.correct for change in of(AnswerChanged, sink.events)] == [
            answer == right for answer in answers
        ]


@pytest.mark.parametrize("name", list(STRATEGIES))
async def test_every_call_samples_as_the_run_says_or_greedily(name: str) -> None:
    engine, own = FakeEngine(), {"temperature": 0.3, "top_p": 0.9, "max_tokens": 200}
    asked = spec(name, sampling=own)
    await ran(asked, engine)
    sampled = [request.sampling for request in engine.sent]
    assert asked.sampling.sampling() in sampled
    assert {changed(one, temperature=0.3) for one in sampled} == {asked.sampling.sampling()} and {
        one.temperature for one in sampled
    } <= {0.0, 0.3}


async def test_every_option_of_a_run_reaches_the_part_that_it_is_for() -> None:
    assert rule_of(spec(selector="softmax", selector_params={"tau": 0.25})).settings.tau == 0.25
    for aggregation, value in (
        ("last", lambda steps: steps[-1]),
        ("min", min),
        ("mean", lambda steps: sum(steps) / len(steps)),
    ):
        sink = MemorySink()
        await golden.searched(golden.spec("best_of_n", aggregation=aggregation), sink)
        scores = of(ScoreGiven, sink.events)
        assert [given.value for given in scores] == pytest.approx(
            [value(given.steps) for given in scores]
        )
        assert any(len(set(given.steps)) > 1 for given in scores)


async def test_rounds_on_the_ledger_are_those_that_wait_for_each_other() -> None:
    ledgers = [
        (await ran(spec(name, params={"iterations": 2}))).ledger
        for name in ("particle_gibbs", "parallel_tempering")
    ]
    # two passes of three steps and an end, three chains side by side
    assert [ledger["rounds"] for ledger in ledgers] == [
        8,
        8,
    ]


def scored_by(score: Callable[[str], float | None]) -> ScriptedRewardModel:
    """A reward model that gives every step of a solution the score of its text, or fails."""
    return ScriptedRewardModel(
        lambda question, steps: [score("".join(steps)) or 0.0] * len(steps),
        failure=lambda solution: "no" if score("".join(solution.steps)) is None else None,
    )


@pytest.mark.parametrize("name", [n for n, e in STRATEGIES.items() if e.card.needs_verifier])
@pytest.mark.parametrize("budget", [{}, {"rounds": 1}])
async def test_a_run_fails_for_want_of_scores_only_if_nothing_in_it_has_one(
    name: str, budget: dict[str, float]
) -> None:
    sink = MemorySink()
    with pytest.raises(VerifierFailure, match=r"none of [0-9]+ nodes of this run has a score: no"):
        await judged(
            spec(name, budget=budget).model_copy(update={"verifier": "prm"}),
            scored_by(lambda text: None),
            sink,
        )
    assert of(ScoreGiven, sink.events) and not of(StatusChanged, sink.events)[1:]
    told: list[str] = []

    def once(text: str) -> float | None:
        told.append(text)
        return 0.5 if text == told[0] else None

    outcome = await judged(
        spec(name, budget=budget).model_copy(update={"verifier": "prm"}),
        scored_by(once),
        MemorySink(),
    )
    assert outcome.status == "finished"


async def judged(asked: RunSpec, reward: RewardModel, sink: MemorySink) -> Outcome:
    return await run(
        asked,
        problem=PROBLEM,
        engine=FakeEngine(),
        reward=reward,
        sink=sink,
        control=Control(),
        grade=problems.grade,
    )


class Recovering:
    """A verifier that fails a number of times before it answers."""

    def __init__(self, failures: int, error: EngineFailure) -> None:
        self.failures, self.error, self.calls = failures, error, 0

    @property
    def tokens(self) -> VerifierTokens:
        return VerifierTokens(0, 0)

    async def score(self, nodes: Sequence[Node]) -> list[Score]:
        self.calls += 1
        if self.calls <= self.failures:
            raise self.error
        return [Score(0.5) for _ in nodes]


@pytest.mark.parametrize(
    ("failures", "error", "calls"),
    [
        (0, PassingFailure("the engine host died"), 1),
        (2, PassingFailure("the engine host died"), 3),
        (3, PassingFailure("the engine host died"), None),
        (1, EngineFailure("out of memory"), None),
    ],
)
async def test_a_verifier_is_asked_again_where_its_fault_is_passing(
    failures: int, error: EngineFailure, calls: int | None
) -> None:
    sink, inner = MemorySink(), Recovering(failures, error)
    recorder = Recorder(sink)
    meter = Meter({}, lambda: 0.0, policy_size=0, verifier_size=0)
    desk = RunContext(Control(), meter, recorder, NOTHING_PAID, 0)
    verifier = LiveVerifier(inner, desk, "prm", pauses=(0.0, 0.0))
    node = Node("a", parent=Node("q"))
    if calls is None:
        with pytest.raises(EngineFailure):
            await verifier.score([node])
        assert recorder.sealed
        return
    assert [score.value for score in await verifier.score([node])] == [0.5]
    assert inner.calls == calls and meter.ledger.verifier_calls == 1
