"""The lives of runs: queue, steer, stop, fail, and come back after a crash."""

from __future__ import annotations

import asyncio
import contextlib
import time
from pathlib import Path

import pytest

from backend.core.errors import BadInput, Conflict, EngineFailure, MissingCapability, NotFound
from backend.core.events import StatusChanged
from backend.service.jobs.jobs import MOST_BEHIND
from storage import Store
from tests.service.jobs.fakes import (
    FakeModels,
    Flooding,
    Growing,
    failing,
    greedy,
    jobs,
    quick,
    spec,
    store_at,
)
from tests.support.logged import of
from tests.support.stopwatch import Stopwatch
from tests.support.waiting import until


def writing_s(store: Store) -> float:
    """What ten small writes take on this machine now: a bound in seconds is meant for an idle
    one.
    """
    started = time.monotonic()
    for _ in range(10):
        store.set_setting("probe", started)
    return time.monotonic() - started


async def test_a_run_goes_from_queued_to_finished_and_its_row_says_how(store: Store) -> None:
    board = jobs(store, FakeModels(), quick)
    run_id = await board.submit(spec())
    await board.wait(run_id)
    row = store.run(run_id)
    assert (row.status, row.answer, row.correct, row.chosen_node) == ("finished", "12", True, 1)
    assert row.ledger["generated_tokens"] == 6
    assert row.manifest["engine"]["model"] == "fake-1"  # type: ignore[index,call-overload]
    assert row.finished_at is not None
    assert board.standing(run_id) is None


async def test_when_the_row_says_finished_the_whole_log_is_stored(store: Store) -> None:
    board = jobs(store, FakeModels(), Growing(0.0, most=300))
    run_id = await board.submit(spec())
    seen: list[tuple[str, int]] = []
    with board.watch(
        run_id, lambda: seen.append((store.run(run_id).status, store.last_seq(run_id)))
    ):
        await board.wait(run_id)
    assert seen[-1] == ("finished", 599)


async def test_only_so_many_runs_search_at_once_and_the_others_wait(store: Store) -> None:
    growing = Growing()
    board = jobs(store, FakeModels(), growing, runs_at_once=2)
    ids = [await board.submit(spec(seed=seed)) for seed in range(4)]
    await until(lambda: growing.running == 2)
    assert board.counts == (2, 2)
    assert [store.run(run_id).status for run_id in ids] == [
        "running",
        "running",
        "queued",
        "queued",
    ]
    board.resize(4)
    await until(lambda: growing.running == 4)
    await board.close()


async def test_a_waiting_run_says_that_a_model_is_loading(store: Store) -> None:
    models = FakeModels(gate=asyncio.Event())
    board = jobs(store, models, quick)
    run_id = await board.submit(spec())
    await until(lambda: (now := board.standing(run_id)) is not None and now.status == "loading")
    standing = board.standing(run_id)
    assert standing is not None
    assert store.run(run_id).status == "loading"
    assert standing.reason == "loading model"
    assert models.gate is not None
    models.gate.set()
    await board.wait(run_id)
    assert store.run(run_id).status == "finished"


@pytest.mark.parametrize("phase", ["at once", "queued", "loading", "running", "paused"])
async def test_a_run_can_be_stopped_in_every_phase_within_a_second(
    store: Store, phase: str
) -> None:
    growing = Growing()
    models = FakeModels(gate=asyncio.Event() if phase == "loading" else None)
    board = jobs(store, models, growing, runs_at_once=1)
    if phase == "queued":
        await board.submit(spec(seed=1))
        await until(lambda: growing.running == 1)
    run_id = await board.submit(spec())
    if phase in ("queued", "loading"):
        await until(lambda: store.run(run_id).status == phase)
    if phase in ("running", "paused"):
        await until(lambda: growing.written > 3)
    if phase == "paused":
        await board.pause(run_id)
    patience, watch = 1.0 + writing_s(store), Stopwatch()
    assert await board.cancel(run_id) == "cancelled"
    assert watch.seconds() < patience
    assert store.run(run_id).status == "cancelled"
    assert board.standing(run_id) is None
    await board.close()


async def test_a_stopped_run_keeps_what_it_wrote_and_its_ledger(store: Store) -> None:
    growing = Growing()
    board = jobs(store, FakeModels(), growing)
    run_id = await board.submit(spec())
    await until(lambda: growing.written > 5)
    await board.cancel(run_id)
    row = store.run(run_id)
    assert row.nodes == growing.written
    assert row.ledger == {"generated_tokens": float(growing.written)}
    assert of(StatusChanged, store.events(run_id, limit=None))[-1].status == "cancelled"


async def test_a_paused_run_stands_still_and_goes_on_where_it_was(store: Store) -> None:
    growing = Growing()
    board = jobs(store, FakeModels(), growing)
    run_id = await board.submit(spec())
    await until(lambda: growing.written > 3)
    assert await board.pause(run_id) == "paused"
    await asyncio.sleep(0.05)
    written = growing.written
    await asyncio.sleep(0.1)
    assert growing.written == written
    assert store.run(run_id).status == "paused"
    assert await board.resume(run_id) == "running"
    await until(lambda: growing.written > written + 3)
    await board.close()


