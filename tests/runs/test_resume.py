"""A run that was cut off goes on to the very same trace, and what it has paid for does not reach a
model again.

The log is written to a real store, batch by batch as the driver hands it over, which is how a crash
can leave it: the store keeps whole batches. After every batch it is read back as `resume` does it,
and the run is taken up. Runs whose model failed are taken up through the jobs.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing
from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple

import pytest

from backend import problems
from backend.core.errors import EngineFailure
from backend.core.events import AnswerChanged, LikelihoodGiven
from backend.core.ports import Completion, Given, Likelihood, Request, Solution, StepScores
from backend.core.records import EventRecord, MemorySink, NodeRecord
from backend.core.registry import STRATEGIES
from backend.core.spec import NEWEST, RunSpec
from backend.engines.scripted.engine import ScriptedEngine, ScriptedRewardModel
from backend.runs.driver import Outcome
from backend.runs.paid import NOTHING_PAID, Paid
from backend.runs.versions import with_versions
from backend.service.jobs import Admission, Jobs
from backend.service.jobs.recovery import read_paid
from storage import Store
from tests.golden import differences, searched, spec, timeless, told_event
from tests.support.logged import of

on_all = pytest.mark.parametrize("name", list(STRATEGIES))
BUDGETS: list[dict[str, float]] = [
    {"generated_tokens": 150},
    {"model_calls": 6},
    {"verifier_calls": 3},
    {"rounds": 2},
]
BROKEN_OFF: list[tuple[str, dict[str, float], int]] = [
    ("best_of_n", {"rounds": 2}, 2),
    *(("first_finish", budget, 4) for budget in ({}, *BUDGETS) if "generated_tokens" not in budget),
]
"""Races that are broken off while texts are under way, by the budget or by the strategy, and how
many texts had come in by then."""
CASES = [
    (name, budget)
    for name in STRATEGIES
    for budget in ({}, *BUDGETS)
    if (name, budget) not in [case[:2] for case in BROKEN_OFF]
]


class Batches(MemorySink):
    """Remembers where the driver handed its records over: the sequence number after each batch."""

    def __init__(self) -> None:
        super().__init__()
        self.ends: list[int] = []

    def append(self, nodes: Sequence[NodeRecord], events: Sequence[EventRecord]) -> None:
        super().append(nodes, events)
        self.ends.append(events[-1].seq + 1)


class Run(NamedTuple):
    """What a run left behind: its outcome, its log, the calls that reached the engine and the
    solutions that reached the reward model."""

    outcome: Outcome
    log: Batches
    calls: list[str]
    scored: list[Solution]


async def carried_out(asked: RunSpec, paid: Paid = NOTHING_PAID) -> Run:
    """A run without a service, read by the versions that a service gives a new run."""
    log, calls, scored = Batches(), list[str](), list[Solution]()

    def called(key: str) -> None:
        calls.append(key.partition("/")[2])

    engine, reward = ScriptedEngine(failure=called), ScriptedRewardModel(failure=scored.append)
    return Run(
        await searched(with_versions(asked), log, engine=engine, reward=reward, paid=paid),
        log,
        calls,
        scored,
    )


def cuts(store: Store, log: Batches) -> Iterator[Paid]:
    """What a store knows of the run after each batch of its log but the last."""
    run_id = store.create_run({}, problem=None, strategy="", model="", seed=0)
    writer, start = store.writer(run_id), 0
    for end in log.ends[:-1]:
        writer.append(
            [node for node in log.nodes if start <= node.seq < end], log.events[start:end]
        )
        writer.flush()
        yield read_paid(store, run_id)
        start = end
    writer.close()


def told(log: MemorySink, after: int = 0) -> list[Any]:
    """Events from sequence number `after` on, with their nodes, without the clock."""
    nodes = {node.id: node for node in log.nodes}
    return [told_event(event, nodes) for event in log.events if event.seq >= after]


def answered(log: MemorySink, before: int | None = None) -> set[str]:
    """Keys of the calls whose answers stand in the log (before a sequence number)."""
    return {node.key for node in log.nodes if before is None or node.seq < before}


def ending(outcome: Outcome) -> Any:
    return timeless(asdict(outcome))


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    store = Store.open(tmp_path_factory.mktemp("resume") / "store.duckdb")
    yield store
    store.close()


@pytest.mark.parametrize(("name", "budget"), CASES, ids=str)
async def test_a_run_cut_off_goes_on_to_the_same_trace_and_pays_nothing_twice(
    name: str, budget: dict[str, float], store: Store
) -> None:
    asked = spec(name, budget=budget)
    whole = await carried_out(asked)
    tried = 0
    for paid in cuts(store, whole.log):
        resumed = await carried_out(asked, paid)
        assert list(differences(told(whole.log, paid.next_seq), told(resumed.log))) == [], (
            f"cut at {paid.next_seq}"
        )
        assert [node for node in whole.log.nodes if node.seq >= paid.next_seq] == resumed.log.nodes
        assert resumed.calls == [
            key for key in whole.calls if key not in answered(whole.log, paid.next_seq)
        ]
        assert resumed.scored == whole.scored[len(paid.scores) :]
        assert ending(resumed.outcome) == ending(whole.outcome)
        tried += 1
    assert tried == len(whole.log.ends) - 1 > 0


async def test_a_run_of_before_graders_had_versions_says_who_judged_it_once_it_is_taken_up(
    store: Store,
) -> None:
    asked, engine = spec("mcts"), ScriptedEngine()
    whole, resumed = Batches(), MemorySink()
    await searched(asked, whole, engine=engine, reward=ScriptedRewardModel())
    assert {event.grader for event in of(AnswerChanged, whole.events)} == {None}
    paid = next(cuts(store, whole))
    await searched(asked, resumed, engine=engine, reward=ScriptedRewardModel(), paid=paid)
    judged = of(AnswerChanged, resumed.events)
    assert {event.grader for event in judged} == {NEWEST.grader}
    assert {event.read_by for event in judged} == {None}


@pytest.mark.parametrize(("name", "budget", "came_in"), BROKEN_OFF, ids=str)
async def test_a_race_that_was_broken_off_is_taken_up_without_asking_again_for_what_it_left(
    name: str, budget: dict[str, float], came_in: int, store: Store
) -> None:
    asked = spec(name, budget=budget)
    whole = await carried_out(asked)
    written = [node for node in whole.log.nodes if node.kind == "step"]
    first, left = written[:came_in], written[came_in:]
    assert left
    for paid in cuts(store, whole.log):
        resumed = await carried_out(asked, paid)
        assert not set(resumed.calls) & answered(whole.log, paid.next_seq)
        assert [event.seq for event in resumed.log.events] == [
            *range(paid.next_seq, resumed.outcome.events)
        ]
        assert (resumed.outcome.answer, resumed.outcome.limit) == (
            whole.outcome.answer,
            whole.outcome.limit,
        )
        known = answered(whole.log, paid.next_seq)
        if {node.key for node in left} <= known or not {node.key for node in first} <= known:
            assert list(differences(told(whole.log, paid.next_seq), told(resumed.log))) == []


class DyingEngine(ScriptedEngine):
    """Fails after `good` completions."""

    def __init__(self, good: int) -> None:
        super().__init__()
        self._good = good

    async def generate(self, requests: Sequence[Request]) -> AsyncGenerator[Completion]:
        async with aclosing(super().generate(requests)) as completions:
            async for completion in completions:
                if self._good == 0:
                    raise EngineFailure("the engine host died: killed by signal 9")
                self._good -= 1
                yield completion


class DyingRewardModel(ScriptedRewardModel):
    """Fails after `good` calls."""

    def __init__(self, good: int) -> None:
        super().__init__()
        self._good = good

    async def score(self, solutions: Sequence[Solution]) -> list[StepScores]:
        if self._good == 0:
            raise EngineFailure("the engine host died: killed by signal 9")
        self._good -= 1
        return await super().score(solutions)


@dataclass
class ScriptedModels:
    """The models that jobs hand to their runs."""

    engine: ScriptedEngine = field(default_factory=ScriptedEngine)
    model: ScriptedRewardModel = field(default_factory=ScriptedRewardModel)

    async def policy(self, engine: str, model: str | None) -> ScriptedEngine:
        return self.engine

    async def reward(self, engine: str, model: str | None) -> ScriptedRewardModel:
        return self.model

    def available(self) -> list[tuple[str, bool, str]]:
        return [("scripted", True, "")]


@on_all
@pytest.mark.parametrize("good", [1, 3])
@pytest.mark.parametrize("dying", [DyingEngine, DyingRewardModel])
async def test_a_run_whose_model_died_is_sound_and_is_taken_up_where_it_was(
    name: str, dying: type[DyingEngine] | type[DyingRewardModel], good: int, store: Store
) -> None:
    whole = await carried_out(spec(name))
    broken = (
        ScriptedModels(engine=dying(good))
        if issubclass(dying, DyingEngine)
        else ScriptedModels(model=dying(good))
    )
    board = jobs(store, broken)
    run_id = await board.submit(spec(name))
    await board.wait(run_id)
    first = store.run(run_id)
    assert first.status == (
        "failed" if STRATEGIES[name].card.needs_verifier or dying is DyingEngine else "finished"
    )
    assert store.verify(run_id) == []
    paid, calls = answered(stored(store, run_id)), list[str]()
    if first.status == "failed":
        again = jobs(
            store,
            ScriptedModels(ScriptedEngine(failure=lambda key: calls.append(key.partition("/")[2]))),
        )
        await again.resume(run_id)
        await again.wait(run_id)
    assert store.run(run_id).status == "finished", store.run(run_id).reason
    assert store.verify(run_id) == []
    assert not set(calls) & paid
    assert list(differences(told(whole.log), told(stored(store, run_id)))) == []


def stored(store: Store, run_id: int) -> MemorySink:
    """The log of a run as it stands in the store."""
    log = MemorySink()
    full = [
        {name: getattr(node, name) for name in NodeRecord.__slots__}
        for node in store.read_paid_nodes(run_id)
    ]
    log.append([NodeRecord(**row) for row in full], store.events(run_id, limit=None))
    return log


def jobs(store: Store, models: ScriptedModels) -> Jobs:
    return Jobs(
        store, models, Admission(problems.problem, models.available, lambda: None), problems.grade
    )


class JudgingEngine(ScriptedEngine):
    """Remembers what it was asked to judge."""

    def __init__(self) -> None:
        super().__init__()
        self.judged: list[Given] = []

    async def likelihoods(self, asked: Sequence[Given]) -> list[Likelihood]:
        self.judged += asked
        return await super().likelihoods(asked)


@pytest.mark.parametrize("budget", [{}, {"model_calls": 26}], ids=str)
async def test_judged_texts_are_not_paid_again_when_a_run_is_taken_up(
    budget: dict[str, float], store: Store
) -> None:
    params = {"particles": 3, "iterations": 3, "ancestor_sampling": True}
    asked, whole, first = (
        with_versions(spec("particle_gibbs", params=params, budget=budget)),
        Batches(),
        JudgingEngine(),
    )
    outcome = await searched(asked, whole, engine=first)
    told_of = of(LikelihoodGiven, whole.events)
    assert len(told_of) == len(first.judged) > 0
    assert budget or {given.value is None for given in told_of} == {True, False}, (
        "texts that are possible there, and impossible ones"
    )
    for paid in cuts(store, whole):
        log, engine = Batches(), JudgingEngine()
        resumed = await searched(asked, log, engine=engine, paid=paid)
        assert list(differences(told(whole, paid.next_seq), told(log))) == [], (
            f"cut at {paid.next_seq}"
        )
        assert engine.judged == first.judged[len(paid.likelihoods) :]
        assert ending(resumed) == ending(outcome)
