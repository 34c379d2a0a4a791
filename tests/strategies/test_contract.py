"""What every strategy promises, stated once and checked on each one that is registered."""

from __future__ import annotations

import asyncio
import itertools
import json
import math
import zlib
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backend.core.errors import BudgetExhausted
from backend.core.records import MemorySink
from backend.core.registry import STRATEGIES
from backend.core.steps import Backed, Remarked, Weighed
from backend.core.types import Finish, Kind, Node, Score, ancestors
from backend.runs.recorder import Recorder
from tests.strategies.running import Snapshot, notes_of, run
from tests.support.enumerable import (
    LETTER_SCORES,
    LETTERS,
    Piece,
    ToyPolicy,
    ToyVerifier,
    answer_text,
    below,
    prompt,
)
from tests.support.logged import rows

VARIANTS: dict[str, list[dict[str, Any]]] = {
    "chain": [{"greedy": True}],
    "best_of_n": [{"n": 9}],
    "first_finish": [{"n": 9, "k": 3}],
    "stepwise_best_of_n": [{"n": 1}],
    "beam_search": [
        {"n": 12, "beam_width": 3},
        {"n": 12, "beam_width": 3, "filter_duplicates": True},
    ],
    "lookahead": [
        {"n": 12, "beam_width": 3, "k": 1},
        {"n": 8, "beam_width": 2, "k": 2, "filter_duplicates": True},
        {"k": 0},
    ],
    "dvts": [{"n": 9, "beam_width": 3}],
    "rebase": [{"width": 5, "temperature": 1.0}, {"truncate_ratio": 0.5, "max_tokens": 6}],
    "particle_filter": [
        {"particles": 7, "scheme": "residual"},
        {"particles": 7, "reweigh_finished": True},
        {"scheme": "systematic"},
        {"mode": "exact", "particles": 7},
        {"mode": "exact", "ess_min": 1.0, "potential": "odds", "scheme": "stratified"},
        {"mode": "exact", "ess_min": 0.0},
        {"particles": 7, "anneal_below": 1.0},
    ],
    "particle_gibbs": [{"particles": 2, "iterations": 3}, {"mode": "exact", "answer": "all"}],
    "parallel_tempering": [
        {"particles": 3, "chains": 2, "answer": "all"},
        {"mode": "exact", "iterations": 2},
    ],
    "a_star": [
        {"cost_mode": "rise", "goals": 3},
        {"cost_mode": "one_minus_r"},
        {"cost_mode": "nlr", "open_limit": 3},
        {"scope": "local"},
    ],
    "mcts": [
        {"formula": "puct", "simulations": 40},
        {"exploration": 0.0, "children": 2},
        {"formula": "rstar", "schedule": "exp", "value": "rollout"},
        {"formula": "rest", "value": "mixed", "backup": "children"},
        {"formula": "treequest", "schedule": "lin", "children": 2},
        {"formula": "deepsearch", "backup": "children"},
        {"formula": "reasoners", "value": "rollout"},
    ],
    "global_frontier": [
        {"width": 3, "own_weight": 0.4, "depth_bonus": "log"},
        {"depth_bonus": "linear", "depth_weight": 0.1, "expansions": 60},
    ],
    "ab_mcts": [
        {"prior": "beta"},
        {"batch": 5, "answers": 24},
        {"max_depth": 1},
        {"max_depth": 12, "answers": 40},
    ],
    "tree_sampling": [
        {"mode": "dts_star"},
        {"mode": "dts_star", "answer": "best"},
        {"reward_weight": 8.0, "widening": 3.0, "iterations": 24},
    ],
    "retro_search": [{"start": "random", "tries": 2}, {"traces": 3}],
}
CASES = [(name, params) for name in STRATEGIES for params in ({}, *VARIANTS.get(name, []))]
LIMITED = [
    (name, params) for name, params in CASES if "max_steps" in STRATEGIES[name].params.model_fields
]
SCORED = [(name, params) for name, params in CASES if STRATEGIES[name].card.needs_verifier]

on_all = pytest.mark.parametrize(("name", "params"), CASES, ids=str)
on_limited = pytest.mark.parametrize(("name", "params"), LIMITED, ids=str)
on_scored = pytest.mark.parametrize(("name", "params"), SCORED, ids=str)


def wild(path: str) -> list[Piece]:
    """Anything may happen: ends, empty steps, length limits, failed generations; never less than
    one way on."""
    dice = zlib.crc32(path.encode())
    return [
        Piece("a", 0.4),
        Piece("b", 0.3, Finish.END if dice % 3 == 0 else Finish.STEP),
        Piece("c", 0.2, Finish.LENGTH if dice % 2 else Finish.STEP),
        Piece("", 0.07),
        Piece("d", 0.03, Finish.ABORTED),
    ]


def wild_score(path: str) -> float | None:
    """A score, or none, or what is no number, by the text."""
    dice = zlib.crc32(path.encode()) % 20
    return None if dice < 3 else math.nan if dice == 3 else (1 + dice) / 20


