"""The queue of runs and their lives: queued, loading, running, paused, then finished, failed,
cancelled or crashed.

The row of a run in the store is its state; memory holds only what is needed to steer it. `crashed`
means cut off with the process: what was generated until then is kept, and `resume` goes on from
there without paying for it again.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import NamedTuple

from anyio import CapacityLimiter

from backend.core.errors import ArboretumError, BadInput, Conflict
from backend.core.ports import EngineInfo
from backend.core.spec import RunSpec
from backend.core.types import JSON
from backend.problems.base import Problem
from backend.review.stored_run import StoredRun
from backend.runs.driver import Control, GradeFunction, manifest
from backend.runs.driver import run as run_spec
from backend.runs.paid import NOTHING_PAID, Paid
from backend.runs.versions import with_versions
from backend.service.jobs.admission import Admission
from backend.service.jobs.endings import RETRY_S, Endings, RunEnd, RunStatus
from backend.service.jobs.failure import failure
from backend.service.jobs.forks import Forks
from backend.service.jobs.ports import Launch, ModelHost
from backend.service.jobs.rescoring import Rescoring
from backend.service.jobs.rows import (
    links_of,
    outcome_fields,
    problem_fields,
)
from backend.service.jobs.tap import Tap
from backend.service.loading import load_models
from storage import RunRow, RunWriter, Store

log = logging.getLogger("arboretum.jobs")

RESUMABLE = ("crashed", "failed")
CLEARED = ("reason", "limit_axis", "limit_value", "error", "remedy", "finished_at")
"""What a row said of an end from which the run is taken up again."""
CANCEL_WAIT_S = 1.0
MOST_BEHIND = 2_000
"""Events that a run may be ahead of the store: enough for full batches, few enough to be written
while the server ends."""


STOPPED = RunStatus("cancelled", "stopped by the user", 0.0)
UNDER_WAY = ("loading", "running", "paused")
ORPHAN = RunStatus(
    "crashed", "nothing works on this run any more; resume goes on without paying again", 0.0
)
"""What a row means that says that a run is under way, where none is."""


class RunCounts(NamedTuple):
    """Runs that wait, and runs that have begun and are not over."""

    queued: int
    running: int


@dataclass(eq=False)
class Job:
    """A run that is not over."""

    run_id: int
    spec: RunSpec
    problem: Problem
    paid: Paid
    standing: RunStatus
    forked_from: JSON = None
    control: Control = field(default_factory=Control)
    writing: asyncio.Lock = field(default_factory=asyncio.Lock)
    tap: Tap | None = None
    writer: RunWriter | None = None
    ending: asyncio.Task[None] | None = None
    ends_as: RunStatus | None = None
    task: asyncio.Task[None] | None = None


class Jobs:
    """Accepts, runs and stops runs. Belongs to one event loop; `close` ends it."""

    def __init__(
        self,
        store: Store,
        models: ModelHost,
        admission: Admission,
        grade: GradeFunction,
        *,
        runs_at_once: int = 4,
        launch: Launch = run_spec,
        retry_s: float = RETRY_S,
    ) -> None:
        self._store, self._models, self._admission, self._grade, self._launch = (
            store,
            models,
            admission,
            grade,
            launch,
        )
        self._room = CapacityLimiter(runs_at_once)
        self._active: dict[int, Job] = {}
        self._ended: set[int] = set()  # their rows may have been read before they ended
        self._watchers: defaultdict[int, set[Callable[[], None]]] = defaultdict(set)
        self._closed = False
        self._endings = Endings(store, self._tell, retry_s=retry_s)
        self.rescoring = Rescoring(store, models)
        self.forks = Forks(store, admission, self._begin)

    @property
    def counts(self) -> RunCounts:
        queued = sum(job.standing.status == "queued" for job in self._active.values())
        return RunCounts(queued, len(self._active) - queued)

    def resize(self, runs_at_once: int) -> None:
        """Change how many runs search at the same time. With more room, waiting runs start at
        once; with less, those under way finish and none starts until they fit."""
        self._room.total_tokens = runs_at_once

    def standing(self, run_id: int, stored: str | None = None) -> RunStatus | None:
        """The state of a run that is not over, or whose end is not stored, else None: then its row
        says how it ended. `stored` is what the row says, where it has been read: one that says that
        a run is under way, of which nobody knows here, was cut off."""
        job = self._active.get(run_id)
        if job is not None:
            return job.standing
        lost = stored in UNDER_WAY and run_id not in self._ended
        return self._endings.standing(run_id) or (ORPHAN if lost else None)

    async def submit(self, spec: RunSpec) -> int:
        """Accept a run and return its id; it starts when there is room. Raises `BadInput` before
        anything is stored."""
        spec = with_versions(spec)
        return await self._begin(spec, self._admission.admit(spec), NOTHING_PAID)

    async def _begin(
        self,
        spec: RunSpec,
        problem: Problem,
        paid: Paid,
        forked_from: dict[str, JSON] | None = None,
    ) -> int:
        self._require_open()
        run_id = await asyncio.to_thread(
            self._store.create_run,
            spec.model_dump(mode="json"),
            problem=problem_fields(problem),
            strategy=spec.strategy,
            model=spec.model or "",
            seed=spec.seed,
            forked_from=forked_from,
            links=links_of(forked_from),
        )
        self._start(run_id, spec, problem, paid, forked_from)
        return run_id

    async def wait(self, run_id: int) -> None:
        """Returns when the run is over and its end is written."""
        job = self._active.get(run_id)
        if job is not None and job.task is not None:
            await asyncio.wait({job.task})
            if job.ending is not None:
                await asyncio.shield(job.ending)

    async def cancel(self, run_id: int) -> str:
        """Stop a run within a second; what it has written stays. Raises `Conflict` when it is
        over.
        """
        job = self._job(run_id, await self._row_status(run_id), "stop")
        await self._stop(job, STOPPED)
        return job.standing.status

    async def pause(self, run_id: int) -> str:
        """Let a running run wait at its next model call."""
        job = self._job(run_id, await self._row_status(run_id), "pause")
        if job.standing.status != "running":
            raise Conflict(
                f"run {run_id} is {job.standing.status}: only a running run can be paused"
            )
        job.control.pause()
        await self._set(job, "paused")
        return job.standing.status

    async def resume(self, run_id: int) -> str:
        """Go on with a paused run, or take up one that crashed or failed: what it has paid for is
        not paid again."""
        job = self._active.get(run_id)
        if job is None:
            return await self._take_up(run_id)
        if job.standing.status != "paused":
            raise Conflict(
                f"run {run_id} is {job.standing.status}: only a paused, crashed or failed "
                "run can be resumed"
            )
        job.control.resume()
        await self._set(job, "running")
        return job.standing.status

    async def expand(self, run_id: int, node_id: int, n: int) -> list[int]:
        """Extend a node of a paused run by up to `n` children now; their ids. The run does it where
        it waits, at the latest after the model call that is under way. Raises `Conflict` unless the
        run is paused, `BadInput` for the node, and what the model raises."""
        job = self._active.get(run_id)
        status = await self._row_status(run_id) if job is None else job.standing.status
        if job is None or status != "paused" or job.control.expand is None:
            raise Conflict(
                f"run {run_id} is {status}: a node can be expanded by hand only while its "
                "run is paused"
            )
        return await expand_by_hand(job.control, job.task, node_id, n)

    async def delete(self, run_id: int) -> None:
        """Remove a run and everything it wrote; one that is under way is stopped first."""
        job = self._active.get(run_id)
        if job is not None:
            await self._stop(job, RunStatus("cancelled", "deleted", 0.0))
        await self._endings.forget(run_id)
        await self._settled_row(run_id)
        await asyncio.to_thread(self._store.delete_run, run_id)

    @contextmanager
    def watch(self, run_id: int, callback: Callable[[], None]) -> Iterator[None]:
        """Call back, in the event loop, whenever the state of the run changes."""
        self._watchers[run_id].add(callback)
        try:
            yield
        finally:
            self._watchers[run_id].discard(callback)
            if not self._watchers[run_id]:
                del self._watchers[run_id]

    async def close(self, timeout_s: float = 2.0) -> None:
        """Cut off all runs, as a crash would, and wait for them at most `timeout_s`: they can be
        resumed at the next start."""
        self._closed = True
        await self.rescoring.close()
        cut = RunStatus(
            "crashed",
            (
                "the service was stopped while this run was under way; resume goes on without "
                "paying again"
            ),
            0.0,
        )
        jobs = list(self._active.values())
        for job in jobs:
            if job.tap is not None:
                job.tap.seal()
        if jobs:
            await asyncio.wait(
                {asyncio.create_task(self._stop(job, cut)) for job in jobs}, timeout=timeout_s
            )
        await self._endings.close()

    # One run
    def _start(
        self, run_id: int, spec: RunSpec, problem: Problem, paid: Paid, forked_from: JSON
    ) -> None:
        job = Job(run_id, spec, problem, paid, RunStatus("queued", "", time.time()), forked_from)
        self._active[run_id] = job
        job.task = asyncio.create_task(self._live(job), name=f"run {run_id}")
        self._tell(run_id)

    async def _live(self, job: Job) -> None:
        try:
            async with self._room:
                await self._run(job)
        except asyncio.CancelledError:
            ends_as = job.ends_as or STOPPED
            await self._end(job, ends_as.status, reason=ends_as.reason)
        except Exception as error:  # the job boundary: whatever ends a run is recorded
            cause = failure(error)
            log.error(
                "run %d failed: %s",
                job.run_id,
                cause.reason,
                exc_info=error if cause.kind == "internal error" else None,
            )
            await self._end(
                job, "failed", reason=cause.reason, error=cause.kind, remedy=cause.remedy
            )

    async def _run(self, job: Job) -> None:
        await self._set(job, "loading", "loading model")
        engine, reward = await load_models(self._models, job.spec)
        await self._describe(job, engine.info, None if reward is None else reward.info)
        job.writer = await asyncio.to_thread(self._store.writer, job.run_id)
        job.tap, job.control.behind = Tap(job.writer), partial(_behind, job.writer)
        await self._set(job, "running")
        outcome = await self._launch(
            job.spec,
            problem=job.problem,
            engine=engine,
            reward=reward,
            sink=job.tap,
            control=job.control,
            grade=self._grade,
            paid=job.paid,
        )
        await self._end(job, outcome.status, **outcome_fields(outcome))

    async def _describe(self, job: Job, engine: EngineInfo, reward: EngineInfo | None) -> None:
        found = manifest(job.spec, engine, reward)
        if job.forked_from is not None:
            found["forked_from"] = job.forked_from
        await asyncio.to_thread(
            self._store.update_run, job.run_id, manifest=found, model=engine.model
        )

    async def _set(self, job: Job, status: str, reason: str = "") -> None:
        async with job.writing:
            if job.ending is not None:
                raise Conflict(f"run {job.run_id} is {job.standing.status}")
            await asyncio.to_thread(
                self._store.update_run, job.run_id, status=status, reason=reason or None
            )
            job.standing = RunStatus(status, reason, time.time())
        self._tell(job.run_id)

    async def _end(self, job: Job, status: str, **fields: object) -> None:
        """Write down how the run ended, once: who comes second waits for the first. A cancellation
        on the way does not tear it."""
        if job.ending is None:
            job.ending = asyncio.create_task(
                self._finish(job, status, fields), name=f"end of run {job.run_id}"
            )
        await asyncio.shield(job.ending)

    async def _finish(self, job: Job, status: str, fields: dict[str, object]) -> None:
        async with job.writing:
            end = RunEnd(job.run_id, status, fields, job.tap, job.writer)
            job.standing = await self._endings.write(end)
            self._ended.add(job.run_id)
            self._active.pop(job.run_id, None)
        self._tell(job.run_id)

    async def _stop(self, job: Job, ends_as: RunStatus) -> None:
        job.ends_as = ends_as
        assert job.task is not None
        if job.ending is None:
            job.task.cancel()
            await asyncio.wait({job.task}, timeout=CANCEL_WAIT_S)
        await self._end(job, ends_as.status, reason=ends_as.reason)

    async def _take_up(self, run_id: int) -> str:
        row = await self._settled_row(run_id)
        if (kept := self._endings.standing(run_id)) is not None:
            raise Conflict(f"run {run_id} is {kept.status}: {kept.reason}")
        if row.status not in RESUMABLE:
            raise Conflict(
                f"run {run_id} is {row.status}: only a paused, crashed or failed run can be resumed"
            )
        spec = RunSpec.model_validate(row.spec)
        problem = self._admission.admit(
            spec, None if row.forked_from is None else StoredRun(row, self._store).problem
        )
        self._require_open()
        paid = await asyncio.to_thread(self.forks.read_paid, row)
        if run_id in self._active:
            raise Conflict(f"run {run_id} is being resumed already")
        cleared: dict[str, object] = dict.fromkeys(CLEARED)
        await asyncio.to_thread(self._store.update_run, run_id, status="queued", **cleared)
        self._start(run_id, spec, problem, paid, row.forked_from)
        return "queued"

    async def _row_status(self, run_id: int) -> str:
        return (await self._settled_row(run_id)).status

    async def _settled_row(self, run_id: int) -> RunRow:
        """The row of a run. One that says that it is under way while nothing works on it is set
        right first."""
        row = await asyncio.to_thread(self._store.run, run_id)
        if self.standing(run_id, row.status) is not ORPHAN:
            return row
        await asyncio.to_thread(
            self._store.update_run, run_id, status=ORPHAN.status, reason=ORPHAN.reason
        )
        return await asyncio.to_thread(self._store.run, run_id)

    def _job(self, run_id: int, status: str, action: str) -> Job:
        if run_id not in self._active:
            raise Conflict(f"run {run_id} is {status}: there is nothing to {action}")
        return self._active[run_id]

    def _require_open(self) -> None:
        if self._closed:
            raise BadInput("run", given="a new run", accepted="none: the service is stopping")

    def _tell(self, run_id: int) -> None:
        for callback in tuple(self._watchers.get(run_id, ())):
            callback()


async def expand_by_hand(
    control: Control, task: asyncio.Task[None] | None, node_id: int, n: int
) -> list[int]:
    """Ask a run for children of a node, and wait for them or for the end of the run."""
    assert control.expand is not None and task is not None
    expand = control.expand
    answer: asyncio.Future[list[int]] = asyncio.get_running_loop().create_future()

    async def wish() -> None:
        try:
            found = await expand(node_id, n)
        except ArboretumError as error:
            if not answer.done():
                answer.set_exception(error)
        else:
            if not answer.done():
                answer.set_result(list(found))

    control.ask(wish)
    either: tuple[asyncio.Future[list[int]] | asyncio.Task[None], ...] = (answer, task)
    try:
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        if not answer.done():
            raise Conflict("the run ended before the node could be expanded")
        return answer.result()
    finally:
        answer.cancel()


def _behind(writer: RunWriter) -> bool:
    return writer.backlog > MOST_BEHIND


__all__ = ["Job", "Jobs", "ModelHost", "RunCounts", "RunStatus"]
