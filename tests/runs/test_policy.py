"""The policy and verifier a strategy is handed: keys, seeds, budget, records, replay."""

from __future__ import annotations

import asyncio
import math
from contextlib import aclosing

import pytest
from msgspec.structs import replace

from backend.core.errors import BudgetExhausted, EngineFailure
from backend.core.events import CallEnded, LikelihoodGiven, NodeAdded, ScoreGiven
from backend.core.ports import END, Completion, Sampling
from backend.core.records import MemorySink
from backend.core.types import Finish, Kind, Node, Score
from backend.runs.budget import Meter
from backend.runs.context import RunContext
from backend.runs.control import Control
from backend.runs.paid import NOTHING_PAID, Paid, PaidLikelihood, PaidScore, index_paid
from backend.runs.policy import LivePolicy
from backend.runs.recorder import Recorder
from backend.runs.verifier import LiveVerifier
from tests.support.fake_engine import FakeEngine, FakeVerifier
from tests.support.logged import of


class Bench:
    """A policy and a verifier at one desk, with everything they leave behind."""

    def __init__(
        self,
        engine: FakeEngine | None = None,
        *,
        seed: int = 7,
        earlier: Paid = NOTHING_PAID,
        **limits: float,
    ) -> None:
        self.engine, self.sink, self.inner = engine or FakeEngine(), MemorySink(), FakeVerifier()
        recorder = Recorder(self.sink, skip=earlier.next_seq)
        self.meter, self.control = Meter(limits, lambda: 0.0), Control()
        self.desk = RunContext(self.control, self.meter, recorder, earlier, seed)
        self.policy = LivePolicy(self.engine, self.desk, Sampling())
        self.verifier = LiveVerifier(self.inner, self.desk, "digit")


async def grown(bench: Bench, widths: tuple[int, ...] = (2, 2)):
    """A small search: each level extends every node of the last."""
    level = [await bench.policy.root("q")]
    for width in widths:
        level = [node for group in await bench.policy.extend(level, width) for node in group]
        await bench.verifier.score(level)
    return level


async def test_group_i_holds_the_children_of_node_i() -> None:
    bench = Bench()
    root = await bench.policy.root("q")
    ([first, second],) = await bench.policy.extend([root], 2)
    groups = await bench.policy.extend([first, second], 3)
    assert [[child.parent for child in group] for group in groups] == [[first] * 3, [second] * 3]
    assert first.depth == 1 and first.finish is Finish.STEP and not first.done


async def test_a_finished_node_extends_to_itself_and_costs_nothing() -> None:
    bench = Bench(FakeEngine(depth=0))
    [[leaf]] = await bench.policy.extend([await bench.policy.root("q")])
    before = bench.meter.ledger.snapshot()
    assert leaf.done and await bench.policy.extend([leaf, leaf], 4) == [[leaf], [leaf]]
    assert bench.meter.ledger.snapshot() == before


async def test_seeds_follow_the_call_and_not_the_shape_of_the_batch() -> None:
    together, apart = Bench(), Bench()
    root = await together.policy.root("q")
    [[a, b, c]] = await together.policy.extend([root], 3)
    root = await apart.policy.root("q")
    singles = [(await apart.policy.extend([root]))[0][0] for _ in range(3)]
    assert [node.key for node in (a, b, c)] == [node.key for node in singles]
    assert [r.seed for r in together.engine.sent] == [r.seed for r in apart.engine.sent]
    assert len({r.seed for r in together.engine.sent}) == 3


async def test_another_run_seed_gives_other_request_seeds() -> None:
    one, other = Bench(seed=1), Bench(seed=2)
    for bench in (one, other):
        await grown(bench, (2,))
    assert not {r.seed for r in one.engine.sent} & {r.seed for r in other.engine.sent}


async def test_the_prompt_of_a_request_is_exactly_the_ids_of_the_path() -> None:
    bench = Bench()
    [leaf, *_] = await grown(bench)
    await bench.policy.extend([leaf])
    assert bench.engine.sent[-1].token_ids == leaf.context_ids()
    assert bench.engine.sent[-1].text == "<q>" + leaf.solution_text()


async def test_records_have_dense_numbers_and_parents_come_first() -> None:
    bench = Bench()
    await grown(bench, (2, 2, 1, 1))
    bench.desk.recorder.flush()
    assert [node.id for node in bench.sink.nodes] == list(range(len(bench.sink.nodes)))
    assert [event.seq for event in bench.sink.events] == list(range(len(bench.sink.events)))
    assert all(node.parent_id is None or node.parent_id < node.id for node in bench.sink.nodes)
    assert (
        sum(len(node.token_ids) for node in bench.sink.nodes if node.kind == "step")
        == bench.meter.ledger.generated_tokens
    )