def forever(path: str) -> list[Piece]:
    """The same step again and again."""
    return [Piece("a", 1.0)]


async def wandered(
    name: str,
    policy: ToyPolicy,
    verifier: ToyVerifier,
    *,
    root: Node | None = None,
    seed: int = 0,
    **params: Any,
) -> list[Snapshot]:
    """The steps of a run in the wild."""
    return await run(name, policy, verifier, root=root, seed=seed, **params)


def record(steps: list[Snapshot], born: list[Node]) -> list[object]:
    """The trace of a run without its times, through JSON and back."""
    sink = MemorySink()
    recorder = Recorder(sink)
    for node in born:
        recorder.node(node)
    for snapshot in steps:
        recorder.step(snapshot.step, 0)
    recorder.flush()
    events = [
        (e.seq, e.kind, e.node_id, e.track, e.round, e.phase, e.value, e.data)
        for e in rows(sink.events)
    ]
    kept: list[object] = json.loads(
        json.dumps([[(n.text, n.parent_id, n.depth) for n in sink.nodes], events], allow_nan=False)
    )
    return kept


@on_all
async def test_same_seed_gives_the_same_trace_and_leaves_the_global_generator_alone(
    name: str, params: dict[str, Any]
) -> None:
    before = repr(np.random.get_state())
    traces = []
    for _ in range(2):
        policy, verifier = ToyPolicy(wild, seed=3), ToyVerifier(wild_score)
        traces.append(record(await wandered(name, policy, verifier, seed=5, **params), policy.born))
    assert traces[0] == traces[1]
    assert repr(np.random.get_state()) == before


@on_all
@pytest.mark.parametrize("seed", range(3))
async def test_every_step_is_a_legal_place_to_stop(
    name: str, params: dict[str, Any], seed: int
) -> None:
    root, policy = prompt(), ToyPolicy(wild, seed)
    steps = await wandered(name, policy, ToyVerifier(wild_score), root=root, seed=seed, **params)
    for earlier, later in itertools.pairwise(steps):
        if earlier.step.nodes is later.step.nodes:
            assert later.nodes[: len(earlier.nodes)] == earlier.nodes
            assert later.values[: len(earlier.values)] == earlier.values
    for snapshot in steps:
        assert len(snapshot.nodes) == len(snapshot.values)
        assert all(value is None or math.isfinite(value) for value in snapshot.values)
        assert all(node is root or root in ancestors(node) for node in snapshot.nodes)
        assert all(math.isfinite(value) for value in snapshot.step.stats.values())
        assert not any(node.kind is Kind.ROLLOUT for node in snapshot.nodes)


@on_scored
async def test_every_value_is_the_score_of_its_node(name: str, params: dict[str, Any]) -> None:
    def score(path: str) -> float:
        return (zlib.crc32(path.encode()) % 1000) / 1000

    for snapshot in await run(name, ToyPolicy(wild), ToyVerifier(score), **params):
        for node, value in zip(snapshot.nodes, snapshot.values, strict=True):
            assert value is None or value == score(node.solution_text())


@on_limited
@pytest.mark.parametrize("rounds", [1, 2, 5])
@pytest.mark.parametrize("depth", [0, 3])
async def test_max_steps_is_exact_and_counts_from_the_root(
    name: str, params: dict[str, Any], rounds: int, depth: int
) -> None:
    policy = ToyPolicy(forever)
    root = below("a", depth) if depth else prompt()
    await run(
        name, policy, ToyVerifier(lambda path: 0.5), root=root, **(params | {"max_steps": rounds})
    )
    assert max(node.depth for node in policy.born) == depth + rounds


@on_all
@pytest.mark.parametrize("seed", range(3))
async def test_finished_and_dead_nodes_are_never_extended_and_nothing_is_scored_twice(
    name: str, params: dict[str, Any], seed: int
) -> None:
    policy, verifier = ToyPolicy(wild, seed), ToyVerifier(wild_score)
    await wandered(name, policy, verifier, seed=seed, **params)
    assert not any(node.done for node in policy.asked)
    assert not any(
        node.kind is Kind.STEP and not node.text.strip() and node in policy.born
        for node in policy.asked
    )
    assert max(Counter(verifier.scored).values(), default=0) <= 1
    assert not any(
        node.finish is Finish.ABORTED or (not node.text and not node.done)
        for node in verifier.scored
    )


@on_scored
@pytest.mark.parametrize("seed", range(3))
async def test_an_unscored_node_is_not_selected_while_a_scored_sibling_waits(
    name: str, params: dict[str, Any], seed: int
) -> None:
    policy, verifier = ToyPolicy(wild, seed), ToyVerifier(wild_score)
    steps = await wandered(name, policy, verifier, seed=seed, **params)
    if any(isinstance(note, Weighed) for snapshot in steps for note in snapshot.step.notes):
        # a particle without a score takes the mean weight and may live on: see the tests of the
        # particle filter
        return
    known = {node: Score(wild_score(node.solution_text())).value for node in verifier.scored}
    for place, node in enumerate(policy.extended):
        if node in known and not known[node]:
            waiting = [
                other
                for other, score in known.items()
                if score
                and not other.done
                and other.parent is node.parent
                and other not in policy.extended[:place]
            ]
            assert not waiting


