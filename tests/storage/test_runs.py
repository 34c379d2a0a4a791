"""Run rows: what goes in comes out, only known fields change, and nothing of a deleted run
stays.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from backend.core.errors import BadInput, Conflict, NotFound
from backend.core.types import JSON
from storage import Store
from tests.storage.traces import PROBLEM, finished_run, new_run


def test_a_new_run_is_queued_and_comes_back_as_given(store: Store) -> None:
    run = store.run(new_run(store, seed=2**63 - 1, forked_from={"run": 3, "node": 5}))
    assert (run.status, run.strategy, run.model, run.seed, run.origin) == (
        "queued",
        "beam_search",
        "classroom",
        2**63 - 1,
        "own",
    )
    assert run.problem == {**PROBLEM, "dataset": "ledger"}
    assert run.spec["params"] == {"width": 4}
    assert run.forked_from == {"run": 3, "node": 5}
    assert (run.manifest, run.ledger, run.answer, run.nodes, run.events) == ({}, {}, None, 0, 0)


def test_a_run_without_a_problem_has_none(store: Store) -> None:
    assert store.run(new_run(store, problem=None)).problem is None


def test_changed_fields_are_kept_with_their_types(store: Store) -> None:
    run_id, moment = new_run(store), datetime(2026, 3, 1, 12, 30, 0, 123456, tzinfo=UTC)
    ledger = {"generated_tokens": 2**40, "seconds": 0.1 + 0.2}
    store.update_run(
        run_id,
        status="failed",
        error="no room",
        remedy="make room",
        correct=False,
        chosen_node=3,
        ledger=ledger,
        finished_at=moment,
    )
    run = store.run(run_id)
    assert (run.status, run.error, run.remedy, run.correct, run.chosen_node) == (
        "failed",
        "no room",
        "make room",
        False,
        3,
    )
    assert (run.ledger, run.finished_at) == (ledger, moment)
    store.update_run(run_id, error=None, correct=None)
    assert (store.run(run_id).error, store.run(run_id).correct) == (None, None)


@pytest.mark.parametrize(
    ("fields", "names"),
    [
        ({"seed": 3}, "field of a run"),
        ({"status; DROP TABLE run": 1}, "field of a run"),
        ({"status": None}, "status of a run"),
        ({"chosen_node": True}, "chosen_node of a run"),
        ({"ledger": {"tokens": float("nan")}}, "ledger of a run"),
        ({"answer": "\ud800"}, "answer of a run"),
        ({"ledger": {"x": object()}}, "ledger of a run"),
        ({"correct": "yes"}, "correct of a run"),
    ],
)
def test_a_change_that_cannot_be_stored_is_refused_by_name(
    store: Store, fields: dict[str, object], names: str
) -> None:
    run_id = new_run(store)
    before = store.run(run_id)
    with pytest.raises(BadInput, match=names):
        store.update_run(run_id, **fields)
    assert store.run(run_id) == before


def test_a_run_that_does_not_exist_is_not_found(store: Store) -> None:
    for call in (store.run, store.writer, store.delete_run, store.verify):
        with pytest.raises(NotFound, match="no run 99"):
            call(99)
    with pytest.raises(NotFound, match="no run 99"):
        store.update_run(99, status="failed")


def test_runs_are_found_newest_first_by_status_strategy_problem_and_text(store: Store) -> None:
    own = new_run(store, problem=None, strategy="chain")
    other = new_run(store, problem={"id": "countdown/1/1", "question": "Reach 100% of 24_7"})
    last = new_run(store)
    store.update_run(last, status="finished", answer="Zebra")

    def ids(**wanted: object) -> list[int]:
        page = store.runs(**wanted)  # type: ignore[arg-type]
        assert page.total == len(page.rows)
        return [row.id for row in page.rows]

    assert ids() == [last, other, own]
    assert ids(status="finished") == [last]
    assert ids(strategy="chain") == [own]
    assert ids(problem="ledger/3/17") == ids(problem="ledger") == [last]
    assert ids(text="zebra") == [last]
    assert ids(text="100%") == ids(text="24_7") == [other]
    assert ids(text="2__7") == ids(text="' OR 1=1 --") == []
    assert ids(status="finished", strategy="chain") == []


def test_a_problem_is_named_in_full_and_a_text_is_looked_for_in_everything_that_is_shown(
    store: Store,
) -> None:
    """What the route of runs says of `problem` and `text`."""
    run = new_run(store, strategy="dvts", model="Pupil")
    store.update_run(run, status="finished", answer="Forty-two")

    def found(**wanted: str) -> bool:
        return [row.id for row in store.runs(**wanted).rows] == [run]

    assert found(problem="ledger/3/17") and found(problem="ledger")
    for part in ("ledger/3", "ledger/3/1", "Ledger", "17"):
        assert not found(problem=part), "neither a beginning nor another case"
    for part in ("LEDGER/3/1", "jars are", "DVTS", "pupil", "forty", '"width"'):
        assert found(text=part), part
    assert not found(text=str(PROBLEM["answer"])), "the right answer of a problem is not searched"


@pytest.mark.parametrize(
    ("forked_from", "found"),
    [
        ({"run": 1, "node": 5}, True),
        ({"node": 5, "run": 1}, True),
        ({"run": 11, "node": 5}, False),
        ({"elsewhere": {"run": 1, "node": 5}}, False),
        (None, False),
    ],
)
def test_the_forks_of_a_run_are_those_that_name_it(
    store: Store, forked_from: JSON, found: bool
) -> None:
    origin = new_run(store)
    fork = new_run(store, forked_from=forked_from)
    assert origin == 1 and [row.id for row in store.forks(origin)] == ([fork] if found else [])


def test_pages_of_runs_partition_the_whole(store: Store) -> None:
    made = [new_run(store) for _ in range(5)]
    pages = [store.runs(limit=2, offset=offset) for offset in (0, 2, 4)]
    assert [row.id for page in pages for row in page.rows] == made[::-1]
    assert {page.total for page in pages} == {5}


def test_a_problem_that_changed_does_not_rewrite_older_runs(store: Store) -> None:
    first = new_run(store)
    second = new_run(store, problem={**PROBLEM, "question": "Another text under the same id"})
    assert store.run(first).problem != store.run(second).problem
    assert store.run(first).problem == {**PROBLEM, "dataset": "ledger"}


@pytest.mark.parametrize(
    "problem",
    [
        {"id": 3, "question": "x"},
        {"id": "own"},
        {"id": "a", "question": "\udfff"},
        {"id": "a", "question": "x", "answer": 4},
    ],
)
def test_a_problem_without_texts_is_refused(store: Store, problem: dict[str, object]) -> None:
    with pytest.raises(BadInput):
        new_run(store, problem=problem)
    assert store.runs().total == 0


def test_deleting_a_run_leaves_its_neighbours_alone(store: Store) -> None:
    first, second = finished_run(store), finished_run(store)
    store.delete_run(first)
    assert store.nodes(first) == []
    assert store.events(first) == []
    assert store.verify(second) == []
    assert store.run(second).problem is not None
    assert finished_run(store) > second, "the number of a deleted run is never given again"


def test_a_run_somebody_works_on_cannot_be_deleted(store: Store) -> None:
    run_id = new_run(store)
    with pytest.raises(Conflict, match="is queued"):
        store.delete_run(run_id)
    store.update_run(run_id, status="failed")
    writer = store.writer(run_id)
    with pytest.raises(Conflict, match="being written"):
        store.delete_run(run_id)
    assert store.delete_older(0) == 0
    writer.close()
    store.delete_run(run_id)
    assert store.runs().total == 0


def test_deletion_by_age_takes_old_runs_that_are_over(tmp_path: Path) -> None:
    clock = [datetime(2026, 1, 1, tzinfo=UTC)]
    store = Store.open(tmp_path / "aged.duckdb", now=lambda: clock[0])
    old, busy = new_run(store), new_run(store)
    store.update_run(old, status="finished")
    clock[0] += timedelta(days=10)
    young = new_run(store)
    store.update_run(young, status="finished")
    assert store.delete_older(11) == 0
    assert store.delete_older(9.5) == 1
    assert [row.id for row in store.runs().rows] == [young, busy]
    with pytest.raises(BadInput, match="age"):
        store.delete_older(-1)
    store.close()


def test_settings_are_kept_replaced_and_forgotten(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "settings.duckdb")
    store.set_setting("runs at once", 2)
    store.set_setting("runs at once", {"n": [1, None, "é"]})
    store.set_setting("gone", True)
    store.set_setting("gone", None)
    with pytest.raises(BadInput, match="setting bad"):
        store.set_setting("bad", float("inf"))
    store.close()
    reopened = Store.open(tmp_path / "settings.duckdb")
    assert reopened.settings() == {"runs at once": {"n": [1, None, "é"]}}
    reopened.close()
