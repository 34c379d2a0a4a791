"""What other settings would have chosen: compared with live runs that have those settings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from backend import problems
from backend.core.errors import BadInput
from backend.core.events import StepEnded
from backend.core.records import MemorySink
from backend.core.registry import STRATEGIES
from backend.core.spec import RunSpec
from backend.core.types import JSON, Kind, Score
from backend.engines.scripted.engine import ScriptedEngine, ScriptedRewardModel
from backend.engines.scripted.toy import chance
from backend.judging.rules import SELECTORS
from backend.judging.verifiers.prm import ProcessRewardVerifier
from backend.problems.base import Grade, Problem
from backend.review.stored_run import ChosenAnswer, Trace, own_choice
from backend.review.what_if.what_if import Changes, Rescorer, Stored, WhatIf, replay, what_if
from backend.runs.driver import Outcome
from backend.service.jobs.recovery import read_paid
from storage import Store
from tests.golden import PROBLEM, differences, searched, spec, told_event
from tests.storage.traces import opened
from tests.support.logged import of

SAVED = (
    "tokens", "cached", "prompt_tokens", "cached_tokens", "verifier_tokens", "verifier_cached_tokens", "flops", "generated_tokens",
    "discarded_tokens", "model_calls",
)  # fmt: skip
"""What depends on which call paid for what, and on texts that a race gave up."""
NAMING = ("nodes", "particles", "path", "children", "rollout", "old", "new")
BUDGETS: list[dict[str, float]] = [{}, {"generated_tokens": 150}, {"model_calls": 6}, {"rounds": 2}]
CHANGES: list[tuple[str, dict[str, JSON]]] = [
    ("best_of_n", {"n": 2}), ("best_of_n", {"n": 6}), ("best_of_n", {"enough": 0.5}), ("beam_search", {"n": 2}), ("beam_search", {"beam_width": 4}),
    ("beam_search", {"beam_width": 1}), ("dvts", {"beam_width": 4}), ("lookahead", {"k": 1}), ("rebase", {"width": 4}),
    ("rebase", {"temperature": 5.0}),
    ("particle_filter", {"particles": 2}), ("particle_filter", {"ess_min": 0.1}), ("particle_gibbs", {"iterations": 1}),
    ("parallel_tempering", {"iterations": 1}), ("a_star", {"branching": 2}), ("a_star", {"cost_mode": "nlr"}), ("a_star", {"goals": 1}),
    ("mcts", {"simulations": 3}), ("mcts", {"children": 2}), ("global_frontier", {"expansions": 4}), ("ab_mcts", {"answers": 4}),
    ("tree_sampling", {"iterations": 4}), ("retro_search", {"tries": 1}), ("first_finish", {"k": 2}), ("first_finish", {"k": 8}),
    ("stepwise_best_of_n", {"n": 2}),
]  # fmt: skip


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    store = opened(tmp_path_factory.mktemp("what-if"))
    yield store
    store.close()


def grade(problem: Problem, answer: str | None) -> Grade:
    return problems.grade(problem, answer)


async def ran(asked: RunSpec) -> tuple[MemorySink, Outcome]:
    sink = MemorySink()
    return sink, await searched(asked, sink)


def kept(store: Store, sink: MemorySink, verifier: str = "prm") -> Stored:
    """The run read back from a real store."""
    run_id = store.create_run({}, problem=None, strategy="", model="", seed=0)
    writer = store.writer(run_id)
    writer.append(sink.nodes, sink.events)
    writer.flush()
    trace = Trace(store.read_paid_nodes(run_id), store.events(run_id, limit=None), verifier)
    return Stored(
        trace, read_paid(store, run_id), ScriptedEngine().info, ScriptedRewardModel().info, True
    )


async def asked_of(store: Store, sink: MemorySink, of: RunSpec, **changes: Any) -> WhatIf:
    return await what_if(
        of, Changes(**changes), PROBLEM, kept(store, sink, of.verifier), grade, None
    )


def told(trace: Trace | MemorySink) -> list[Any]:
    """What happened in the steps and between them, nodes by their keys: without the clock, the
    numbers of events and what depends on who paid."""
    keys = [node.key for node in trace.nodes]
    last = max((event.seq for event in trace.events if event.kind == "step"), default=-1)
    return [
        keyed(event, keys)
        for event in trace.events
        if event.seq <= last and event.kind not in ("call", "node")
    ]


def keyed(event: Any, keys: Sequence[str]) -> dict[str, Any]:
    named = {name: value for name, value in told_event(event, {}).items() if name != "seq"}
    data = {
        name: with_keys(value, keys) if name in NAMING else unpriced(value)
        for name, value in named.get("data", {}).items()
        if name not in SAVED
    }
    return {
        **named,
        "node_id": keys[named["node_id"]] if "node_id" in named else None,
        "data": data,
    }


def with_keys(value: Any, keys: Sequence[str]) -> Any:
    return [with_keys(part, keys) for part in value] if isinstance(value, list) else keys[value]


def unpriced(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: unpriced(part) for name, part in value.items() if name not in SAVED}
    return [unpriced(part) for part in value] if isinstance(value, list) else value


@pytest.mark.parametrize("name", list(STRATEGIES))
async def test_the_same_settings_give_the_same_search_without_a_model(
    name: str, store: Store
) -> None:
    for budget in BUDGETS:
        asked = spec(name, budget=budget)
        sink, outcome = await ran(asked)
        default = STRATEGIES[name].parse(asked.params).model_dump(mode="json")
        found = await asked_of(store, sink, asked, params=default)
        assert (found.whole, found.reason, found.node) == (True, "", None)
        assert found.rounds == sum(event.kind == "step" for event in sink.events)
        judged = (
            None
            if outcome.chosen is None
            else ChosenAnswer(outcome.chosen, outcome.answer, outcome.correct)
        )
        assert found.found.chosen == judged == own_choice(sink.events)


@pytest.mark.parametrize("budget", BUDGETS, ids=str)
@pytest.mark.parametrize(("name", "params"), CHANGES, ids=str)
async def test_a_changed_search_is_the_live_one_as_far_as_it_is_exact(
    name: str, params: dict[str, JSON], budget: dict[str, float], store: Store
) -> None:
    asked = spec(name, budget=budget)
    sink, _ = await ran(asked)
    changes = Changes(params=params)
    live, outcome = await ran(changes.apply(asked))
    found = await replay(changes.apply(asked), PROBLEM, kept(store, sink), grade, None)
    anew, real = told(found.trace), told(live)
    assert list(differences(real[: len(anew)], anew)) == []
    if found.unpaid is None:
        assert own_choice(found.trace.events) == own_choice(live.events)
        assert len(anew) == len(real)
    answer = await asked_of(store, sink, asked, params=params)
    assert (answer.whole, answer.rounds) == (
        found.unpaid is None,
        sum(event.kind == "step" for event in found.trace.events),
    )
    if answer.whole and answer.found.chosen is not None:
        assert (answer.found.chosen.answer, answer.found.chosen.correct) == (
            outcome.answer,
            outcome.correct,
        )


@pytest.mark.parametrize("how", ["min", "mean", "prod"])
@pytest.mark.parametrize("name", ["beam_search", "particle_filter", "a_star", "mcts", "best_of_n"])
async def test_another_aggregation_steers_the_search_as_a_live_run_with_it(
    name: str, how: Any, store: Store
) -> None:
    asked = spec(name)
    sink, _ = await ran(asked)
    changes = Changes(aggregation=how)
    live, outcome = await ran(changes.apply(asked))
    found = await replay(changes.apply(asked), PROBLEM, kept(store, sink), grade, None)
    assert list(differences(told(live)[: len(told(found.trace))], told(found.trace))) == []
    answer = await asked_of(store, sink, asked, aggregation=how)
    if answer.whole:
        assert answer.found.chosen is not None and answer.found.chosen.answer == outcome.answer


def other_scores(question: str, steps: tuple[str, ...]) -> list[float]:
    """What another reward model says: nothing that the first one would."""
    return [round(chance("another", *steps[: place + 1]), 4) for place in range(len(steps))]


@pytest.mark.parametrize("how", ["last", "min"])
@pytest.mark.parametrize("name", ["beam_search", "particle_filter", "a_star", "mcts", "best_of_n"])
async def test_another_verifiers_scores_steer_the_search_as_a_live_run_with_it(
    name: str, how: Any, store: Store
) -> None:
    asked, other = spec(name, aggregation=how), ScriptedRewardModel(other_scores)
    sink, _ = await ran(asked)
    live = MemorySink()
    outcome = await searched(asked, live, reward=other)
    read = kept(store, sink)
    nodes = [node for node in read.trace.nodes if node.kind is not Kind.PROMPT]
    scores = await ProcessRewardVerifier(other, PROBLEM.question, aggregation=how).score(nodes)
    judge = Rescorer(
        "prm other",
        {read.trace.ids[node]: score for node, score in zip(nodes, scores, strict=True)},
    )
    found = await replay(asked, PROBLEM, read, grade, None, judge)
    assert (
        told(found.trace)
        and list(differences(told(live)[: len(told(found.trace))], told(found.trace))) == []
    )
    answer = await what_if(asked, Changes(judge=judge), PROBLEM, read, grade, None)
    assert (answer.whole, answer.rounds) == (
        found.unpaid is None,
        sum(event.kind == "step" for event in found.trace.events),
    )
    if answer.whole:
        assert answer.found.chosen is not None and answer.found.chosen.answer == outcome.answer
    if name == "best_of_n":
        assert answer.whole


async def test_a_node_that_the_other_verifier_did_not_score_ends_the_what_if(store: Store) -> None:
    asked = spec("best_of_n", verifier="logprob")
    sink, _ = await ran(asked)
    found = await what_if(
        asked,
        Changes(judge=Rescorer("exact", {1: Score(1.0, (1.0,))})),
        PROBLEM,
        kept(store, sink, "logprob"),
        grade,
        None,
    )
    assert (found.whole, found.reason) == (False, "a step would have been scored that never was")


async def test_another_rule_chooses_among_the_stored_candidates_and_is_exact_to_the_end(
    store: Store,
) -> None:
    asked = spec("best_of_n", params={"n": 12})
    sink, _ = await ran(asked)
    for selector in SELECTORS:
        _, judge = await ran(asked.model_copy(update={"selector": selector}))
        found = await asked_of(store, sink, asked, selector=selector)
        assert found.found.chosen == ChosenAnswer(judge.chosen, judge.answer, judge.correct), (
            selector
        )
        assert found.whole and found.rounds == 12


async def test_only_the_first_candidates_stand(store: Store) -> None:
    asked = spec("best_of_n", params={"n": 12})
    sink, _ = await ran(asked)
    steps = of(StepEnded, sink.events)
    for first in (1, 3, 12):
        standing = [
            (value, -node)
            for step in steps[:first]
            for node, value in zip(step.nodes, step.values, strict=True)
        ]
        found = await asked_of(store, sink, asked, first=first)
        assert found.found.candidates == first
        assert found.found.chosen is not None and found.found.chosen.node == -max(standing)[1]


async def test_what_the_stored_run_never_asked_is_named_with_its_round_and_node(
    store: Store,
) -> None:
    asked = spec("best_of_n")
    sink, _ = await ran(asked)
    wider = await asked_of(store, sink, asked, params={"n": 6})
    assert (wider.whole, wider.rounds, wider.node) == (False, 4, 0)
    assert wider.reason == "a continuation would have been drawn that never was"
    narrower = await asked_of(store, sink, asked, params={"n": 2})
    assert (narrower.whole, narrower.rounds, narrower.found.candidates) == (True, 2, 2)
    beam = spec("beam_search")
    sink, _ = await ran(beam)
    deeper = await asked_of(store, sink, beam, params={"n": 8})
    assert (deeper.whole, deeper.rounds, deeper.node, deeper.found.chosen) == (False, 0, 0, None)


async def test_ids_are_those_of_the_stored_run_where_the_search_makes_its_nodes_in_another_order(
    store: Store,
) -> None:
    asked = spec("a_star", params={"branching": 3, "goals": 1, "expansions": 30})
    sink, _ = await ran(asked)
    found = await asked_of(store, sink, asked, params={"branching": 2})
    anew = await replay(
        Changes(params={"branching": 2}).apply(asked), PROBLEM, kept(store, sink), grade, None
    )
    stood = own_choice(anew.trace.events)
    assert (
        found.found.chosen is not None
        and found.found.chosen.node is not None
        and stood is not None
        and stood.node is not None
    )
    assert sink.nodes[found.found.chosen.node].key == anew.trace.nodes[stood.node].key
    assert found.found.chosen.node != stood.node
    assert {node.key for node in anew.trace.nodes} <= {node.key for node in sink.nodes}


async def test_names_and_parameters_that_do_not_exist_are_refused(store: Store) -> None:
    asked = spec("beam_search")
    sink, _ = await ran(asked)
    unknown: list[dict[str, Any]] = [
        {"selector": "loudest"},
        {"params": {"luck": 1}},
        {"params": {"beam_width": 3}},
    ]
    for changes in (*unknown, {"selector": "best", "selector_params": {"tau": 1}}):
        with pytest.raises(BadInput):
            await asked_of(store, sink, asked, **changes)