@on_scored
async def test_a_round_without_any_score_goes_on_and_is_told(
    name: str, params: dict[str, Any]
) -> None:
    verifier = ToyVerifier({})
    steps = await run(name, ToyPolicy(LETTERS), verifier, **params)
    assert steps and verifier.scored
    assert all(value is None for snapshot in steps for value in snapshot.values)
    remarks = [note for note in notes_of(steps, Remarked) if isinstance(note, Remarked)]
    assert any("could" in note.text and "be scored" in note.text for note in remarks)
    assert not any(isinstance(note, Backed) and note.value for note in notes_of(steps, Backed))


@on_scored
async def test_scores_that_come_back_after_a_round_without_any_steer_again(
    name: str, params: dict[str, Any]
) -> None:
    """The first call of the verifier fails, and all others succeed."""
    first: list[str] = []

    def late(path: str) -> float | None:
        first.extend([path] if not first else [])
        return None if path in first else 0.5

    steps = await run(name, ToyPolicy(LETTERS), ToyVerifier(late), **params)
    assert steps and any(value is not None for value in steps[-1].values)


@on_all
async def test_a_root_in_the_middle_of_a_tree_is_continued_where_it_stands(
    name: str, params: dict[str, Any]
) -> None:
    root, policy = below("a", 3), ToyPolicy(LETTERS)
    steps = await run(name, policy, ToyVerifier(LETTER_SCORES), root=root, **params)
    assert all(root in ancestors(node) for node in policy.born)
    finished = [node for node in steps[-1].nodes if node.done]
    assert finished
    assert all(answer_text(node) in ("aaa", "aab", "aba", "abb") for node in finished)


@on_all
async def test_a_finished_root_costs_nothing(name: str, params: dict[str, Any]) -> None:
    policy, verifier = ToyPolicy(LETTERS), ToyVerifier(LETTER_SCORES)
    root = Node("aab", parent=prompt(), depth=1, done=True, finish=Finish.END)
    await run(name, policy, verifier, root=root, **params)
    assert policy.asked == verifier.scored == []


@on_all
@pytest.mark.parametrize("after", [1, 2])
async def test_closing_early_leaves_nothing_running(
    name: str, params: dict[str, Any], after: int
) -> None:
    policy = ToyPolicy(wild)
    await run(name, policy, ToyVerifier(wild_score), stop_after=after, **params)
    assert policy.open_races == 0
    assert asyncio.all_tasks() == {asyncio.current_task()}


@on_all
@pytest.mark.parametrize("budget", [0, 1, 3])
async def test_a_spent_budget_passes_through_and_what_was_yielded_stands(
    name: str, params: dict[str, Any], budget: int
) -> None:
    steps: list[Snapshot] = []
    with pytest.raises(BudgetExhausted):
        await run(
            name,
            ToyPolicy(forever, budget=budget),
            ToyVerifier(lambda path: 0.5),
            into=steps,
            **params,
        )
    full = await run(name, ToyPolicy(forever), ToyVerifier(lambda path: 0.5), **params)
    assert [len(snapshot.nodes) for snapshot in steps] == [
        len(snapshot.nodes) for snapshot in full[: len(steps)]
    ]


@on_scored
async def test_a_spent_verifier_budget_passes_through(name: str, params: dict[str, Any]) -> None:
    with pytest.raises(BudgetExhausted):
        await run(name, ToyPolicy(LETTERS), ToyVerifier(LETTER_SCORES, budget=0), **params)


@on_all
async def test_a_cancellation_passes_through(name: str, params: dict[str, Any]) -> None:
    def cancelled(path: str) -> list[Piece]:
        raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await run(name, ToyPolicy(cancelled), ToyVerifier(LETTER_SCORES), **params)


@on_all
async def test_phases_are_declared_lines_of_pseudo_code_and_notes_can_be_stored(
    name: str, params: dict[str, Any]
) -> None:
    for language, score in ((wild, wild_score), (LETTERS, LETTER_SCORES.get)):
        policy = ToyPolicy(language)
        steps = await wandered(name, policy, ToyVerifier(score), **params)
        assert {snapshot.step.phase for snapshot in steps} <= STRATEGIES[name].card.phases.keys()
        assert record(steps, policy.born)


@pytest.mark.parametrize("name", list(STRATEGIES))
def test_the_catalogue_can_introduce_it(name: str) -> None:
    entry = STRATEGIES[name]
    card = entry.card
    assert card.title and entry.summary and card.paper and card.year and card.phases
    assert entry.parse({}) == entry.params()
    schema = entry.params.model_json_schema()["properties"]
    assert all(field.get("description") and "default" in field for field in schema.values())
    page = Path(__file__).parents[2] / "docs" / "strategies" / f"{name}.md"
    assert all(f"`{field}`" in page.read_text(encoding="utf-8") for field in schema)
