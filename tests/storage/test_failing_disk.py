"""A store whose disk fails says so, keeps what it could not store, and stores it once there is
room: nothing is lost silently."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest
import sqlalchemy as sa

from backend.core.errors import StorageFailure
from storage import RunWriter, Store
from storage.database import Database
from tests.storage.traces import Trace, new_run, opened, pieces, trace

ROOT = Path(__file__).resolve().parents[2]
FULL = "IO Error: Could not write file: No space left on device"


class FailingDisk(Database):
    """A database whose next commits fail with DuckDB's fatal error, as it does on a full disk:
    `before` or `after` they are durable."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.failures: list[str] = []
        sa.event.listen(self._engine, "commit", self._commit)

    def _commit(self, connection: sa.Connection) -> None:
        moment = self.failures.pop(0) if self.failures else None
        if moment == "after":
            connection.connection.commit()
        if moment is not None:
            raise duckdb.FatalException(FULL)


@pytest.fixture
def disk(tmp_path: Path) -> FailingDisk:
    opened(tmp_path).close()
    return FailingDisk(tmp_path / "store.duckdb")


@pytest.fixture
def failing(disk: FailingDisk) -> Iterator[Store]:
    store = Store(disk, lambda: datetime.now(UTC))
    yield store
    disk.failures.clear()
    store.close()


def stores_whole(store: Store, run_id: int, whole: Trace) -> bool:
    """Every record of the trace is stored once."""
    store.update_run(run_id, status="finished", ledger=whole.ledger)
    counts = (store.node_count(run_id), len(store.events(run_id, limit=None)))
    return counts == (len(whole.nodes), len(whole.events)) and store.verify(run_id) == []


def append_all(writer: RunWriter, parts: Sequence[Trace]) -> None:
    for part in parts:
        writer.append(part.nodes, part.events)


@pytest.mark.parametrize("first_failure", ["before", "after"])
def test_records_a_full_disk_refused_are_kept_and_stored_when_there_is_room(
    disk: FailingDisk, failing: Store, first_failure: str
) -> None:
    whole = trace()
    first, *rest = pieces(whole, lambda: 9)
    writer = failing.writer(new_run(failing))
    disk.failures[:] = [first_failure, *["before"] * 50]
    writer.append(first.nodes, first.events)
    for _ in range(3):
        with pytest.raises(StorageFailure, match=r"the disk of the store .* is full: make room"):
            writer.flush()
        with pytest.raises(StorageFailure, match="is full"):
            writer.append(rest[0].nodes, rest[0].events)
    assert failing.last_seq(writer.run_id) == (
        -1 if first_failure == "before" else first.events[-1].seq
    )
    disk.failures.clear()
    writer.flush()
    append_all(writer, rest)
    writer.close()
    assert stores_whole(failing, writer.run_id, whole)


def test_a_commit_that_fails_once_it_is_durable_is_not_repeated(
    disk: FailingDisk, failing: Store
) -> None:
    whole = trace()
    writer = failing.writer(new_run(failing))
    disk.failures[:] = ["after"]
    writer.append(whole.nodes, whole.events)
    writer.flush()
    assert disk.failures == []
    writer.close()
    assert stores_whole(failing, writer.run_id, whole)


def test_runs_that_share_a_failed_transaction_are_stored_one_by_one(
    disk: FailingDisk, failing: Store
) -> None:
    whole = trace()
    writers = [failing.writer(new_run(failing)) for _ in range(3)]
    disk.failures[:] = ["before", "before"]
    for writer in writers:
        writer.append(whole.nodes, whole.events)
    refused = 0
    for writer in writers:
        try:
            writer.flush()
        except StorageFailure:
            refused += 1
            writer.flush()
        writer.close()
    assert refused <= 1, "only the run whose own transaction failed hears of it"
    assert all(stores_whole(failing, writer.run_id, whole) for writer in writers)


def test_a_writer_that_closes_on_a_full_disk_says_what_was_lost_and_frees_the_run(
    disk: FailingDisk, failing: Store
) -> None:
    whole = trace()
    run_id = new_run(failing)
    writer = failing.writer(run_id)
    disk.failures[:] = ["before"] * 50
    writer.append(whole.nodes, whole.events)
    with pytest.raises(StorageFailure, match="is full"):
        writer.close()
    disk.failures.clear()
    with pytest.raises(
        StorageFailure, match=f"writer of run {run_id} is closed and its last records were lost"
    ):
        writer.flush()
    again = failing.writer(run_id)
    again.append(whole.nodes, whole.events)
    again.close()
    assert stores_whole(failing, run_id, whole)


def test_a_store_that_closes_on_a_full_disk_says_so(disk: FailingDisk, tmp_path: Path) -> None:
    store, whole = Store(disk, lambda: datetime.now(UTC)), trace()
    run_id = new_run(store)
    disk.failures[:] = ["before"] * 50
    store.writer(run_id).append(whole.nodes, whole.events)
    with pytest.raises(StorageFailure, match="is full"):
        store.close()
    again = opened(tmp_path)
    assert (again.run(run_id).status, again.last_seq(run_id)) == ("crashed", -1)
    again.close()


def test_a_failed_import_on_a_full_disk_leaves_nothing(
    disk: FailingDisk, failing: Store, tmp_path: Path
) -> None:
    whole = trace()
    writer = failing.writer(new_run(failing))
    writer.append(whole.nodes, whole.events)
    writer.close()
    failing.update_run(writer.run_id, status="finished", ledger=whole.ledger)
    failing.export_run(writer.run_id, tmp_path / "run.jsonl")
    disk.failures[:] = ["before"]
    with pytest.raises(StorageFailure, match="is full"):
        failing.import_run(tmp_path / "run.jsonl")
    assert failing.runs().total == 1
    assert failing.node_count(writer.run_id + 1) == 0
    assert stores_whole(failing, failing.import_run(tmp_path / "run.jsonl"), whole)


@pytest.mark.parametrize("left_mib", [3, 20])
def test_a_disk_that_is_really_full_loses_no_record(tmp_path: Path, left_mib: int) -> None:
    namespace = ["unshare", "--user", "--map-root-user", "--mount"]
    mount = f"mount -t tmpfs -o size=96m none '{tmp_path}'"
    try:
        possible = subprocess.run(
            [*namespace, "sh", "-c", mount], capture_output=True, text=True, timeout=60, check=False
        )
    except FileNotFoundError:
        pytest.skip("no unshare: a small file system cannot be made here")
    if possible.returncode:
        pytest.skip(f"a small file system cannot be made here: {possible.stderr.strip()}")
    program = (
        f"{mount} && exec '{sys.executable}' -m tests.storage.full_disk '{tmp_path}' {left_mib}"
    )
    ended = subprocess.run(
        [*namespace, "sh", "-c", program],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    assert "whole" in ended.stdout
