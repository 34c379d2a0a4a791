"""First finish search: the first end wins, the others are really stopped, and a rerun has the same
winner.

What a race would have written to its end is known from best-of-N: with the same seed both make the
same requests.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import aclosing
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backend import problems
from backend.core.errors import BadInput, MissingCapability
from backend.core.events import StepEnded
from backend.core.ports import Engine, EngineInfo, RewardModel, Sampling
from backend.core.records import MemorySink, NodeRecord
from backend.core.registry import STRATEGIES
from backend.core.spec import RunSpec
from backend.core.steps import Pruned
from backend.core.types import Finish
from backend.engines.scripted.engine import END_TEXT, ScriptedEngine, ScriptedRewardModel
from backend.engines.torch.engine import TorchEngine
from backend.judging.rules import SELECTORS
from backend.runs.budget import Meter
from backend.runs.context import RunContext
from backend.runs.control import Control
from backend.runs.driver import Outcome, check, run
from backend.runs.paid import NOTHING_PAID
from backend.runs.policy import LivePolicy
from backend.runs.recorder import Recorder
from tests.strategies.running import notes_of, texts
from tests.strategies.running import run as run_toy
from tests.support.enumerable import LETTERS, Piece, ToyPolicy, ToyVerifier, prompt
from tests.support.logged import of

ENTRY = STRATEGIES["first_finish"]
CLASSROOM = Path(problems.__file__).parents[1] / "classroom"
PROBLEM = problems.Problem("own", "own", None, None, "How long?", "3")
LENGTHS = (12, 19, 31, 44, 60, 83)
SCRIPT = {"": [("x" * length + f"\\boxed{{{length}}}{END_TEXT}", 1.0) for length in LENGTHS]}
"""Solutions of six lengths, equally likely, each with its own answer."""
ONE_TOKEN_A_TURN = 1e-9
SEEDS = range(8)


async def raced(
    strategy: str,
    engine: Engine,
    *,
    seed: int = 0,
    reward: RewardModel | None = None,
    max_tokens: int = 200,
    **params: Any,
) -> tuple[Outcome, MemorySink]:
    sink, verifier = MemorySink(), "logprob" if reward is None else "prm"
    spec = RunSpec.model_validate(
        {
            "strategy": strategy,
            "question": PROBLEM.question,
            "answer": "3",
            "verifier": verifier,
            "seed": seed,
            "params": params,
            "sampling": {"temperature": 1.0, "max_tokens": max_tokens},
        }
    )
    return await run(
        spec,
        problem=PROBLEM,
        engine=engine,
        reward=reward,
        sink=sink,
        control=Control(),
        grade=problems.grade,
    ), sink


def solutions(sink: MemorySink, *finishes: str) -> list[NodeRecord]:
    return [
        node
        for node in sink.nodes
        if node.kind == "step" and (node.finish in finishes or not finishes)
    ]


def keyed(nodes: Sequence[NodeRecord]) -> dict[str, NodeRecord]:
    return {node.key: node for node in nodes}


@pytest.mark.parametrize("k", [1, 2, 4])
async def test_the_race_is_closed_before_its_end_is_told(k: int) -> None:
    policy = ToyPolicy(LETTERS)
    steps = ENTRY.run(
        prompt(), policy, ToyVerifier({}), ENTRY.parse({"n": 4, "k": k}), np.random.default_rng(0)
    )
    phases = [(step.phase, policy.open_races) async for step in steps]
    assert phases == [("race", 1)] * (k - 1) + [("win", 0)]
    assert len(policy.born) == k


async def test_nobody_is_scored_and_the_first_candidate_answers() -> None:
    verifier = ToyVerifier({})
    steps = await run_toy("first_finish", ToyPolicy(LETTERS, every=True), verifier, n=5, k=1)
    assert verifier.scored == [] and steps[-1].values == [None]
    assert ENTRY.card.selector == "majority" and not ENTRY.card.needs_verifier
    assert SELECTORS[ENTRY.card.selector](steps[-1].nodes, steps[-1].values) is steps[-1].nodes[0]


async def test_the_first_k_vote() -> None:
    answers = {
        "": [
            Piece("answer is 4", 0.4, Finish.END),
            Piece("answer is 5", 0.3, Finish.END),
            Piece("answer is 5.0", 0.3, Finish.END),
        ]
    }
    steps = await run_toy(
        "first_finish", ToyPolicy(answers.__getitem__, every=True), ToyVerifier({}), n=6, k=3
    )
    assert (
        SELECTORS[ENTRY.card.selector](steps[-1].nodes, steps[-1].values).solution_text()
        == "answer is 5"
    )


@pytest.mark.parametrize("k", [1, 2])
async def test_a_text_that_was_cut_off_or_failed_never_wins(k: int) -> None:
    pieces = [
        Piece("answer is 1", 0.4, Finish.LENGTH),
        Piece("", 0.3, Finish.ABORTED),
        Piece("answer is 2", 0.3, Finish.END),
    ]
    steps = await run_toy(
        "first_finish", ToyPolicy(lambda path: pieces, every=True), ToyVerifier({}), n=6, k=k
    )
    assert texts(steps[-1]) == ["answer is 2"] * k
    assert [note.reason for note in notes_of(steps, Pruned) if isinstance(note, Pruned)] == [
        "cut off before its end",
        "generation failed",
    ] * k


async def test_where_fewer_than_k_finish_those_are_the_candidates() -> None:
    pieces = [Piece("answer is 1", 0.5, Finish.LENGTH), Piece("answer is 2", 0.5, Finish.END)]
    steps = await run_toy(
        "first_finish", ToyPolicy(lambda path: pieces, every=True), ToyVerifier({}), n=4, k=4
    )
    assert texts(steps[-1]) == ["answer is 2"] * 2
    assert {snapshot.step.phase for snapshot in steps} == {"race"} and len(steps) == 4


def test_more_winners_than_runners_are_refused_by_name() -> None:
    with pytest.raises(BadInput, match=r"parameter k.*got 5.*at most n = 4"):
        ENTRY.parse({"k": 5})


def test_an_engine_that_cannot_abort_is_refused_with_the_reason() -> None:
    spec = RunSpec(strategy="first_finish", question="q", verifier="logprob")
    info: EngineInfo = ScriptedRewardModel().info
    with pytest.raises(MissingCapability, match="First finish search needs abort"):
        check(spec, info, reward=False, known=False)


@pytest.mark.parametrize("k", [1, 3])
@pytest.mark.parametrize("seed", SEEDS)
async def test_in_lockstep_the_winners_are_the_k_shortest_of_n(seed: int, k: int) -> None:
    _, whole = await raced("best_of_n", ScriptedEngine(SCRIPT), seed=seed, n=7)
    full = keyed(solutions(whole))
    assert len(full) == 7 and {node.finish for node in full.values()} == {"end"}
    shortest = sorted(full.values(), key=lambda node: len(node.token_ids))
    _, sink = await raced(
        "first_finish", ScriptedEngine(SCRIPT, token_seconds=ONE_TOKEN_A_TURN), seed=seed, n=7, k=k
    )
    listed = [node for step in of(StepEnded, sink.events) for node in step.nodes]
    winners = [node for node in sink.nodes if node.id in listed]
    assert [len(node.token_ids) for node in winners] == [
        len(node.token_ids) for node in shortest[:k]
    ]
    assert all(node.token_ids == full[node.key].token_ids for node in winners)
    assert [node.id for node in winners] == listed == sorted(listed)


@pytest.mark.parametrize("seed", SEEDS)
async def test_the_others_stay_as_aborted_nodes_and_their_tokens_are_discarded(seed: int) -> None:
    full = keyed(solutions((await raced("best_of_n", ScriptedEngine(SCRIPT), seed=seed, n=7))[1]))
    engine = ScriptedEngine(SCRIPT, token_seconds=ONE_TOKEN_A_TURN)
    outcome, sink = await raced("first_finish", engine, seed=seed, n=7)
    everyone, stopped = solutions(sink), solutions(sink, "aborted")
    shortest = min(len(node.token_ids) for node in full.values())
    assert {node.key for node in everyone} == full.keys()
    assert all(len(node.token_ids) == shortest for node in everyone)
    assert all(node.token_ids == full[node.key].token_ids[:shortest] for node in everyone)
    assert (
        outcome.ledger["generated_tokens"]
        == 7 * shortest
        == (await engine.stats()).generated_tokens
    )
    assert outcome.ledger["discarded_tokens"] == len(stopped) * shortest
    assert len(stopped) == 7 - sum(len(node.token_ids) == shortest for node in full.values())
    assert (await engine.stats()).running == 0
    assert outcome.answer == str(shortest - len("\\boxed{00}") - 1)


async def test_all_cut_off_is_no_answer_though_one_could_be_read() -> None:
    script = {"": [("\\boxed{3} is what I think, but let me go on for a while", 1.0)]}
    outcome, sink = await raced("first_finish", ScriptedEngine(script), max_tokens=20, n=3)
    assert {node.finish for node in solutions(sink)} == {"length"}
    assert (outcome.status, outcome.answer, outcome.reason) == ("finished", None, "unfinished")


@pytest.mark.parametrize("token_seconds", [0.0, ONE_TOKEN_A_TURN])
async def test_a_rerun_has_the_same_trace_on_the_scripted_engine(token_seconds: float) -> None:
    engine, runs = ScriptedEngine(SCRIPT, token_seconds=token_seconds), []
    for _ in range(2):
        outcome, sink = await raced("first_finish", engine, seed=4, n=6, k=2)
        assert solutions(sink, "aborted")
        runs.append(
            (
                outcome.answer,
                outcome.chosen,
                [(node.key, node.parent_id, node.token_ids, node.finish) for node in sink.nodes],
            )
        )
    assert runs[0] == runs[1]


def at_desk(engine: TorchEngine, sink: MemorySink, seed: int) -> LivePolicy:
    """The policy of a run, outside a driver."""
    desk = RunContext(Control(), Meter({}, lambda: 0.0), Recorder(sink), NOTHING_PAID, seed)
    return LivePolicy(engine, desk, Sampling(max_tokens=400))


@pytest.mark.classroom
async def test_on_a_real_model_nothing_runs_any_more_when_the_winner_is_told() -> None:
    engine, sink = TorchEngine.load(CLASSROOM / "policy", threads=1), MemorySink()
    policy = at_desk(engine, sink, seed=3)
    root = await policy.root(problems.problem("ledger/5/1000017").question)
    steps = ENTRY.run(
        root, policy, ToyVerifier({}), ENTRY.parse({"n": 24}), np.random.default_rng(0)
    )
    async with aclosing(steps) as running:
        async for step in running:
            if step.phase == "win":
                stats = await engine.stats()
                written = stats.generated_tokens
                assert stats.running == 0
                await asyncio.sleep(0.1)
                assert (await engine.stats()).generated_tokens == written, "something still writes"
    await engine.close()
    winners, stopped = solutions(sink, "end"), solutions(sink, "aborted")
    assert len(winners) + len(stopped) == 24 and stopped
    assert sum(len(node.token_ids) for node in solutions(sink)) == written
    assert min(len(node.token_ids) for node in stopped) >= len(winners[0].token_ids)


@pytest.mark.classroom
async def test_on_a_real_model_a_rerun_has_the_same_winner_alone_and_beside_another_run() -> None:
    engine, winners = TorchEngine.load(CLASSROOM / "policy", threads=1), []
    for beside in (False, False, True):
        mine = raced("first_finish", engine, seed=5, n=6, k=2)
        others = [raced("best_of_n", engine, seed=6, n=8)] if beside else []
        (outcome, sink), *_ = await asyncio.gather(mine, *others)
        listed = [node for step in of(StepEnded, sink.events) for node in step.nodes]
        winners.append(
            (
                outcome.answer,
                [(node.key, node.token_ids) for node in sink.nodes if node.id in listed],
            )
        )
    await engine.close()
    assert winners[0] == winners[1] == winners[2] and len(winners[0][1]) == 2