async def test_generated_tokens_never_exceed_the_budget_and_the_cut_is_named() -> None:
    bench = Bench(FakeEngine(depth=30), generated_tokens=200)
    root = await bench.policy.root("q")
    with pytest.raises(BudgetExhausted, match="generated_tokens"):
        while True:
            await bench.policy.extend([root], 3, until=END)
    bench.desk.recorder.flush()
    assert 0 < bench.meter.ledger.generated_tokens <= 200
    assert {node.finish for node in bench.sink.nodes if node.kind == "step"} == {"budget"}
    assert not any(node.done for node in bench.sink.nodes)


async def test_a_batch_that_is_only_partly_admitted_is_recorded_before_it_raises() -> None:
    bench = Bench(FakeEngine(depth=0), model_calls=3)
    root = await bench.policy.root("q")
    with pytest.raises(BudgetExhausted, match="model_calls"):
        await bench.policy.extend([root], 5)
    assert bench.meter.ledger.model_calls == 3
    assert len(bench.policy.finished) == 3


async def test_each_node_is_scored_once() -> None:
    bench = Bench()
    level = await grown(bench, (2,))
    first = await bench.verifier.score(level)
    assert await bench.verifier.score([*level, *level]) == [*first, *first]
    assert len(bench.inner.asked) == len(set(bench.inner.asked)) == 2
    assert bench.meter.ledger.verifier_calls == 2


async def test_scores_that_no_longer_fit_raise_after_those_that_do() -> None:
    bench = Bench(verifier_calls=1)
    root = await bench.policy.root("q")
    [pair] = await bench.policy.extend([root], 2)
    with pytest.raises(BudgetExhausted, match="verifier_calls"):
        await bench.verifier.score(pair)
    assert (
        bench.verifier.find_known(pair[0]) is not None
        and bench.verifier.find_known(pair[1]) is None
    )


async def test_a_race_yields_as_they_finish_and_closing_keeps_the_partial_texts() -> None:
    bench = Bench(FakeEngine(depth=1, stalling=True))
    root = await bench.policy.root("q")
    async with aclosing(bench.policy.race([root], 4)) as race:
        async for index, winner in race:
            assert index == 0 and winner.done
            break
    bench.desk.recorder.flush()
    finishes = [node.finish for node in bench.sink.nodes if node.kind == "step"]
    assert finishes == ["end", "aborted", "aborted", "aborted"]
    assert bench.meter.ledger.discarded_tokens == 3
    assert bench.engine.running == 0


async def test_a_request_that_fails_leaves_a_finished_node_that_is_no_candidate() -> None:
    bench = Bench(FakeEngine(failing="context full: 4097 of 4096 tokens"))
    with pytest.raises(EngineFailure, match="context full"):
        await bench.policy.extend([await bench.policy.root("q")], 2)


async def test_injected_text_is_marked_and_not_counted_as_generated() -> None:
    bench = Bench(FakeEngine(depth=0))
    [[leaf]] = await bench.policy.extend([await bench.policy.root("q")])
    before = bench.meter.ledger.generated_tokens
    again = await bench.policy.inject(leaf, "Wait", "budget forcing")
    assert (again.kind, again.done, again.logprobs) == (Kind.INJECTED, False, None)
    assert bench.meter.ledger.generated_tokens == before


async def test_what_follows_a_reopened_text_stands_where_its_end_token_stood() -> None:
    bench = Bench(FakeEngine(depth=0))
    [[leaf]] = await bench.policy.extend([await bench.policy.root("q")])
    again = await bench.policy.inject(leaf, "Wait", "budget forcing")
    assert leaf.finish is Finish.END and leaf.context_ids()[-1] == 0
    assert again.context_ids() == (*leaf.context_ids()[:-1], *map(ord, "Wait"))


async def test_a_finished_rollout_is_no_candidate() -> None:
    bench = Bench(FakeEngine(depth=0))
    root = await bench.policy.root("q")
    await bench.policy.extend([root], kind=Kind.ROLLOUT)
    [[leaf]] = await bench.policy.extend([root])
    assert bench.policy.finished == [leaf]


