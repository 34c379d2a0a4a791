"""The timeline of calls: bars, lanes, shares of the time, by hand and from a real run."""

from __future__ import annotations

import pytest

from backend.core.events import CallEnded, EventBody, ScoreGiven, StatusChanged
from backend.core.records import EventRecord
from components.views.any_run.timeline import (
    LANES,
    TimedCall,
    Timeline,
    describe_timeline,
    timeline,
    timeline_figure,
)
from tests.components.traced import searched


def at(seq: int, t_ms: float, body: EventBody) -> EventRecord:
    return EventRecord(seq, t_ms, 0, "", "", body)


def call(
    seq: int, role: str, start: float, end: float, generated: int = 40, timed: bool = True
) -> EventRecord:
    counts = (
        {"scored": 2}
        if role.startswith("verifier")
        else {
            "requests": 4,
            "generated_tokens": generated,
            "prompt_tokens": 100,
            "cached_tokens": 60,
        }
    )
    return at(seq, end, CallEnded(role, **counts, started_ms=start, ended_ms=end))


def score(seq: int, tokens: int, cached: int) -> EventRecord:
    return at(seq, 0.0, ScoreGiven(seq, "prm", 0.5, (0.5,), tokens, cached))


EVENTS = [
    call(1, "policy", 10.0, 50.0), score(2, 7, 3), score(3, 0, 0), call(4, "verifier prm", 50.0, 60.0), call(5, "policy", 70.0, 90.0),
    call(6, "policy", 70.0, 95.0), at(7, 100.0, StatusChanged("finished")),
]  # fmt: skip


def test_every_call_is_a_bar_and_calls_that_overlap_have_lanes() -> None:
    calls = (
        TimedCall("policy", 0, 10.0, 50.0, 4, 40, 100, 60, 1),
        TimedCall("verifier prm", 0, 50.0, 60.0, 2, 0, 10, 3, 4),
        TimedCall("policy", 0, 70.0, 90.0, 4, 40, 100, 60, 5),
        TimedCall("policy", 1, 70.0, 95.0, 4, 40, 100, 60, 6),
    )
    info = timeline(EVENTS)
    assert info == Timeline(calls, 100.0, 65.0, 10.0, 0) and info.idle == 25.0
    assert describe_timeline(info) == (
        "100 ms: 65 % in the model, 10 % in the verifier, 25 % in neither. 4 calls with 14 "
        "requests wrote 120 tokens; "
        "59 % of 310 prompt tokens came from the prefix cache."
    )
    bars = {
        bar.name: (list(bar.y), list(bar.base), list(bar.x)) for bar in timeline_figure(info).data
    }
    assert bars == {
        "policy": ([0, 1, 0], [10.0, 70.0, 70.0], [40.0, 25.0, 20.0]),
        "verifier prm": ([2], [50.0], [10.0]),
    }


def test_at_a_moment_the_calls_that_were_over_are_there() -> None:
    info = timeline(EVENTS, 4)
    assert [one.seq for one in info.calls] == [1, 4] and (
        info.length,
        info.model,
        info.verifier,
        info.idle,
    ) == (60.0, 40.0, 10.0, 10.0)
    assert describe_timeline(timeline(EVENTS, 0)) == "No model has been called yet."


def test_a_verifier_beside_the_model_takes_only_what_the_model_leaves() -> None:
    info = timeline([call(1, "policy", 0.0, 50.0), call(2, "verifier prm", 40.0, 60.0)])
    assert (info.model, info.verifier, info.idle) == (50.0, 10.0, 0.0)


def test_calls_without_a_time_are_counted_and_not_drawn() -> None:
    info = timeline([at(1, 5.0, CallEnded("policy", requests=2))])
    assert (info.calls, info.untimed) == ((), 1) and describe_timeline(
        info
    ) == "No call says when it ran."


def test_a_wide_race_does_not_grow_without_end() -> None:
    info = timeline([call(seq, "policy", 0.0, float(seq)) for seq in range(1, 40)])
    assert {one.lane for one in info.calls} == set(range(LANES)) and timeline_figure(
        info
    ).layout.height < 600


@pytest.mark.parametrize("strategy", ["mcts", "best_of_n", "parallel_tempering"])
async def test_the_timeline_of_a_real_run_adds_up_to_its_ledger(strategy: str) -> None:
    of = await searched(strategy, seed=2)
    info = timeline(of.events)
    ledger = [event.body.ledger for event in of.events if isinstance(event.body, CallEnded)][-1]
    models, verifiers = (
        [one for one in info.calls if not one.verifier],
        [one for one in info.calls if one.verifier],
    )
    assert (
        sum(one.generated for one in models) == ledger["generated_tokens"]
        and sum(one.requests for one in models) == ledger["model_calls"]
    )
    assert (
        sum(one.requests for one in verifiers) == ledger["verifier_calls"]
        and sum(one.prompt for one in models) == ledger["prompt_tokens"]
    )
    assert (
        info.model + info.verifier + info.idle == pytest.approx(info.length) and info.untimed == 0
    )
