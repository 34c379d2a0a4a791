"""Who computes what: one job a question, shared by all who ask it, on a few workers."""

from __future__ import annotations

import asyncio
import os
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass
from typing import Final, Protocol, TypeAlias

from backend.core.errors import ArboretumError, Conflict
from backend.service.computing.question import ComputeQuestion

AT_ONCE: Final = max(2, min(4, (os.cpu_count() or 2) // 2))
IDLE_S: Final = 600.0
"""How long a worker without a question keeps its process, with all that it has read."""
KEPT_BYTES: Final = 64 * 2**20
"""Bytes of answers that are kept; those that were not asked for longest go first."""


class ComputeWorker(Protocol):
    """Answers one question at a time (`ProcessWorker`)."""

    @property
    def alive(self) -> bool: ...

    async def ask(self, question: ComputeQuestion) -> bytes:
        """The answer. Raises what the question raises, and `ProcessDied`."""

    async def end(self) -> None:
        """End it at once, whatever it does; nothing is left of it afterwards."""


StartWorker: TypeAlias = Callable[[], Awaitable[ComputeWorker]]


@dataclass(eq=False)
class Computation:
    """A question that is being answered, and how many wait for it."""

    task: asyncio.Task[bytes]
    waiting: int = 0


@dataclass(eq=False)
class IdleWorker:
    """A worker without a question, what it last answered about, and when it is let go."""

    worker: ComputeWorker
    subject: Hashable
    timer: asyncio.TimerHandle


class ComputeDesk:
    """Answers questions. Belongs to one event loop; `close` ends it with all its workers."""

    def __init__(
        self,
        start: StartWorker,
        *,
        at_once: int = AT_ONCE,
        idle_s: float = IDLE_S,
        kept_bytes: int = KEPT_BYTES,
    ) -> None:
        self._start, self._idle_s, self._most = start, idle_s, kept_bytes
        self._places = asyncio.Semaphore(at_once)
        self._asked: dict[ComputeQuestion, Computation] = {}
        self._kept: OrderedDict[ComputeQuestion, bytes] = OrderedDict()
        self._idle: list[IdleWorker] = []
        self._ending: set[asyncio.Task[None]] = set()
        self._closed = False

    async def answer(self, question: ComputeQuestion) -> bytes:
        """The kept answer, or that of the job that computes it now, or of a new one. The job ends
        when the last who waits for it is cancelled. Raises what the question raises, `ProcessDied`,
        and `Conflict` once the desk is closed."""
        self._require_open()
        kept = self._kept.get(question)
        if kept is not None:
            self._kept.move_to_end(question)
            return kept
        if question not in self._asked:
            self._asked[question] = Computation(asyncio.create_task(self._carry_out(question)))
        job = self._asked[question]
        job.waiting += 1
        try:
            return await asyncio.shield(job.task)
        except asyncio.CancelledError:
            if self._closed and job.task.cancelled():  # the job, and not the one who waits
                raise Conflict("the service is stopping") from None
            raise
        finally:
            job.waiting -= 1
            if not job.waiting and not job.task.done():
                self._forget(question, job)
                job.task.cancel()

    async def close(self) -> None:
        """End all workers at once; who still waits is told that the service stops."""
        self._closed = True
        jobs = [job.task for job in self._asked.values()]
        for job in jobs:
            job.cancel()
        for idle in self._idle:
            idle.timer.cancel()
            self._let_go(idle.worker)
        self._idle.clear()
        await asyncio.gather(*jobs, return_exceptions=True)
        await asyncio.gather(*self._ending)

    def _require_open(self) -> None:
        if self._closed:
            raise Conflict("the service is stopping")

    async def _carry_out(self, question: ComputeQuestion) -> bytes:
        try:
            async with self._places:
                content = await self._ask(question)
        finally:
            job = self._asked.get(question)
            if job is not None and job.task is asyncio.current_task():
                self._forget(question, job)
        self._keep(question, content)
        return content

    async def _ask(self, question: ComputeQuestion) -> bytes:
        worker = await self._take(question.subject)
        answered = False
        try:
            content = await worker.ask(question)
            answered = True
            return content
        except ArboretumError:
            answered = worker.alive  # a question that is refused leaves the worker as it was
            raise
        finally:
            if answered and not self._closed:
                self._give_back(worker, question.subject)
            else:
                await worker.end()

    async def _take(self, subject: Hashable) -> ComputeWorker:
        """An idle worker, if there is one, best one that has read the subject; else a new one."""
        while self._idle:
            same = [idle for idle in self._idle if idle.subject == subject]
            idle = (same or self._idle)[-1]
            self._idle.remove(idle)
            idle.timer.cancel()
            if idle.worker.alive:
                return idle.worker
            self._let_go(idle.worker)
        return await self._start()

    def _give_back(self, worker: ComputeWorker, subject: Hashable) -> None:
        timer = asyncio.get_running_loop().call_later(self._idle_s, self._release, worker)
        self._idle.append(IdleWorker(worker, subject, timer))

    def _release(self, worker: ComputeWorker) -> None:
        self._idle = [idle for idle in self._idle if idle.worker is not worker]
        self._let_go(worker)

    def _let_go(self, worker: ComputeWorker) -> None:
        task = asyncio.ensure_future(worker.end())
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)

    def _forget(self, question: ComputeQuestion, job: Computation) -> None:
        if self._asked.get(question) is job:
            del self._asked[question]

    def _keep(self, question: ComputeQuestion, content: bytes) -> None:
        self._kept[question] = content
        size = sum(map(len, self._kept.values()))
        while size > self._most and len(self._kept) > 1:
            size -= len(self._kept.popitem(last=False)[1])


__all__ = ["ComputeDesk", "ComputeWorker"]