async def test_a_paused_run_waits_at_its_next_call() -> None:
    bench = Bench()
    root = await bench.policy.root("q")
    bench.control.pause()
    waiting = asyncio.create_task(bench.policy.extend([root]))
    await asyncio.sleep(0.02)
    assert not waiting.done() and bench.engine.sent == []
    bench.control.resume()
    assert len(await waiting) == 1


def inside(key: str) -> str:
    """The key of a call without the name of its run, which is only for the engine."""
    return key.partition("/")[2]


def earlier_run(bench: Bench, *, upto: int | None = None) -> Paid:
    """What a store would give back of the bench's run, cut after `upto` events."""
    bench.desk.recorder.flush()
    nodes = {node.id: node for node in bench.sink.nodes}
    events = bench.sink.events[:upto]
    kept = [nodes[added.node] for added in of(NodeAdded, events)]
    completions = [
        replace(bench.engine.answer(request), key=node.key)
        for node in kept
        for request in bench.engine.sent
        if inside(request.key) == node.key
    ]
    scores = {
        ("digit", nodes[given.node].key): PaidScore(
            Score(given.value, given.steps), given.tokens, given.cached
        )
        for given in of(ScoreGiven, events)
    }
    likelihoods = {
        given.key: PaidLikelihood(
            -math.inf if given.value is None else given.value,
            given.prompt_tokens,
            given.cached_tokens,
        )
        for given in of(LikelihoodGiven, events)
    }
    return index_paid(
        completions, scores, next_seq=len(events), elapsed_ms=0.0, likelihoods=likelihoods
    )


async def test_a_rerun_is_answered_from_the_store_and_makes_the_same_records() -> None:
    first = Bench()
    await grown(first)
    again = Bench(earlier=earlier_run(first))
    await grown(again)
    again.desk.recorder.flush()
    assert again.engine.sent == [] and again.inner.asked == []
    assert again.sink.events == [] and again.sink.nodes == []
    assert again.meter.ledger.snapshot() == first.meter.ledger.snapshot()


async def test_a_run_cut_off_goes_live_at_the_first_call_that_was_not_paid() -> None:
    whole = Bench()
    await grown(whole)
    whole.desk.recorder.flush()
    for cut in range(2, len(whole.sink.events)):
        resumed = Bench(earlier=earlier_run(whole, upto=cut))
        await grown(resumed)
        resumed.desk.recorder.flush()
        assert [event.seq for event in resumed.sink.events] == list(
            range(cut, len(whole.sink.events))
        )
        assert [(node.id, node.key, node.text) for node in resumed.sink.nodes] == [
            (node.id, node.key, node.text) for node in whole.sink.nodes if node.seq >= cut
        ]
        assert resumed.meter.ledger.generated_tokens == whole.meter.ledger.generated_tokens


async def test_a_text_cut_by_the_budget_is_generated_anew_with_more_of_it_only() -> None:
    first = Bench(FakeEngine(depth=30), generated_tokens=20)
    await first.policy.extend([await first.policy.root("q")], until=END)
    first.desk.recorder.flush()
    cut = first.sink.nodes[-1]
    assert cut.finish == "budget"
    answer = Completion(cut.key, cut.text, cut.token_ids, cut.logprobs, Finish.BUDGET, 3)
    for limit, sent in ((20, 0), (200, 1)):
        again = Bench(
            FakeEngine(depth=30),
            generated_tokens=limit,
            earlier=index_paid([answer], {}, next_seq=0, elapsed_ms=0.0),
        )
        [[node]] = await again.policy.extend([await again.policy.root("q")], until=END)
        assert len(again.engine.sent) == sent
        assert (node.text == cut.text) is (sent == 0) and node.solution_text().startswith(cut.text)


async def test_two_runs_of_one_spec_share_an_engine_without_sharing_names() -> None:
    engine = FakeEngine()
    await asyncio.gather(grown(Bench(engine)), grown(Bench(engine)))
    keys = [request.key for request in engine.sent]
    assert len(set(keys)) == len(keys) and len({inside(key) for key in keys}) * 2 == len(keys)


Pairs = list[tuple[Node, list[Node]]]


async def judged(bench: Bench, *tails: str) -> Pairs:
    """A node for each tail, below which a copy of the tail's steps may hang."""
    root = await bench.policy.root("q")
    [nodes] = await bench.policy.extend([root], len(tails))
    return [
        (node, [Node(part, tuple(map(ord, part)), key=part) for part in tail.split("|")])
        for node, tail in zip(nodes, tails, strict=True)
    ]


