"""One process owns the file. When it is killed, what it was promised is there and nothing is
torn.
"""

from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, NamedTuple

import pytest

from backend.core.errors import StorageFailure
from storage import Store
from storage.writer import IDLE_SECONDS, WATCHED_SECONDS
from tests.storage.traces import new_run, opened, pieces, trace

ROOT = Path(__file__).resolve().parents[2]


class Promises(NamedTuple):
    """What a killed program had said: by run the ends of its appends, the last number it was told
    is stored, and the runs it ended."""

    ends: dict[int, set[int]]
    stored: dict[int, int]
    finished: set[int]


@contextmanager
def writing_process(path: Path, *numbers: int) -> Iterator[tuple[subprocess.Popen[str], IO[str]]]:
    """The program `killed_writer`, killed at the end with a signal that cannot be caught."""
    command = [sys.executable, "-m", "tests.storage.killed_writer", str(path), *map(str, numbers)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process, process.stdout
        finally:
            process.kill()


def killed(path: Path, seed: int, *dies_at: int) -> Promises:
    """Let the program say some lines, kill it at once (or let it kill itself), and collect all it
    said."""
    count = 10**6 if dies_at else random.Random(seed).randint(10, 250)
    with writing_process(path, seed, *dies_at) as (process, said):
        lines = [line.split() for line, _ in zip(said, range(count), strict=False)]
        process.kill()
        lines += [line.split() for line in said]
    ends: dict[int, set[int]] = {}
    stored: dict[int, int] = {}
    for word, *numbers in lines:
        if word == "appending":
            ends.setdefault(int(numbers[0]), {-1}).add(int(numbers[1]))
        elif word == "stored":
            stored[int(numbers[0])] = max(int(numbers[1]), stored.get(int(numbers[0]), -1))
    return Promises(
        ends, stored, {int(numbers[0]) for word, *numbers in lines if word == "finished"}
    )


def test_a_killed_process_loses_nothing_it_was_promised_and_tears_nothing(tmp_path: Path) -> None:
    for seed, dies_at in enumerate([(), (), (), (), (9,), (20,)]):
        promised = killed(tmp_path / "store.duckdb", seed, *dies_at)
        assert promised.stored, (
            "the program was killed before it stored anything: this proves nothing"
        )
        store = opened(tmp_path)
        for run_id, ends in promised.ends.items():
            last = store.last_seq(run_id)
            assert last >= promised.stored.get(run_id, -1), (
                f"run {run_id} lost what was acknowledged"
            )
            assert last in ends, f"run {run_id} ends within an append"
            assert store.verify(run_id) == []
            status = store.run(run_id).status
            assert (
                status == "finished"
                if run_id in promised.finished
                else status in {"crashed", "finished"}
            )
        assert store.runs(status="running").total == 0
        store.close()


def test_unfinished_runs_are_marked_crashed_with_the_reason_when_the_store_is_opened_again(
    tmp_path: Path,
) -> None:
    store = opened(tmp_path)
    before = ("queued", "loading", "running", "paused", "finished", "failed", "stopped")
    runs = [new_run(store) for _ in before]
    for run_id, status in zip(runs, before, strict=True):
        store.update_run(run_id, status=status)
    store.update_run(runs[3], reason="the user paused it")
    store.close()
    store = opened(tmp_path)
    rows = [store.run(run_id) for run_id in runs]
    store.close()
    assert [row.status for row in rows] == ["crashed"] * 4 + list(before[4:])
    assert [row.reason for row in rows[:3]] == [
        f"the backend stopped while the run was {status}" for status in before[:3]
    ]
    assert [row.reason for row in rows[3:]] == ["the user paused it", None, None, None]


def test_a_crashed_run_continues_where_its_log_ends(tmp_path: Path) -> None:
    whole = trace(12)
    first, second = pieces(whole, lambda: 17)[:2]
    store = opened(tmp_path)
    run_id = new_run(store)
    writer = store.writer(run_id)
    writer.append(first.nodes, first.events)
    store.close()
    store = opened(tmp_path)
    writer = store.writer(run_id)
    writer.append(second.nodes, second.events)
    writer.close()
    assert store.last_seq(run_id) == second.events[-1].seq
    assert store.verify(run_id) == []
    store.close()


def test_a_file_another_process_holds_is_refused_by_naming_that_process(tmp_path: Path) -> None:
    with writing_process(tmp_path / "store.duckdb", 0) as (process, said):
        assert said.readline() == "open\n"
        with pytest.raises(
            StorageFailure,
            match=(
                rf"already open in another process \(python.*, PID {process.pid}\): stop "
                r"that process"
            ),
        ):
            opened(tmp_path)
    opened(tmp_path).close()


@pytest.mark.parametrize("name", ["store.duckdb", "folder/../store.duckdb", "link.duckdb"])
def test_a_second_store_on_one_file_is_refused_in_the_same_process(
    tmp_path: Path, name: str
) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "link.duckdb").symlink_to(tmp_path / "store.duckdb")
    store = opened(tmp_path)
    run_id = new_run(store)
    with pytest.raises(
        StorageFailure,
        match="is already open in this process: use the store that is open, or close it first",
    ):
        Store.open(tmp_path / name)
    assert store.run(run_id).status == "queued", "the refused store marked a run of the open one"
    store.close()
    again = Store.open(tmp_path / name)
    assert again.run(run_id).status == "crashed"
    again.close()


@pytest.mark.parametrize(("watched", "patience"), [(False, 0.25), (True, 0.05)])
def test_a_record_waits_no_longer_than_promised_however_many_follow_it(
    store: Store, watched: bool, patience: float
) -> None:
    assert patience == (WATCHED_SECONDS if watched else IDLE_SECONDS)
    run_id = new_run(store)
    writer = store.writer(run_id)
    with store.watch(run_id if watched else run_id + 1, lambda seq: None):
        for piece in pieces(trace(6), lambda: 1):
            first_due = writer.due
            writer.append(piece.nodes, piece.events)
            due = writer.due
            # The writing thread may have taken the buffer between two lines, then nothing is due.
            assert (
                due is None or first_due is None or due == first_due or first_due + patience <= due
            )
    writer.close()
    assert store.last_seq(run_id) == trace(6).events[-1].seq


@pytest.mark.parametrize(
    "content", [b"Dear diary, this is not a database.\n" * 200, b""], ids=["text", "empty"]
)
def test_a_file_that_is_no_database_is_refused_and_left_alone(
    tmp_path: Path, content: bytes
) -> None:
    path = tmp_path / "store.duckdb"
    path.write_bytes(content)
    with pytest.raises(StorageFailure, match="is not a DuckDB file: choose another file"):
        Store.open(path)
    assert path.read_bytes() == content


def test_a_damaged_file_is_refused_with_the_way_out(tmp_path: Path) -> None:
    opened(tmp_path).close()
    path = tmp_path / "store.duckdb"
    path.write_bytes(path.read_bytes()[:9000])
    with pytest.raises(StorageFailure, match=r"is damaged: put a copy of it back"):
        opened(tmp_path)


def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StorageFailure, match=r"folder of the store .* cannot be made"):
        Store.open(tmp_path / "file" / "store.duckdb")
