"""The clock of a run never falls, meets the ledger wherever the ledger speaks, and finds its way
back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as some

from backend.core.events import ledger_of
from backend.core.records import EventRecord
from backend.messages.runs import Node
from components.compare.clock import NAMES, Clock, clock
from tests.components.traced import search_trace
from tests.pages.fake_service import FakeService
from tests.pages.traces import Trace, Writer

amounts = some.lists(
    some.floats(0, 50).map(lambda value: round(value, 1)), min_size=1, max_size=30
).map(sorted)


def sent(trace: Trace) -> tuple[list[Node], list[EventRecord]]:
    run = FakeService().add(trace)
    return [run.node(record.id) for record in trace.nodes], [
        run.event(record.seq).record() for record in trace.events
    ]


def spent(ledger: dict[str, float], axis: str) -> float:
    fresh = ledger["prompt_tokens"] - ledger["cached_tokens"]
    return {
        "generated": ledger["generated_tokens"],
        "tokens": ledger["generated_tokens"] + fresh + ledger["verifier_tokens"],
        "verifier": ledger["verifier_calls"],
    }[axis]


def test_between_two_snapshots_nodes_and_scores_move_the_clock() -> None:
    run = Writer(0)
    nodes = run.extend([run.root, run.root], "abcdef")
    run.score(nodes)
    told = sent(run.end())
    kinds = [event.kind for event in told[1]]
    assert kinds == ["status", "node", "node", "node", "call", "score", "score", "call", "status"]
    assert clock(*told, "generated") == Clock(
        "generated", tuple(range(9)), (0, 0, 2, 4, 4, 4, 4, 4, 4)
    )
    assert clock(*told, "verifier").values == (0, 0, 0, 0, 0, 1, 2, 2, 2)
    assert clock(*told, "events").values == tuple(range(9))


@pytest.mark.parametrize("strategy", ["beam_search", "best_of_n", "mcts"])
async def test_a_real_search_is_counted_as_its_ledger_counts_it(strategy: str) -> None:
    nodes, events = sent(await search_trace(strategy))
    for axis in ("generated", "tokens", "verifier"):
        counted = clock(nodes, events, axis)
        snapshots = {
            event.seq: spent(ledger, axis) for event in events if (ledger := ledger_of(event.body))
        }
        assert len(snapshots) > 3 and counted.end > 0
        assert {seq: counted.value_at(seq) for seq in snapshots} == snapshots
    for axis in NAMES:
        values = clock(nodes, events, axis).values
        assert list(values) == sorted(values) and len(values) == len(events)


def test_a_text_that_was_counted_elsewhere_never_drives_the_clock_past_the_ledger() -> None:
    """A ledger may count less than the nodes hold, for a prefix that another run paid for."""
    run = Writer(0)
    child = run.extend([run.root], "x" * 30)[0]
    run.ledger["generated_tokens"] = 4
    run.answer(child)
    told = sent(run.end())
    assert set(clock(*told, "generated").values) == {0, 4}


@given(amounts, some.floats(0, 60))
def test_the_event_of_an_amount_is_the_last_that_had_spent_no_more(
    values: list[float], value: float
) -> None:
    table = Clock("x", tuple(range(3, 3 + len(values))), tuple(values))
    found = table.event_at(value)
    if value >= values[-1]:
        assert found is None
    elif value < values[0]:
        assert found == 3
    else:
        assert found is not None and table.value_at(found) <= value < table.value_at(found + 1)


@given(amounts)
def test_there_and_back_again_shows_everything_that_had_cost_as_much(values: list[float]) -> None:
    table = Clock("x", tuple(range(len(values))), tuple(values))
    for seq in table.seqs:
        back = table.event_at(table.value_at(seq))
        assert table.value_at(back) == table.value_at(seq) and (back is None or back >= seq)


@given(amounts)
def test_steps_forward_from_the_start_pass_every_amount_once_and_back_the_same_way(
    values: list[float],
) -> None:
    table = Clock("x", tuple(range(len(values))), tuple(values))
    forward, at = [], -1.0
    while (after := table.after(at)) is not None:
        forward.append(at := after)
    assert forward == sorted(set(values))
    back = [at]
    while (before := table.before(at)) is not None:
        back.append(at := before)
    assert back == forward[::-1]


def test_an_empty_log_stands_at_nothing() -> None:
    table = clock([], [], "generated")
    assert (
        table.end,
        table.value_at(None),
        table.event_at(5),
        table.after(0),
        table.before(0),
    ) == (0, 0, None, None, None)