async def test_steering_a_run_that_is_over_is_a_conflict_and_an_unknown_one_is_not_found(
    store: Store,
) -> None:
    board = jobs(store, FakeModels(), quick)
    run_id = await board.submit(spec())
    await board.wait(run_id)
    for action in (board.cancel, board.pause, board.resume):
        with pytest.raises(Conflict, match="finished"):
            await action(run_id)
        with pytest.raises(NotFound):
            await action(999)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (EngineFailure("the engine host died (signal 9)", "Resume the run"), "engine died"),
        (RuntimeError("surprise \ud800"), "internal error"),
    ],
)
async def test_whatever_ends_a_run_is_recorded_with_reason_and_remedy(
    store: Store, error: Exception, kind: str
) -> None:
    board = jobs(store, FakeModels(), failing(error))
    run_id = await board.submit(spec())
    await board.wait(run_id)
    row = store.run(run_id)
    assert (row.status, row.error) == ("failed", kind)
    assert row.reason
    assert row.remedy
    assert row.nodes == 1


async def test_a_model_that_cannot_be_loaded_fails_its_run_and_no_other(store: Store) -> None:
    models = FakeModels(failure=EngineFailure("model folder nowhere does not exist"))
    board = jobs(store, models, quick)
    first = await board.submit(spec())
    await board.wait(first)
    models.failure = None
    second = await board.submit(spec())
    await board.wait(second)
    assert [store.run(run_id).status for run_id in (first, second)] == ["failed", "finished"]
    assert store.run(first).error == "model missing"


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"strategy": "dowsing"}, "beam_search"),
        ({"params": {"width": 3}}, "beam_width"),
        ({"params": {"n": 0}}, "greater than"),
        ({"selector": "loudest"}, "majority"),
        ({"verifier": "oracle"}, "exact"),
        ({"engine": "abacus"}, "torch"),
        ({"engine": "vllm"}, "not installed"),
        ({"question": None, "answer": None, "problem": "ledger/99/1"}, "ledger"),
    ],
)
async def test_bad_input_is_refused_before_anything_is_stored(
    store: Store, fields: dict[str, object], named: str
) -> None:
    board = jobs(store, FakeModels(), quick)
    with pytest.raises(BadInput) as refusal:
        await board.submit(spec(**fields))
    assert named in str(refusal.value)
    assert store.runs().total == 0


async def test_the_exact_checker_needs_a_known_answer(store: Store) -> None:
    board = jobs(store, FakeModels(), quick)
    with pytest.raises(MissingCapability, match="answer is known"):
        await board.submit(spec(answer=None))


async def test_closing_cuts_runs_off_like_a_crash_and_they_can_be_taken_up(store: Store) -> None:
    growing = Growing()
    board = jobs(store, FakeModels(), growing)
    run_id = await board.submit(spec())
    await until(lambda: growing.written > 5)
    patience, watch = 2.0 + writing_s(store), Stopwatch()
    await board.close()
    assert watch.seconds() < patience
    row = store.run(run_id)
    assert row.status == "crashed"
    assert "resume" in (row.reason or "")
    assert of(StatusChanged, store.events(run_id, limit=None)) == []
    again = jobs(store, FakeModels(), Growing(0.0, most=row.nodes + 10))
    assert await again.resume(run_id) == "queued"
    await again.wait(run_id)
    assert store.run(run_id).status == "finished"
    assert store.run(run_id).nodes == row.nodes + 10
    assert store.run(run_id).reason is None or "resume" not in str(store.run(run_id).reason)
    assert store.last_seq(run_id) == 2 * (row.nodes + 10) - 1


async def test_a_run_that_died_with_its_process_is_found_crashed_and_taken_up(
    tmp_path: Path,
) -> None:
    store = store_at(tmp_path)
    run_id = store.create_run(
        spec().model_dump(mode="json"), problem=None, strategy="beam_search", model="", seed=0
    )
    store.update_run(run_id, status="running")
    store.close()
    store = store_at(tmp_path)
    assert store.run(run_id).status == "crashed"
    board = jobs(store, FakeModels(), quick)
    await board.resume(run_id)
    await board.wait(run_id)
    assert store.run(run_id).status == "finished"
    store.close()


async def test_a_run_that_is_deleted_while_it_grows_is_stopped_first(store: Store) -> None:
    growing = Growing()
    board = jobs(store, FakeModels(), growing)
    run_id = await board.submit(spec())
    await until(lambda: growing.written > 3)
    await board.delete(run_id)
    assert growing.running == 0
    with pytest.raises(NotFound):
        store.run(run_id)


async def test_nothing_is_accepted_after_closing(store: Store) -> None:
    board = jobs(store, FakeModels(), quick)
    await board.close()
    with pytest.raises(BadInput, match="stopping"):
        await board.submit(spec())
    assert store.runs().total == 0


@pytest.mark.parametrize("delay_s", [0.0, 0.01, 0.03, 0.1, 0.2])
async def test_stopping_a_run_while_its_end_is_being_written_leaves_a_whole_end(
    store: Store, delay_s: float
) -> None:
    board = jobs(store, FakeModels(), Growing(0.0, most=3))
    run_id = await board.submit(spec())
    await asyncio.sleep(delay_s)
    with contextlib.suppress(Conflict):  # the run may be over by the time it is asked to stop
        await board.cancel(run_id)
    assert store.run(run_id).status in ("finished", "cancelled")
    assert store.run(run_id).finished_at is not None
    assert board.standing(run_id) is None


async def test_a_run_waits_when_the_store_falls_behind(store: Store) -> None:
    flood = Flooding(400)
    board = jobs(store, FakeModels(), flood)
    run_id = await board.submit(spec())
    await board.wait(run_id)
    assert store.run(run_id).status == "finished"
    assert store.run(run_id).events == 40_001
    assert 100 <= flood.most_behind <= MOST_BEHIND + 100


async def test_a_run_that_never_waits_keeps_nobody_else_waiting(store: Store) -> None:
    board = jobs(store, FakeModels(), greedy)
    run_id = await board.submit(spec())
    await until(lambda: store.run(run_id).status == "running")
    assert await board.cancel(run_id) == "cancelled"
