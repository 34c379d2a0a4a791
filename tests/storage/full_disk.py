"""A program that fills the small disk it is given while a run is written, makes room, and checks
that nothing is missing.

Run on a file system of about 96 MiB: `python -m tests.storage.full_disk FOLDER MIB`. MIB is the
room it leaves: with little, the write-ahead log cannot grow; with more than its 16 MiB, the
checkpoint that then begins by itself fails after the commit, which DuckDB takes as fatal.
"""

from __future__ import annotations

import random
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from backend.core.errors import StorageFailure
from storage import RunWriter, Store
from tests.storage.traces import Trace, new_run, opened, pieces, trace


def fill(ballast: Path, left: int) -> None:
    """Take all room but `left` bytes."""
    block = bytes(2**16)
    with ballast.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(block)
        except OSError:
            file.truncate(max(0, file.tell() - left))


def write(writer: RunWriter, parts: list[Trace]) -> StorageFailure | None:
    """Append and flush until something is refused; parts that were taken over are removed from the
    list."""
    try:
        while parts:
            writer.append(parts[0].nodes, parts[0].events)
            del parts[0]
            writer.flush()
    except StorageFailure as failure:
        return failure
    return None


@contextmanager
def readers(store: Store, run_id: int) -> Iterator[None]:
    """Two threads that read all the time, as pages do: their connections hold on to a database that
    a fatal error made useless."""
    over = threading.Event()

    def read() -> None:
        while not over.wait(0.001):
            with suppress(StorageFailure):
                store.nodes(run_id)

    threads = [threading.Thread(target=read) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        over.set()
        for thread in threads:
            thread.join()


def main(folder: Path, left_bytes: int) -> None:
    rng, whole = random.Random(0), trace(300)
    nodes = [replace(node, text=rng.randbytes(50_000).hex()) for node in whole.nodes]
    parts = pieces(whole._replace(nodes=nodes), lambda: 15)
    store = opened(folder)
    run_id = new_run(store)
    writer = store.writer(run_id)
    fill(folder / "ballast", left_bytes)
    try:
        new_run(store)
        raise SystemExit("a run was started without room for it")
    except StorageFailure as failure:
        assert "a run needs at least 64 MiB" in str(failure), failure
    with readers(store, run_id):
        refused = write(writer, parts)
    assert refused is not None, "the disk was not full: this proves nothing"
    print(refused)
    assert "is full: make room" in str(refused), refused
    assert store.run(run_id).status == "queued", "a full disk can still be read"
    (folder / "ballast").unlink()
    writer.flush()
    assert write(writer, parts) is None
    writer.close()
    store.update_run(run_id, status="finished", ledger=whole.ledger)
    assert store.verify(run_id) == []
    assert [node.text for node in store.nodes(run_id)] == [node.text for node in nodes]
    store.close()
    print("whole")


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]) * 2**20)
