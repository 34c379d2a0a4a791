"""How a trace gets into the file without slowing the search: one thread writes the buffers of all
runs, a few times a second.

`RunWriter.append` is called between the rounds of a search and only buffers. The thread takes all
buffers at once and stores them in one transaction, nodes before events: every 250 ms, or every 50
ms where somebody watches. So a crash loses a quarter of a second and tears nothing.

A batch that fails stays in its buffer; its run gets the error at the next `append` or `flush`, and
`flush` tries again. When a transaction fails that several runs share, each is stored on its own,
without what turns out to be stored already (a full disk can fail after the commit).
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from backend.core.errors import Conflict, StorageFailure
from backend.core.records import EventRecord, NodeRecord
from storage import queries
from storage.database import Database
from storage.events import ArrowBatch

IDLE_SECONDS = 0.25
WATCHED_SECONDS = 0.05


@dataclass(frozen=True, eq=False)
class Watch:
    """Somebody who wants to hear the last stored sequence number of a run after every commit."""

    run_id: int
    callback: Callable[[int], None]


class RunWriter:
    """The sink of one run (`backend.core.records.Sink`). Records must follow each other without a
    gap; `append` refuses others."""

    def __init__(self, flusher: Flusher, run_id: int, *, next_id: int, next_seq: int) -> None:
        self.run_id = run_id
        self._flusher = flusher
        self._next_id, self._next_seq = next_id, next_seq
        self.nodes: list[NodeRecord] = []
        self.events: list[EventRecord] = []
        self.due: float | None = None
        self.busy = False
        self.storing = 0
        self.failure: str | None = None
        self.closed = False

    @property
    def dirty(self) -> bool:
        return bool(self.nodes or self.events)

    @property
    def backlog(self) -> int:
        """Events that are not durable yet; 0 after a failure, of which `append` tells."""
        return 0 if self.failure is not None else len(self.events) + self.storing

    def append(self, nodes: Sequence[NodeRecord], events: Sequence[EventRecord]) -> None:
        """Buffer what happened. Raises `StorageFailure` when an earlier batch could not be stored
        or a number is out of order."""
        with self._flusher.changed:
            self._require_open()
            if self.failure is not None:
                raise StorageFailure(self.failure)
            next_id = self._following("node", self._next_id, [node.id for node in nodes])
            self._next_seq = self._following(
                "event", self._next_seq, [event.seq for event in events]
            )
            self._next_id = next_id
            self.nodes.extend(nodes)
            self.events.extend(events)
            if self.due is None and self.dirty:
                self._flusher.schedule(self)

    def flush(self) -> None:
        """Block until everything appended is durable. Raises `StorageFailure` when it cannot be
        stored; the records stay buffered."""
        self._flusher.flush(self)

    def close(self) -> None:
        """Flush, then checkpoint, so that the finished run no longer depends on the write-ahead
        log. Closing twice is harmless."""
        self._flusher.close_writer(self)

    def _require_open(self) -> None:
        if self.closed:
            raise StorageFailure(f"the writer of run {self.run_id} is closed")

    def _following(self, what: str, expected: int, numbers: Sequence[int]) -> int:
        for number in numbers:
            if number != expected:
                raise StorageFailure(
                    f"run {self.run_id}: {what} {number} does not follow what is stored, "
                    f"accepted: {expected}"
                )
            expected += 1
        return expected


class Flusher:
    """The writing thread and what it shares with the threads of the searches, all guarded by
    `changed`."""

    def __init__(self, database: Database) -> None:
        self.changed = threading.Condition()
        self._database = database
        self._writers: dict[int, RunWriter] = {}
        self._watches: list[Watch] = []
        self._stopping = False
        self._dead: str | None = None
        self._thread = threading.Thread(target=self._work, name="store-writer", daemon=True)
        self._thread.start()

    def writer(self, run_id: int) -> RunWriter:
        """The only writer of a run; it continues where the stored log ends. Raises `Conflict` when
        there is one already."""
        last_id = self._database.value(queries.last_node_id(run_id))
        last_seq = self._database.value(queries.last_seq(run_id))
        next_id, next_seq = (0 if last is None else int(last) + 1 for last in (last_id, last_seq))
        with self.changed:
            if run_id in self._writers:
                raise Conflict(f"run {run_id} is being written already")
            self._writers[run_id] = writer = RunWriter(
                self, run_id, next_id=next_id, next_seq=next_seq
            )
            writer.failure = self._dead
        return writer

    def is_open(self, run_id: int) -> bool:
        with self.changed:
            return run_id in self._writers

    @contextlib.contextmanager
    def watch(self, run_id: int, callback: Callable[[int], None]) -> Iterator[None]:
        watch = Watch(run_id, callback)
        with self.changed:
            self._watches.append(watch)
            writer = self._writers.get(run_id)
            if writer is not None and writer.due is not None:
                self.schedule(writer)
        try:
            yield
        finally:
            self._forget(watch)

    def schedule(self, writer: RunWriter) -> None:
        """Set when the buffer is to be stored; `changed` is held."""
        watched = any(watch.run_id == writer.run_id for watch in self._watches)
        soon = time.monotonic() + (WATCHED_SECONDS if watched else IDLE_SECONDS)
        writer.due = soon if writer.due is None else min(writer.due, soon)
        self.changed.notify_all()

    def flush(self, writer: RunWriter) -> None:
        with self.changed:
            if writer.closed and writer.dirty:
                raise StorageFailure(
                    f"the writer of run {writer.run_id} is closed and its last records "
                    f"were lost: {writer.failure}"
                )
            writer.failure = self._dead
            if writer.dirty and self._dead is None:
                writer.due = 0.0
                self.changed.notify_all()
            self.changed.wait_for(
                lambda: writer.failure is not None or not (writer.dirty or writer.busy)
            )
            if writer.failure is not None:
                raise StorageFailure(writer.failure)

    def close_writer(self, writer: RunWriter) -> None:
        if writer.closed:
            return
        try:
            self.flush(writer)
        finally:
            with self.changed:
                writer.closed = True
                self._writers.pop(writer.run_id, None)
        self._database.checkpoint()

    def close(self) -> None:
        """Flush every writer and end the thread. Raises `StorageFailure` naming what could not be
        stored."""
        failures: list[str] = []
        with self.changed:
            writers = list(self._writers.values())
        for writer in writers:
            try:
                self.flush(writer)
            except StorageFailure as problem:
                failures.append(str(problem))
        with self.changed:
            for writer in writers:
                writer.closed = True
            self._writers.clear()
            self._stopping = True
            self.changed.notify_all()
        self._thread.join()
        if failures:
            raise StorageFailure("; ".join(failures))

    def _work(self) -> None:
        try:
            while (batches := self._take()) is not None:
                self._settle(batches, self._store(batches))
        except BaseException as problem:
            with self.changed:
                self._dead = f"the thread that writes the store ended: {problem!r}"
                for writer in self._writers.values():
                    writer.failure, writer.busy = self._dead, False
                self.changed.notify_all()
            raise

    def _take(self) -> list[ArrowBatch] | None:
        """Wait until a buffer is due, then empty all of them; None when the store closes."""
        with self.changed:
            while not self._stopping:
                waiting = [writer for writer in self._writers.values() if writer.due is not None]
                patience = (
                    min((writer.due or 0.0 for writer in waiting), default=float("inf"))
                    - time.monotonic()
                )
                if patience <= 0.0:
                    return [_empty(writer) for writer in waiting]
                self.changed.wait(None if patience == float("inf") else patience)
            return None

    def _store(self, batches: Sequence[ArrowBatch]) -> dict[int, str]:
        """Store the batches; returns what failed, by run."""
        from storage.arrow import append, encode

        try:
            encoded = [encode(*batch) for batch in batches]
            with self._database.writing() as connection:
                for tables in encoded:
                    append(connection, tables)
        except StorageFailure:
            return self._store_one_by_one(batches)
        return {}

    def _store_one_by_one(self, batches: Sequence[ArrowBatch]) -> dict[int, str]:
        from storage.arrow import append, encode

        failures: dict[int, str] = {}
        for batch in batches:
            try:
                with self._database.writing() as connection:
                    last_id = connection.execute(queries.last_node_id(batch.run_id)).scalar()
                    last_seq = connection.execute(queries.last_seq(batch.run_id)).scalar()
                    missing = batch.newer_than(
                        -1 if last_id is None else last_id, -1 if last_seq is None else last_seq
                    )
                    append(connection, encode(*missing))
            except StorageFailure as problem:
                failures[batch.run_id] = str(problem)
        return failures

    def _settle(self, batches: Sequence[ArrowBatch], failures: dict[int, str]) -> None:
        """Note what is durable, put back what is not, and tell who waits and who watches."""
        with self.changed:
            for batch in batches:
                writer = self._writers.get(batch.run_id)
                if writer is None:
                    continue
                writer.busy, writer.storing = False, 0
                if batch.run_id in failures:
                    writer.failure, writer.due = failures[batch.run_id], None
                    writer.nodes, writer.events = (
                        [*batch.nodes, *writer.nodes],
                        [*batch.events, *writer.events],
                    )
            stored = {
                batch.run_id: batch.events[-1].seq
                for batch in batches
                if batch.events and batch.run_id not in failures
            }
            watches = [watch for watch in self._watches if watch.run_id in stored]
            self.changed.notify_all()
        for watch in watches:
            try:
                watch.callback(stored[watch.run_id])
            except RuntimeError:  # its event loop has closed: nobody listens any more
                self._forget(watch)

    def _forget(self, watch: Watch) -> None:
        with self.changed:
            if watch in self._watches:
                self._watches.remove(watch)


def _empty(writer: RunWriter) -> ArrowBatch:
    batch = ArrowBatch(writer.run_id, writer.nodes, writer.events)
    writer.nodes, writer.events, writer.due, writer.busy, writer.storing = (
        [],
        [],
        None,
        True,
        len(writer.events),
    )
    return batch
