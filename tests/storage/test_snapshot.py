"""A snapshot is a store of its own that holds what was stored when it was taken."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from backend.core.errors import BadInput
from storage import Store
from tests.storage.traces import finished_run, new_run, pieces, trace


def test_a_snapshot_opens_and_equals_the_store(store: Store, tmp_path: Path) -> None:
    run_id = finished_run(store)
    store.set_setting("runs at once", 2)
    store.snapshot(tmp_path / "it's a : snapshot.duckdb")
    later = finished_run(store)
    copy = Store.open(tmp_path / "it's a : snapshot.duckdb")
    assert copy.runs().rows == store.runs(offset=1).rows
    assert (copy.read_paid_nodes(run_id), copy.events(run_id, limit=None)) == (
        store.read_paid_nodes(run_id),
        store.events(run_id, limit=None),
    )
    assert copy.settings() == {"runs at once": 2}
    assert copy.verify(run_id) == []
    assert new_run(copy) == later, "the copy goes on counting runs where it was taken"
    copy.close()


def test_a_snapshot_never_replaces_a_file(store: Store, tmp_path: Path) -> None:
    (tmp_path / "there").write_text("mine")
    with pytest.raises(BadInput, match="a file that does not exist yet"):
        store.snapshot(tmp_path / "there")
    assert (tmp_path / "there").read_text() == "mine"


def test_snapshots_taken_while_a_run_is_written_hold_whole_transactions(
    store: Store, tmp_path: Path
) -> None:
    run_id, over = new_run(store), threading.Event()

    def write() -> None:
        writer = store.writer(run_id)
        for part in pieces(trace(60), lambda: 7):
            writer.append(part.nodes, part.events)
            writer.flush()
        writer.close()
        over.set()

    thread = threading.Thread(target=write)
    thread.start()
    paths = [tmp_path / f"{index}.duckdb" for index in range(3)]
    for path in paths:
        store.snapshot(path)
    thread.join()
    assert over.is_set()
    lasts = []
    for path in paths:
        copy = Store.open(path)
        assert copy.verify(run_id) == []
        lasts.append(copy.last_seq(run_id))
        copy.close()
    assert lasts == sorted(lasts)
