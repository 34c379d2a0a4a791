"""What every strategy promises through the real driver: books that agree with the engine's,
budgets, an answer at any time, no request left behind.

On the scripted engine, which counts its own tokens and takes one token a turn.
"""

from __future__ import annotations

import asyncio
import math
import zlib
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing, suppress
from typing import Any

import pytest

from backend.core.errors import VerifierFailure
from backend.core.events import AnswerChanged, CallEnded, ScoreGiven, StatusChanged
from backend.core.limits import Limit
from backend.core.ports import Completion, Request, Solution, StepScores
from backend.core.records import MemorySink
from backend.core.registry import STRATEGIES
from backend.core.splitting import AT_BLANK_LINES
from backend.engines.scripted.engine import ScriptedEngine, ScriptedRewardModel
from backend.engines.scripted.toy import toy_scores
from tests.golden import searched, spec, told_event
from tests.support.logged import of

on_all = pytest.mark.parametrize("name", list(STRATEGIES))
ONE_TOKEN_A_TURN = 1e-9
RACES = ("best_of_n", "first_finish")
MORE: dict[str, dict[str, Any]] = {
    "mcts": {"simulations": 60, "exploration": 0.0}, "a_star": {"goals": 60, "branching": 4, "expansions": 6}, "tree_sampling": {"iterations": 200},
}  # fmt: skip
"""Parameters that make a search go on where it costs nothing any more."""
SIDE_BY_SIDE = {"dvts": 2, "first_finish": 16}
"""How many steps of the trace one batch may end, where that is more than one: a subtree or a text
each."""


def told(log: MemorySink) -> list[Any]:
    """The events of a run with their nodes, without the clock."""
    nodes = {node.id: node for node in log.nodes}
    return [told_event(event, nodes) for event in log.events]


@on_all
async def test_the_ledger_agrees_with_the_nodes_with_the_scores_and_with_the_engine(
    name: str,
) -> None:
    engine, sink = ScriptedEngine(token_seconds=ONE_TOKEN_A_TURN), MemorySink()
    outcome = await searched(spec(name), sink, engine=engine)
    counters, ledger = await engine.stats(), outcome.ledger
    written = [node for node in sink.nodes if node.kind in ("step", "rollout")]
    scored = [given.node for given in of(ScoreGiven, sink.events)]
    assert (
        counters.generated_tokens
        == ledger["generated_tokens"]
        == sum(len(node.token_ids) for node in written)
        > 0
    )
    assert counters.prompt_tokens == ledger["prompt_tokens"] > 0
    assert ledger["model_calls"] == len(written) == len({node.key for node in written})
    assert ledger["verifier_calls"] == len(scored) == len(set(scored))
    assert ledger["discarded_tokens"] == sum(
        len(node.token_ids) for node in written if node.finish == "aborted"
    )
    assert {node.kind for node in sink.nodes} <= {
        "prompt",
        "step",
        "rollout",
        "injected",
    } and counters.running == 0


@on_all
@pytest.mark.parametrize("limit", [1, 9, 40, 133, 500])
async def test_generated_tokens_never_exceed_their_limit(name: str, limit: int) -> None:
    engine, sink = ScriptedEngine(token_seconds=ONE_TOKEN_A_TURN), MemorySink()
    outcome = await searched(spec(name, budget={"generated_tokens": limit}), sink, engine=engine)
    counters = await engine.stats()
    assert counters.generated_tokens == outcome.ledger["generated_tokens"] <= limit
    assert outcome.status == "finished" and counters.running == 0
    cut = any(node.finish == "budget" for node in sink.nodes)
    spent = outcome.limit == Limit("generated_tokens", limit)
    assert spent or cut or outcome.answer is not None


@on_all
@pytest.mark.parametrize("limit", [1, 3, 6, 7])
@pytest.mark.parametrize("axis", ["model_calls", "verifier_calls", "rounds"])
async def test_other_axes_exceed_their_limit_by_one_admitted_batch_at_most(
    name: str, axis: str, limit: int
) -> None:
    """Calls and scores are admitted one by one. Rounds are looked at before each call: what follows
    is the round that was under way."""
    sink = MemorySink()
    params = {**spec(name).params, **MORE.get(name, {})}
    outcome = await searched(spec(name, params=params, budget={axis: limit}), sink)
    assert outcome.status == "finished" and outcome.limit in (None, Limit(axis, limit))
    if axis != "rounds":
        assert outcome.ledger[axis] <= limit
        return
    for call in of(CallEnded, sink.events):
        if call.role.startswith("verifier") or name not in RACES:
            # nothing of a batch was admitted
            assert call.ledger["rounds"] < limit or call.requests == 0
    assert outcome.ledger["rounds"] < limit + SIDE_BY_SIDE.get(name, 1)


@on_all
async def test_a_run_without_any_time_makes_no_call(name: str) -> None:
    sink = MemorySink()
    outcome = await searched(spec(name, budget={"seconds": 1e-9}), sink)
    assert (outcome.limit, outcome.reason, outcome.ledger["model_calls"]) == (
        Limit("seconds", 1e-9),
        "unfinished",
        0,
    )
    assert not any(call.requests for call in of(CallEnded, sink.events))


