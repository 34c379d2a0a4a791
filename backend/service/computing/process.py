"""A worker that is a process, seen from outside."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from contextlib import suppress
from typing import Final

from backend.core.errors import ProcessDied
from backend.core.settings import ROOT
from backend.service.computing.question import ComputeQuestion
from backend.service.computing.wire import LENGTH, REPLIES, ComputeRefusal, frame

ONE_THREAD: Final = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"
)
"""Several workers and the searches share the processors already."""


class ProcessWorker:
    """A running `backend.service.computing.worker`. Made by `start`."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @classmethod
    async def start(cls, questions: str) -> ProcessWorker:
        """Start the process. `questions`, such as `package.module:Type`, names the type of what it
        will be asked."""
        path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
        return cls(
            await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "backend.service.computing.worker", questions),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                start_new_session=True,  # signals of a terminal are for the service
                env=os.environ | ONE_THREAD | {"PYTHONPATH": path},
            )
        )

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def alive(self) -> bool:
        return self._process.returncode is None

    async def ask(self, question: ComputeQuestion) -> bytes:
        """The answer. Raises what the question raises, and `ProcessDied`."""
        assert self._process.stdin is not None and self._process.stdout is not None
        try:
            self._process.stdin.write(frame(question))
            await self._process.stdin.drain()
            length = LENGTH.unpack(await self._process.stdout.readexactly(LENGTH.size))[0]
            reply = REPLIES.decode(await self._process.stdout.readexactly(length))
        except (ConnectionError, asyncio.IncompleteReadError):
            raise ProcessDied(
                f"the process that computed this ended ({await self._end_in_words()}): ask again"
            ) from None
        if isinstance(reply, ComputeRefusal):
            raise reply.error()
        return reply.content

    async def end(self) -> None:
        """Kill the process and wait until the system has put it away."""
        if self.alive:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
        await self._process.wait()
        # The pipes may hold what nobody will read.
        self._process._transport.close()  # type: ignore[attr-defined]

    async def _end_in_words(self) -> str:
        code = await self._process.wait()
        return signal.Signals(-code).name if code < 0 else f"status {code}"


__all__ = ["ProcessWorker"]
