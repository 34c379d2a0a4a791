"""Whole searches on the embedded models: the same spec gives the same trace, alone and beside
another run.

Compared exactly: nodes with their ids, parents, texts, token ids, keys and ends, and events with
everything that is no float. Not compared: time, and what a cache saved, because the second run
finds the texts of the first there. Log-probabilities and scores may differ in their last bits: a
prompt is computed from where the cache ends, and attention over a piece of another length sums in
another order.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from backend import problems
from backend.core.events import ScoreGiven, StatusChanged
from backend.core.records import EventRecord, MemorySink, NodeRecord
from backend.core.registry import STRATEGIES
from backend.core.spec import NEWEST, RunSpec, splitting_of
from backend.engines.torch.engine import TorchEngine, TorchRewardModel
from backend.runs.control import Control
from backend.runs.driver import Outcome, run
from tests import golden
from tests.support.logged import of, rows

CLASSROOM = Path(problems.__file__).parents[1] / "classroom"
LAST_BITS = 1e-6
UNEQUAL = (
    "seconds",
    "started_ms",
    "ended_ms",
    "cached_tokens",
    "verifier_tokens",
    "verifier_cached_tokens",
    "tokens",
    "cached",
    "flops",
)
"""What the clock tells, and what a cache saved: of the policy, and of the reward model, whose
computed tokens it lessens too."""
SEARCHES: dict[str, dict[str, Any]] = {
    "best_of_n": {"n": 6},
    "beam_search": {"n": 6, "beam_width": 2},
    "particle_filter": {"particles": 6},
    "mcts": {"simulations": 8, "children": 3},
    "particle_gibbs": {"particles": 4, "ancestor_sampling": True},
}
BESIDE = RunSpec(
    strategy="particle_filter", params={"particles": 8}, problem="ledger/4/1000003", seed=6
)

pytestmark = pytest.mark.classroom


class Models(NamedTuple):
    engine: TorchEngine
    reward: TorchRewardModel


@asynccontextmanager
async def models() -> AsyncIterator[Models]:
    """The shipped pair with empty caches."""
    loaded = Models(
        TorchEngine.load(CLASSROOM / "policy", threads=1),
        TorchRewardModel.load(CLASSROOM / "prm", threads=1),
    )
    try:
        yield loaded
    finally:
        for model in loaded:
            await model.close()


class Told(MemorySink):
    """Writes its name into a list that runs share whenever it is given something."""

    def __init__(self, name: str, turns: list[str]) -> None:
        super().__init__()
        self._name, self._turns = name, turns

    def append(self, nodes: Sequence[NodeRecord], events: Sequence[EventRecord]) -> None:
        super().append(nodes, events)
        self._turns.append(self._name)


async def carried_out(spec: RunSpec, on: Models, sink: MemorySink) -> Outcome:
    problem = problems.problem(spec.problem or "")
    return await run(
        spec,
        problem=problem,
        engine=on.engine,
        reward=on.reward,
        sink=sink,
        control=Control(),
        grade=problems.grade,
    )


async def searched(spec: RunSpec, on: Models, sink: MemorySink) -> MemorySink:
    await carried_out(spec, on, sink)
    return sink


async def beside(spec: RunSpec, on: Models) -> MemorySink:
    """The trace of a run while another one is under way on the same models."""
    turns: list[str] = []
    found, _ = await asyncio.gather(
        searched(spec, on, Told("it", turns)), searched(BESIDE, on, Told("other", turns))
    )
    assert len([name for name, _ in groupby(turns)]) > 4, "the runs did not take turns"
    return found


def exact(trace: MemorySink) -> list[Any]:
    """What must be equal to the last bit."""
    nodes = [
        {name: value for name, value in asdict(node).items() if name != "logprobs"}
        for node in trace.nodes
    ]
    events = [
        {name: value for name, value in row._asdict().items() if name not in ("t_ms", "value")}
        for row in rows(trace.events)
    ]
    return [*map(without_floats, nodes), *map(without_floats, events)]


def without_floats(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: without_floats(part) for name, part in value.items() if name not in UNEQUAL}
    if isinstance(value, list | tuple):
        return [without_floats(part) for part in value]
    return "a float" if isinstance(value, float) else value


def floats(trace: MemorySink) -> list[float]:
    """All log-probabilities, then all scores."""
    sampled = [logprob for node in trace.nodes for logprob in node.logprobs or ()]
    return sampled + [
        given.value for given in of(ScoreGiven, trace.events) if given.value is not None
    ]


@pytest.mark.parametrize("name", list(SEARCHES))
async def test_the_same_spec_gives_the_same_trace_alone_and_beside_another_run(name: str) -> None:
    spec = RunSpec(strategy=name, params=SEARCHES[name], problem="ledger/3/1000017", seed=5)
    async with models() as used, models() as fresh:
        alone = await searched(spec, used, MemorySink())
        others = {
            "again": await searched(spec, used, MemorySink()),
            "beside another run": await beside(spec, used),
            "beside another run, nothing cached": await beside(spec, fresh),
        }
    assert len(alone.nodes) > 6 and len(floats(alone)) > 100
    for way, found in others.items():
        assert exact(found) == exact(alone), way
        assert floats(found) == pytest.approx(floats(alone), abs=LAST_BITS, rel=0.0), way


def ended(trace: MemorySink) -> list[Any]:
    """The texts that were not stopped by somebody else, by key. How far a stopped one has got
    depends on the moment."""
    return sorted(
        (node.key, node.text, node.token_ids, node.finish)
        for node in trace.nodes
        if node.finish != "aborted"
    )


@pytest.mark.parametrize("name", list(STRATEGIES))
async def test_every_strategy_writes_the_same_trace_again_and_its_books_are_the_engines(
    name: str,
) -> None:
    spec, traces = (
        RunSpec(strategy=name, params=golden.SEARCHES[name], problem="ledger/1/1000017", seed=5),
        [],
    )
    async with models() as on:
        for _ in range(2):
            before, trace = await on.engine.stats(), MemorySink()
            outcome = await carried_out(spec, on, trace)
            after, ledger = await on.engine.stats(), outcome.ledger
            written = [node for node in trace.nodes if node.kind in ("step", "rollout")]
            assert (
                ledger["generated_tokens"]
                == after.generated_tokens - before.generated_tokens
                == sum(len(node.token_ids) for node in written)
            )
            assert ledger["prompt_tokens"] == after.prompt_tokens - before.prompt_tokens > 0
            assert ledger["cached_tokens"] == after.cached_tokens - before.cached_tokens
            assert ledger["model_calls"] == len(written) > 0 and after.running == 0
            traces.append(trace)
    assert ended(traces[0]) == ended(traces[1]) and len(ended(traces[0])) > 3
    if name != "first_finish":  # the losers of a race
        assert exact(traces[0]) == exact(traces[1])
        assert floats(traces[0]) == pytest.approx(floats(traces[1]), abs=LAST_BITS, rel=0.0)


@pytest.mark.parametrize("name", list(STRATEGIES))
async def test_a_cancelled_run_of_any_strategy_leaves_no_request_running(name: str) -> None:
    spec = RunSpec(strategy=name, params=golden.SEARCHES[name], problem="ledger/4/1000003", seed=5)
    async with models() as on:
        task = asyncio.create_task(carried_out(spec, on, trace := MemorySink()))
        while (await on.engine.stats()).generated_tokens < 20:
            assert not task.done()
            await asyncio.sleep(0.001)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        left = await on.engine.stats()
        while (stopped := await on.engine.stats()).running:  # noqa: ASYNC110 - who stops is a thread and knows no loop
            await asyncio.sleep(0.001)
        assert stopped.generated_tokens <= left.generated_tokens + 2 * left.running, (
            "the token under way, and no whole step"
        )
        await asyncio.sleep(0.05)
        assert await on.engine.stats() == stopped, "something still writes"
    assert trace.events[-1].body == StatusChanged("cancelled", trace.events[-1].body.ledger)


@pytest.mark.parametrize(
    "settings",
    [
        None,
        {"splitter": "line"},
        {"splitter": "heading"},
        {"splitter": "tokens", "step_tokens": 9},
        {"thoughts": "one_step"},
    ],
)
async def test_the_nodes_of_a_search_are_the_steps_of_its_splitter(
    settings: dict[str, Any] | None,
) -> None:
    """Each with the verifier's score of as many steps."""
    asked = RunSpec.model_validate(
        {
            "strategy": "beam_search",
            "params": {"n": 4, "beam_width": 2},
            "problem": "ledger/3/1000003",
            "splitting": settings,
            "versions": NEWEST.model_dump(),
        }
    )
    sink = MemorySink()
    async with models() as loaded:
        await carried_out(asked, loaded, sink)
    rule = splitting_of(2, asked.splitting, "\n\n")
    texts = {0: list[str]()}
    for node in sink.nodes[1:]:
        assert node.parent_id is not None
        texts[node.id] = [*texts[node.parent_id], node.text]
    scores = {one.node: one.steps for one in of(ScoreGiven, sink.events)}
    assert len(scores) >= 4
    for place, steps in scores.items():
        assert len(steps) == len(rule.split(texts[place])) == len(texts[place])
