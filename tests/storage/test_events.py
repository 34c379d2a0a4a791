"""A trace comes back as it went in, whatever the texts say."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, replace

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backend.core.errors import Conflict, NotFound, StorageFailure
from backend.core.events import ScoreGiven, StatusChanged
from backend.core.records import EventRecord, EventRow, NodeRecord
from backend.core.types import JSON
from storage import Store
from tests.storage.traces import finished_run, new_run, trace


def chain(first: int, count: int, text: str = "step") -> tuple[list[NodeRecord], list[EventRecord]]:
    """Nodes `first` and on, each the child of the one before, each with its event."""
    ids = range(first, first + count)
    nodes = [
        NodeRecord(
            i,
            i - 1 if i else None,
            i,
            "step",
            "policy",
            text,
            (i, 5),
            (-0.5, -0.25),
            "step",
            False,
            f"key {i}",
            i,
        )
        for i in ids
    ]
    return nodes, [EventRow(i, float(i), "node", i, data={"reason": str(i)}).record() for i in ids]


def test_a_trace_comes_back_as_it_was_recorded(store: Store) -> None:
    run_id, whole = finished_run(store), trace()
    stored = store.read_paid_nodes(run_id)
    names = NodeRecord.__dataclass_fields__
    assert [{name: getattr(node, name) for name in names} for node in stored] == [
        asdict(node) for node in whole.nodes
    ]
    events = store.events(run_id, limit=None)
    times = [
        msgspec.structs.replace(record, t_ms=event.t_ms)
        for record, event in zip(whole.events, events, strict=True)
    ]
    assert events == times
    assert (
        (store.run(run_id).nodes, store.run(run_id).events)
        == (len(stored), len(events))
        == (store.node_count(run_id), store.last_seq(run_id) + 1)
    )


def test_light_nodes_agree_with_full_ones(store: Store) -> None:
    run_id = finished_run(store)
    for light, full in zip(store.nodes(run_id), store.read_paid_nodes(run_id), strict=True):
        assert light == full[: len(light)]
        assert light.n_tokens == len(full.token_ids)
        assert light.mean_logprob == (
            None
            if full.logprobs is None
            else pytest.approx(sum(full.logprobs) / len(full.logprobs))
        )


def test_pages_of_nodes_and_events_follow_each_other(store: Store) -> None:
    run_id = finished_run(store)
    assert store.nodes(run_id, limit=3) + store.nodes(run_id, after_id=2) == store.nodes(run_id)
    assert store.events(run_id, limit=4) + store.events(run_id, after=3) == store.events(run_id)
    assert [event.kind for event in store.events(run_id, of=[ScoreGiven, StatusChanged])] == [
        "score"
    ] * 6 + ["status"]
    assert store.events(run_id, of=[]) == []


def test_a_path_leads_from_the_root_to_the_node(store: Store) -> None:
    run_id = finished_run(store)
    path = store.path(run_id, 6)
    assert path[0].parent_id is None
    assert path[-1] == store.node(run_id, 6)
    assert [node.parent_id for node in path[1:]] == [node.id for node in path[:-1]]
    for call in (store.node, store.path):
        with pytest.raises(NotFound, match="no node 99"):
            call(run_id, 99)


def test_scores_tell_failed_from_given_ones(store: Store) -> None:
    run_id = finished_run(store)
    scores = store.scores(run_id)
    assert [store.scores(run_id, node) for node in range(8)] == [
        [],
        *([score] for score in scores),
        [],
    ]
    assert [(score.node_id, score.scorer) for score in scores] == [
        (node, "prm") for node in range(1, 7)
    ]
    assert (scores[1].value, scores[1].reason, scores[1].steps) == (None, "too long", ())
    assert (scores[0].value, scores[0].reason, scores[0].steps) == (0.1, None, (0.1, 0.2))


HOSTILE = [
    "nul \0 inside",
    "'; DROP TABLE run; --",
    "$1 ? :name %s {0}",
    "x" * 2**20,
    "\u202e\u2028\ufeff",
    "<script>",
    "",
    "\\u0000\\",
    "🜂" * 50,
]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_texts_survive(store: Store, text: str) -> None:
    run_id = new_run(store, problem={"id": "own/x", "question": text, "answer": text}, model=text)
    node = replace(
        chain(0, 1)[0][0], text=text, role=text, key=text, alternatives=[[[1, text, -0.5]]]
    )
    writer = store.writer(run_id)
    hostile_event = EventRow(
        0, 0.0, text, 0, text, 0, text, text, data={"text": text, text: [text]}
    )
    writer.append(
        [node],
        [hostile_event.record()],
    )
    writer.close()
    stored, event, run = store.node(run_id, 0), store.event_rows(run_id)[0], store.run(run_id)
    assert (stored.text, stored.role, stored.key, stored.alternatives) == (
        text,
        text,
        text,
        [[[1, text, -0.5]]],
    )
    assert event == hostile_event
    assert run.problem is not None
    assert (run.problem["question"], run.problem["answer"], run.model) == (text, text, text)
    assert run_id in [row.id for row in store.runs(text=text[:200]).rows]


@pytest.mark.parametrize(
    ("node", "event"),
    [
        ({"text": "broken \ud800"}, {}),
        ({"alternatives": [[[1, "\ud800", -0.5]]]}, {}),
        ({"logprobs": (float("nan"), 0.0)}, {}),
        ({"logprobs": (float("-inf"), 0.0)}, {}),
        ({"token_ids": (2**31,)}, {}),
        ({}, {"value": float("inf")}),
        ({}, {"data": {"x": float("nan")}}),
        ({}, {"label": "\udc00"}),
        ({}, {"data": {"x": object()}}),
    ],
)
def test_what_cannot_be_stored_is_refused_by_the_name_of_the_record(
    store: Store, node: dict[str, object], event: dict[str, object]
) -> None:
    nodes, events = chain(0, 3)
    nodes[1] = replace(nodes[1], **node)  # type: ignore[arg-type]
    if event:
        events[1] = EventRow(1, 1.0, "later", **event).record()  # type: ignore[arg-type]
    run_id, neighbour = new_run(store), new_run(store)
    writer, other = store.writer(run_id), store.writer(neighbour)
    other.append(*chain(0, 3))
    writer.append(nodes, events)
    with pytest.raises(
        StorageFailure, match=f"{'node' if node else 'event'} 1 .*of run {run_id} cannot be stored"
    ):
        writer.flush()
    other.flush()
    assert store.last_seq(neighbour) == 2, "a neighbour's records are stored all the same"
    assert store.last_seq(run_id) == -1, "nothing of a refused batch is stored"
    with pytest.raises(StorageFailure, match="cannot be stored"):
        writer.append(*chain(3, 1))
    with pytest.raises(StorageFailure, match="cannot be stored"):
        writer.close()


@pytest.mark.parametrize(
    "wrong", [chain(1, 1), chain(4, 1), chain(2, 1), ([], [EventRow(7, 0.0, "status").record()])]
)
def test_records_that_do_not_follow_the_log_are_refused(
    store: Store, wrong: tuple[list[NodeRecord], list[EventRecord]]
) -> None:
    writer = store.writer(new_run(store))
    writer.append(*chain(0, 3))
    with pytest.raises(StorageFailure, match="does not follow what is stored, accepted: 3"):
        writer.append(*wrong)
    writer.append(*chain(3, 1))
    writer.close()
    assert store.last_seq(writer.run_id) == 3


def test_a_second_writer_is_refused_and_a_later_one_continues_the_log(store: Store) -> None:
    run_id = new_run(store)
    writer = store.writer(run_id)
    writer.append(*chain(0, 3))
    with pytest.raises(Conflict, match="being written"):
        store.writer(run_id)
    writer.close()
    writer.close()
    with pytest.raises(StorageFailure, match="closed"):
        writer.append(*chain(3, 1))
    again = store.writer(run_id)
    again.append(*chain(3, 2))
    again.close()
    assert [event.seq for event in store.events(run_id)] == [0, 1, 2, 3, 4]


def test_appended_records_become_durable_by_themselves(store: Store) -> None:
    run_id = new_run(store)
    store.writer(run_id).append(*chain(0, 2))
    wait_for(lambda: store.last_seq(run_id) == 1)


def test_a_watcher_hears_the_last_stored_number_until_it_leaves(store: Store) -> None:
    run_id, heard, others = new_run(store), [], []
    writer = store.writer(run_id)
    with store.watch(run_id, heard.append), store.watch(run_id + 1, others.append):
        for index in range(3):
            writer.append(*chain(index, 1))
            writer.flush()
            assert store.last_seq(run_id) == index
        wait_for(lambda: 2 in heard)
    writer.append(*chain(3, 1))
    writer.close()
    assert heard == sorted(heard)
    assert heard[-1] == 2
    assert others == []


def test_a_watcher_whose_loop_is_closed_does_not_stop_the_writing(store: Store) -> None:
    run_id = new_run(store)
    writer = store.writer(run_id)

    def closed(seq: int) -> None:
        raise RuntimeError("Event loop is closed")

    with store.watch(run_id, closed):
        for index in range(2):
            writer.append(*chain(index, 1))
            writer.flush()
    writer.close()
    assert store.last_seq(run_id) == 1


def test_readers_see_whole_transactions_while_four_runs_are_written(store: Store) -> None:
    runs, over, wrong = [new_run(store) for _ in range(4)], threading.Event(), []

    def write(run_id: int) -> None:
        writer = store.writer(run_id)
        for batch in range(20):
            writer.append(*chain(batch * 5, 5, f"run {run_id}"))
            writer.flush()
        writer.close()

    def read() -> None:
        while not over.is_set():
            for run_id in runs:
                events = store.events(run_id, limit=None)
                nodes = store.nodes(run_id)
                if (
                    [event.seq for event in events] != list(range(len(events)))
                    or len(events) % 5
                    or len(nodes) < len(events)
                ):
                    wrong.append(f"run {run_id}: {len(events)} events, {len(nodes)} nodes")
                if any(node.text != f"run {run_id}" for node in nodes):
                    wrong.append(f"run {run_id} holds a foreign node")

    readers = [threading.Thread(target=read) for _ in range(2)]
    writers = [threading.Thread(target=write, args=(run_id,)) for run_id in runs]
    for thread in (*readers, *writers):
        thread.start()
    for thread in writers:
        thread.join()
    over.set()
    for thread in readers:
        thread.join()
    assert wrong == []
    assert [store.last_seq(run_id) for run_id in runs] == [99] * 4


PLAIN = st.characters(exclude_categories=["Cs"])
VALUES: st.SearchStrategy[JSON] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(PLAIN),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(PLAIN), inner, max_size=3),
    max_leaves=8,
)


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    data=st.none() | st.dictionaries(st.text(PLAIN), VALUES, max_size=3),
    value=st.none() | st.floats(allow_nan=False, allow_infinity=False),
)
def test_event_data_come_back_bit_for_bit(
    store: Store, data: dict[str, JSON] | None, value: float | None
) -> None:
    run_id = new_run(store)
    writer = store.writer(run_id)
    writer.append([], [EventRow(0, 0.0, "later", value=value, data=data).record()])
    writer.flush()
    event = store.event_rows(run_id)[0]
    assert json.dumps([event.data, event.value]) == json.dumps([data, value])
    writer.close()


def wait_for(condition: Callable[[], bool]) -> None:
    """Wait as long as it takes, but not for ever: the limit only turns a hang into a failure."""
    for _ in range(12_000):
        if condition():
            return
        time.sleep(0.01)
    raise AssertionError("what was waited for did not happen")
