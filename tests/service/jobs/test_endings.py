"""The end of a run is kept while the disk of the store is full, and written when there is room; what
says that it is under way while nothing works on it was cut off."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from backend.core.errors import Conflict, NotFound
from backend.service.jobs import Jobs
from storage import Store
from tests.service.jobs.fakes import FakeModels, Growing, jobs, quick, spec
from tests.storage.test_failing_disk import FailingDisk
from tests.storage.traces import opened
from tests.support.waiting import until

FULL = ["before"] * 1000
RETRY_S = 0.02


@pytest.fixture
def disk(tmp_path: Path) -> FailingDisk:
    opened(tmp_path).close()
    return FailingDisk(tmp_path / "store.duckdb")


@pytest.fixture
def filling(disk: FailingDisk) -> Iterator[Store]:
    store = Store(disk, lambda: datetime.now(UTC))
    yield store
    disk.failures.clear()
    store.close()


def board_on(store: Store, launch: object) -> Jobs:
    return jobs(store, FakeModels(), launch, retry_s=RETRY_S)


async def test_an_end_on_a_full_disk_is_told_kept_and_written_when_there_is_room(
    disk: FailingDisk, filling: Store
) -> None:
    growing = Growing(0.01, most=100)
    board = board_on(filling, growing)
    run_id = await board.submit(spec())
    await until(lambda: filling.last_seq(run_id) > 4)
    disk.failures[:] = FULL
    await board.wait(run_id)
    kept = board.standing(run_id)
    assert kept is not None and kept.status in ("finished", "failed")
    assert "is stored" not in kept.reason and "when there is room" in kept.reason
    assert filling.run(run_id).status == "running" and board.counts == (0, 0)
    with pytest.raises(Conflict, match="not stored yet"):
        await board.resume(run_id)
    told = list[str]()
    with board.watch(run_id, lambda: told.append(filling.run(run_id).status)):
        disk.failures.clear()
        await until(lambda: board.standing(run_id) is None)
    assert told == [kept.status] == [filling.run(run_id).status]
    assert filling.run(run_id).ledger
    await board.close()


async def test_no_record_of_a_run_is_lost_that_ends_on_a_full_disk(
    disk: FailingDisk, filling: Store
) -> None:
    written = list[int]()

    async def fill_and_end(*given: object, **named: object) -> object:
        outcome = await quick(*given, **named)  # type: ignore[arg-type]
        disk.failures[:] = FULL
        written.append(outcome.events)
        return outcome

    board = board_on(filling, fill_and_end)
    run_id = await board.submit(spec())
    await board.wait(run_id)
    assert (board.standing(run_id) or pytest.fail("not kept")).status == "finished"
    disk.failures.clear()
    await until(lambda: board.standing(run_id) is None)
    row = filling.run(run_id)
    assert (row.status, row.answer, row.error) == ("finished", "12", None)
    assert filling.last_seq(run_id) + 1 == written[0]
    await board.close()


async def test_a_kept_end_is_written_when_the_jobs_are_closed(
    disk: FailingDisk, filling: Store
) -> None:
    board = jobs(filling, FakeModels(), Growing(0.01, most=100), retry_s=600.0)
    run_id = await board.submit(spec())
    await until(lambda: filling.last_seq(run_id) > 4)
    disk.failures[:] = FULL
    await board.wait(run_id)
    disk.failures.clear()
    await board.close()
    assert filling.run(run_id).status in ("finished", "failed")


async def test_a_run_whose_end_is_kept_can_be_deleted(disk: FailingDisk, filling: Store) -> None:
    board = board_on(filling, Growing(0.01, most=100))
    run_id = await board.submit(spec())
    await until(lambda: filling.last_seq(run_id) > 4)
    disk.failures[:] = FULL
    await board.wait(run_id)
    disk.failures.clear()
    await board.delete(run_id)
    with pytest.raises(NotFound):
        filling.run(run_id)
    assert board.standing(run_id) is None
    await board.close()


@pytest.mark.parametrize("status", ["loading", "running", "paused"])
async def test_a_row_that_says_it_is_under_way_while_nothing_works_on_it_was_cut_off(
    store: Store, status: str
) -> None:
    before = jobs(store, FakeModels(), Growing(0.0, most=5))
    run_id = await before.submit(spec())
    await before.wait(run_id)
    store.update_run(run_id, status=status)
    board = jobs(store, FakeModels(), Growing(0.0, most=5))
    standing = board.standing(run_id, store.run(run_id).status)
    assert standing is not None and standing.status == "crashed"
    assert before.standing(run_id, status) is None, "a row that was read before its run ended"
    assert await board.resume(run_id) == "queued"
    await board.wait(run_id)
    assert store.run(run_id).status == "finished"


async def test_a_row_without_a_job_can_be_deleted(store: Store) -> None:
    board = jobs(store, FakeModels(), quick)
    other = jobs(store, FakeModels(), quick)
    run_id = await other.submit(spec())
    await other.wait(run_id)
    store.update_run(run_id, status="running")
    await board.delete(run_id)
    with pytest.raises(NotFound):
        store.run(run_id)
