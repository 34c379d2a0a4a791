"""A stored search scored by other verifiers: series of scores beside the run's own."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from backend import problems
from backend.core.errors import Conflict, EngineFailure, MissingCapability
from backend.core.ports import Solution, StepScores
from backend.core.types import Kind
from backend.engines.scripted.engine import ScriptedRewardModel
from backend.judging.verifiers.exact import ExactVerifier
from backend.judging.verifiers.logprob import LogprobVerifier
from backend.judging.verifiers.prm import ProcessRewardVerifier
from backend.review.stored_run import Trace
from backend.service.jobs.rescoring import Rescoring, ScoringJob, ScoringProgress
from backend.service.jobs.rows import outcome_fields, problem_fields
from storage import RunRow, SeriesScore, Store
from tests.review.why.searches import asked, searched
from tests.runs.test_resume import ScriptedModels
from tests.service.jobs.fakes import store_at


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = store_at(tmp_path)
    yield store
    store.close()


async def stored(store: Store, answer: str | None = "known") -> RunRow:
    """A finished search on a real problem; without `answer`, one of which the store knows no
    answer."""
    spec = asked(
        "mcts", "ledger/1/3", {"simulations": 4, "children": 2, "value": "rollout"}, seed=1
    )
    problem = problem_fields(problems.problem("ledger/1/3"))
    kept = problem if answer else {"id": "own", "question": problem["question"]}
    run_id = store.create_run(
        spec.model_dump(mode="json"), problem=kept, strategy="mcts", model="", seed=1
    )
    writer = store.writer(run_id)
    outcome = await searched(spec, writer)
    writer.close()
    store.update_run(run_id, status="finished", **outcome_fields(outcome))
    return store.run(run_id)


async def test_every_written_node_gets_the_score_that_the_verifier_gives_it(store: Store) -> None:
    row = await stored(store)
    log = (store.last_seq(row.id), store.verify(row.id))
    rescoring = Rescoring(store, ScriptedModels())
    problem, trace = problems.problem("ledger/1/3"), Trace(store.read_paid_nodes(row.id), (), "")
    written = [node for node in trace.nodes if node.kind is not Kind.PROMPT]
    assert any(node.kind is Kind.ROLLOUT for node in written)
    judges = {
        "exact": ExactVerifier(problem, aggregation="min"),
        "logprob": LogprobVerifier(),
        "prm": ProcessRewardVerifier(ScriptedRewardModel(), problem.question, aggregation="min"),
    }
    for verifier, judge in judges.items():
        asked_for = ScoringJob(verifier, aggregation="min")
        rescoring.start(row, asked_for)
        await rescoring.wait(row.id)
        told = zip(written, await judge.score(written), strict=True)
        expected = [
            SeriesScore(trace.ids[node], one.value, one.steps, one.reason) for node, one in told
        ]
        assert store.series_scores(row.id, asked_for.series) == expected
    assert rescoring.under_way(row.id) == []
    assert set(store.series(row.id)) == {"exact", "logprob", "prm default"}
    assert (store.last_seq(row.id), store.verify(row.id)) == log


class Gated(ScriptedRewardModel):
    """Waits until it may go on, then fails if it is told to."""

    def __init__(self, fails: bool = False) -> None:
        super().__init__()
        self.gate, self.asked, self.fails = asyncio.Event(), asyncio.Event(), fails

    async def score(self, solutions: Sequence[Solution]) -> list[StepScores]:
        self.asked.set()
        await self.gate.wait()
        if self.fails:
            raise EngineFailure("the engine host died: killed by signal 9")
        return await super().score(solutions)


async def test_a_series_is_made_once_at_a_time_and_is_told_while_it_is_made(store: Store) -> None:
    row, model = await stored(store), Gated()
    rescoring = Rescoring(store, ScriptedModels(model=model))
    rescoring.start(row, ScoringJob("prm", model="small"))
    await model.asked.wait()
    assert rescoring.under_way(row.id) == [ScoringProgress("prm small", 0, row.nodes)]
    with pytest.raises(Conflict, match="already"):
        rescoring.start(row, ScoringJob("prm", model="small"))
    rescoring.start(row, ScoringJob("exact"))
    assert store.series(row.id) == {}
    model.gate.set()
    await rescoring.wait(row.id)
    assert set(store.series(row.id)) == {"prm small", "exact"}


async def test_a_failure_is_told_and_stores_nothing(store: Store) -> None:
    row, model = await stored(store), Gated(fails=True)
    model.gate.set()
    rescoring = Rescoring(store, ScriptedModels(model=model))
    rescoring.start(row, ScoringJob("prm"))
    await rescoring.wait(row.id)
    [told] = rescoring.under_way(row.id)
    assert (told.series, told.done) == ("prm default", 0) and "killed by signal 9" in told.failed
    assert store.series(row.id) == {}
    model.fails = False
    rescoring.start(row, ScoringJob("prm"))
    await rescoring.wait(row.id)
    assert rescoring.under_way(row.id) == [] and list(store.series(row.id)) == ["prm default"]


async def test_closing_stops_what_is_under_way(store: Store) -> None:
    row, model = await stored(store), Gated()
    rescoring = Rescoring(store, ScriptedModels(model=model))
    rescoring.start(row, ScoringJob("prm"))
    await model.asked.wait()
    await rescoring.close()
    await rescoring.wait(row.id)
    assert store.series(row.id) == {}


async def test_the_exact_checker_needs_a_known_answer(store: Store) -> None:
    row = await stored(store, answer=None)
    with pytest.raises(MissingCapability, match="whose answer is known"):
        Rescoring(store, ScriptedModels()).start(row, ScoringJob("exact"))