@on_all
async def test_after_any_number_of_rounds_a_run_has_the_trace_and_the_answer_that_stood(
    name: str,
) -> None:
    """What a spent budget adds to that are finished texts that no step had reported."""
    whole = MemorySink()
    await searched(spec(name), whole)
    for limit in range(1, 9):
        sink = MemorySink()
        outcome = await searched(spec(name, budget={"rounds": limit}), sink)
        steps = [place for place, event in enumerate(sink.events) if event.kind == "step"]
        same = [one == other for one, other in zip(told(sink), told(whole), strict=False)]
        assert all(same[: steps[-1] + 1])
        reported = {node for place in steps for node in sink.events[place].body.nodes}
        answers = [event for event in sink.events if isinstance(event.body, AnswerChanged)]
        assert all(event.body.node not in reported for event in answers if not same[event.seq])
        assert outcome.answer == (answers[-1].body.answer if answers else None)
        if outcome.limit is None:
            return


class Counting(ScriptedEngine):
    """Knows how many batches it was asked for."""

    batches = 0

    async def generate(self, requests: Sequence[Request]) -> AsyncGenerator[Completion]:
        self.batches += 1
        async with aclosing(super().generate(requests)) as completions:
            async for completion in completions:
                yield completion


async def cancelled(task: asyncio.Task[Any], engine: Counting) -> None:
    """Cancel a run; what its engine still does afterwards is checked."""
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    written = (await engine.stats()).generated_tokens
    for _ in range(50):
        await asyncio.sleep(0)
    counters = await engine.stats()
    assert (counters.running, counters.generated_tokens) == (0, written)
    assert asyncio.all_tasks() == {asyncio.current_task()}


@pytest.mark.parametrize(
    ("name", "batch"),
    [(name, batch) for name in STRATEGIES for batch in ((1,) if name in RACES else (1, 3))],
)
async def test_a_run_cancelled_while_it_writes_leaves_no_request_running(
    name: str, batch: int
) -> None:
    engine, sink = Counting(token_seconds=ONE_TOKEN_A_TURN), MemorySink()
    task = asyncio.create_task(searched(spec(name), sink, engine=engine))
    while engine.batches < batch or not (await engine.stats()).running:
        assert not task.done()
        await asyncio.sleep(0)
    await cancelled(task, engine)
    last = sink.events[-1].body
    assert isinstance(last, StatusChanged) and last.status == "cancelled"


@pytest.mark.parametrize(
    "name", [name for name, entry in STRATEGIES.items() if entry.card.needs_verifier]
)
async def test_a_run_cancelled_while_it_is_scored_leaves_no_request_running(name: str) -> None:
    engine, sink, asked = Counting(token_seconds=ONE_TOKEN_A_TURN), MemorySink(), asyncio.Event()

    class Endless(ScriptedRewardModel):
        async def score(self, solutions: Sequence[Solution]) -> list[StepScores]:
            asked.set()
            return await super().score(solutions)

    task = asyncio.create_task(
        searched(spec(name), sink, engine=engine, reward=Endless(call_seconds=3600.0))
    )
    await asked.wait()
    await cancelled(task, engine)
    assert of(StatusChanged, sink.events)[-1].status == "cancelled" and not any(
        event.kind == "score" for event in sink.events
    )


def moody(question: str, steps: tuple[str, ...]) -> list[float]:
    """The usual scores, but sometimes one that is no probability."""
    scores = list(toy_scores(question, steps))
    return [*scores[:-1], math.nan] if mood(steps) == 0 else scores


def mood(steps: tuple[str, ...]) -> int:
    return zlib.crc32("".join(steps).encode()) % 5


@pytest.mark.parametrize(
    "name", [name for name, entry in STRATEGIES.items() if entry.card.needs_verifier]
)
async def test_a_failed_score_is_no_score_with_a_reason_and_never_a_number(name: str) -> None:
    failed = 0
    for seed in range(6):
        sink = MemorySink()
        reward = ScriptedRewardModel(
            moody, failure=lambda solution: "out of sorts" if mood(solution.steps) == 1 else None
        )
        with suppress(
            VerifierFailure
        ):  # a round in which nothing could be scored ends a run by contract
            outcome = await searched(spec(name, seed=seed), sink, reward=reward)
            assert outcome.status == "finished"
        for given in of(ScoreGiven, sink.events):
            why = mood(AT_BLANK_LINES.split([written(sink, given.node)]))
            assert (given.value is None) is (why < 2)
            assert why > 1 or str(given.reason).startswith(
                ("the reward model gave a step the score nan", "out of sorts")[why]
            )
            failed += why < 2
    assert failed > 0


def written(sink: MemorySink, node_id: int) -> str:
    node = sink.nodes[node_id]
    return "" if node.parent_id is None else written(sink, node.parent_id) + node.text


@pytest.mark.parametrize("name", ["best_of_n", "ab_mcts"])
@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("\\boxed{3} is what I think, but let me go on for a while", "3"),
        ("Let me think for a while", None),
    ],
)
async def test_a_whole_text_cut_off_at_its_limit_answers_only_if_an_answer_can_be_read(
    name: str, text: str, answer: str | None
) -> None:
    params = {"ab_mcts": {"answers": 3, "max_depth": 1}}.get(name, {})
    sink, asked = (
        MemorySink(),
        spec(name, params=params, sampling={"temperature": 1.0, "max_tokens": 15}),
    )
    outcome = await searched(asked, sink, engine=ScriptedEngine({"": [(text, 1.0)]}))
    assert {node.finish for node in sink.nodes if node.kind == "step"} == {"length"}
    assert (outcome.answer, outcome.reason) == (answer, outcome.reason if answer else "unfinished")