async def test_given_steps_are_judged_as_they_are_drawn_each_pair_once_and_in_order() -> None:
    bench = Bench()
    one, two = await judged(bench, "ab|c", "abcd|efgh")
    assert await bench.policy.log_likelihoods([two, one, two]) == [-4.0, -1.5, -4.0]
    assert [given.token_ids for given in bench.engine.judged] == [
        two[0].context_ids(),
        one[0].context_ids(),
    ]
    assert [given.given for given in bench.engine.judged] == [
        tuple(map(ord, "abcdefgh")),
        tuple(map(ord, "abc")),
    ]
    assert {given.sampling for given in bench.engine.judged} == {bench.policy.sampling}
    assert await bench.policy.log_likelihoods([]) == []


async def test_judging_costs_calls_and_prompt_tokens_but_no_generated_ones_and_is_recorded() -> (
    None
):
    bench = Bench()
    pairs = await judged(bench, "abc", "a|?")
    before = bench.meter.ledger.snapshot()
    assert await bench.policy.log_likelihoods(pairs) == [-1.5, -math.inf]
    spent = {
        axis: value - before[axis]
        for axis, value in bench.meter.ledger.snapshot().items()
        if value != before[axis]
    }
    assert spent == {
        "model_calls": 2,
        "prompt_tokens": len(pairs[0][0].context_ids()) + 3,
        "cached_tokens": 2,
    }
    first, second, call = (event.body for event in bench.sink.events[-3:])
    assert isinstance(first, LikelihoodGiven) and isinstance(second, LikelihoodGiven)
    assert isinstance(call, CallEnded) and (first.value, call.generated_tokens) == (-1.5, 0)
    assert (second.value, second.failure) == (None, "cannot read it")


async def test_if_nothing_can_be_judged_the_engine_has_failed_and_the_log_ends_before() -> None:
    bench = Bench()
    pairs = await judged(bench, "?", "?")
    with pytest.raises(EngineFailure, match="cannot read it"):
        await bench.policy.log_likelihoods(pairs)
    assert bench.desk.recorder.sealed and not any(
        event.kind == "likelihood" for event in bench.sink.events
    )


async def test_judging_keeps_to_the_budget_of_calls_and_records_what_fitted() -> None:
    bench = Bench(model_calls=5)
    with pytest.raises(BudgetExhausted, match="model_calls"):
        await bench.policy.log_likelihoods(await judged(bench, "ab", "c", "d"))
    assert bench.meter.ledger.model_calls == 5 and len(bench.engine.judged) == 2
    assert sum(event.kind == "likelihood" for event in bench.sink.events) == 2


async def test_what_was_judged_is_not_paid_again_in_a_rerun() -> None:
    first = Bench(model_calls=5)
    with pytest.raises(BudgetExhausted):
        await first.policy.log_likelihoods(await judged(first, "ab", "?", "d"))
    for limit, sent in ((5, 0), (9, 1)):
        again = Bench(model_calls=limit, earlier=earlier_run(first))
        pairs = await judged(again, "ab", "?", "d")
        if sent:
            assert await again.policy.log_likelihoods(pairs) == [-1.0, -math.inf, -0.5]
        else:
            with pytest.raises(BudgetExhausted):
                await again.policy.log_likelihoods(pairs)
            assert (
                again.meter.ledger.snapshot() == first.meter.ledger.snapshot()
                and again.sink.events == []
            )
        assert len(again.engine.judged) == sent


async def test_a_step_that_stops_at_its_length_limit_goes_on() -> None:
    bench = Bench()
    [[cut]] = await bench.policy.extend(
        [await bench.policy.root("q")], sampling=Sampling(max_tokens=2)
    )
    assert cut.finish is Finish.LENGTH and not cut.done
    [[rest]] = await bench.policy.extend([cut])
    assert rest.parent is cut and bench.policy.finished == []


async def test_every_batch_tells_what_it_cost() -> None:
    bench = Bench()
    await grown(bench)
    bench.desk.recorder.flush()
    calls = [call for call in of(CallEnded, bench.sink.events) if call.role == "policy"]
    ledger = bench.meter.ledger
    assert [call.requests for call in calls] == [2, 4]
    assert sum(call.generated_tokens for call in calls) == ledger.generated_tokens > 0
    assert sum(call.prompt_tokens for call in calls) == ledger.prompt_tokens > 0
    assert sum(call.cached_tokens for call in calls) == ledger.cached_tokens > 0
