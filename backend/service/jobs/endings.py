"""How runs ended, written into the store: at once, or, where its disk is full, when there is room.

Until then the end is kept in memory with the records that are not stored yet, and whoever asks is
told how the run ended and that it is not stored.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple

from backend.core.errors import NotFound, StorageFailure
from backend.service.jobs.failure import is_disk_full
from backend.service.jobs.rows import loss_fields, standing_fields, words_of
from backend.service.jobs.tap import Tap
from storage import RunWriter, Store

log = logging.getLogger("arboretum.jobs")
RETRY_S = 5.0
NOT_STORED = "the disk is full, so that this end is not stored yet: it will be when there is room"


class RunStatus(NamedTuple):
    """The state of a run now; `since` is seconds of the epoch, 0 where unknown."""

    status: str
    reason: str
    since: float


@dataclass(frozen=True, eq=False)
class RunEnd:
    """How a run ended: its status with the fields of its row, and what it was written by, if it came
    so far."""

    run_id: int
    status: str
    fields: Mapping[str, object]
    tap: Tap | None
    writer: RunWriter | None

    @property
    def words(self) -> str:
        return words_of(self.fields)


class Endings:
    """Writes ends, and keeps those that cannot be written. Belongs to one event loop; `tell` hears of
    a run whose end has been written late."""

    def __init__(
        self, store: Store, tell: Callable[[int], None], *, retry_s: float = RETRY_S
    ) -> None:
        self._store, self._tell, self._retry_s = store, tell, retry_s
        self._kept: dict[int, RunEnd] = {}
        self._retrying: asyncio.Task[None] | None = None

    def standing(self, run_id: int) -> RunStatus | None:
        """The state of a run whose end is kept here, else None."""
        end = self._kept.get(run_id)
        if end is None:
            return None
        return RunStatus(end.status, "; ".join(filter(None, (end.words, NOT_STORED))), 0.0)

    async def write(self, end: RunEnd) -> RunStatus:
        """Write an end, or keep it; returns the state of the run from now on."""
        try:
            await asyncio.to_thread(write_end, self._store, end)
        except NotFound as gone:
            log.error("the end of run %d has no place: %s", end.run_id, gone)
        except StorageFailure as lost:
            log.error("the end of run %d could not be stored: %s", end.run_id, lost)
            self._kept[end.run_id] = end
            if self._retrying is None:
                self._retrying = asyncio.create_task(self._retry(), name="ends of runs")
        return self.standing(end.run_id) or RunStatus(end.status, end.words, time.time())

    async def forget(self, run_id: int) -> None:
        """Give up the kept end of a run that is to be deleted, with its records. Raises
        `StorageFailure` where not even its row can be written."""
        end = self._kept.get(run_id)
        if end is None:
            return
        await asyncio.to_thread(self._store.update_run, run_id, status=end.status)
        if end.writer is not None:
            await asyncio.to_thread(close_writer, end.writer)
        self._kept.pop(run_id, None)

    async def close(self) -> None:
        """Try once more to write what is kept, and stop trying."""
        if self._retrying is not None:
            self._retrying.cancel()
            await asyncio.wait({self._retrying})
            await self._write_kept()

    async def _retry(self) -> None:
        while self._kept:
            await asyncio.sleep(self._retry_s)
            await self._write_kept()
        self._retrying = None

    async def _write_kept(self) -> None:
        for run_id, end in list(self._kept.items()):
            try:
                await asyncio.to_thread(write_end, self._store, end)
            except StorageFailure:
                continue
            if self._kept.pop(run_id, None) is not None:
                log.warning("the end of run %d is stored now", run_id)
                self._tell(run_id)


def write_end(store: Store, end: RunEnd) -> None:
    """Store the last records of a run and its row. Raises `StorageFailure` where the disk is full,
    and nothing is lost; records that are refused for another reason are, and the row says so."""
    status, fields = end.status, end.fields
    if end.writer is not None:
        try:
            end.writer.flush()
        except StorageFailure as lost:
            if is_disk_full(str(lost)):
                raise
            status, fields = "failed", {**fields, **loss_fields(lost)}
        close_writer(end.writer)
    known = {} if end.tap is None else standing_fields(end.tap)
    store.update_run(
        end.run_id, **{"status": status, "finished_at": datetime.now(UTC), **known, **fields}
    )


def close_writer(writer: RunWriter) -> None:
    """Close a writer whose records are stored, or given up."""
    try:
        writer.close()
    except StorageFailure as problem:
        log.warning("run %d: %s", writer.run_id, problem)


__all__ = ["Endings", "RunEnd", "RunStatus", "write_end"]
