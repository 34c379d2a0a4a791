"""One life of the engine host, seen from outside: start it, talk to it, and say clearly why it
ended.

The child's standard output and error go to a short log tail kept for messages; libraries print
there, so it is no channel for data. A dead child fails everything that waited for it with one
reason: how it ended and what it said last.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import signal
import socket
import sys
from collections import deque
from collections.abc import AsyncGenerator, Callable
from contextlib import suppress
from pathlib import Path
from typing import Final, TypeAlias

import msgspec

from backend.core.errors import ArboretumError, EngineFailure, PassingFailure
from backend.core.ports import Completion, Request
from backend.engines.host.wire import (
    METHODS,
    CallDone,
    Cancel,
    Failed,
    FromHost,
    Generate,
    HostCall,
    Item,
    Load,
    Loaded,
    ModelDied,
    ModelSpec,
    Reply,
    Unload,
    encode,
    error_from,
    next_frame,
)

Streamed: TypeAlias = Completion | ArboretumError | None
ROOT: Final = Path(__file__).resolve().parents[3]
LIMIT: Final = 2**24
SHOWN_LINES: Final = 6
OUT_OF_MEMORY: Final = (
    "out of memory",
    "no available memory for the cache",
    "free memory on device",
    "memoryerror",
    "cannot allocate memory",
)
RESTART: Final = "It starts again at the next use"
SMALLER: Final = (
    "Unload another model, use a smaller one, or lower its memory share; the engine host "
    "starts again at the next use"
)


class HostProcess:
    """A running engine host. Made by `start`; `dead` is None as long as it lives."""

    def __init__(
        self,
        process: asyncio.subprocess.Process,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        self.process, self.reader, self.writer = process, reader, writer
        self.dead: EngineFailure | None = None
        self.log: deque[str] = deque(maxlen=200)
        self._ids = itertools.count()
        self._calls: dict[int, asyncio.Future[bytes]] = {}
        self._streams: dict[int, asyncio.Queue[Streamed]] = {}
        self._closing = False
        self._logging = asyncio.create_task(self._keep_log())
        self._reading = asyncio.create_task(self._read())

    @classmethod
    async def start(cls, loader: str) -> HostProcess:
        """Spawn `python -m backend.engines.host`; `loader` is the module whose `load(spec)` makes
        models inside."""
        ours, theirs = socket.socketpair()
        path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
        with theirs:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "backend.engines.host", str(theirs.fileno()), loader),
                pass_fds=[theirs.fileno()],
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT,
                start_new_session=True,
                env=os.environ | {"PYTHONPATH": path, "PYTHONUNBUFFERED": "1"},
            )
        reader, writer = await asyncio.open_unix_connection(sock=ours, limit=LIMIT)
        return cls(process, reader, writer)

    @property
    def pid(self) -> int:
        return self.process.pid

    async def load(self, slot: int, spec: ModelSpec) -> Loaded:
        """Load a model; raises `EngineFailure` with the reason and, from the log, the cause where
        it was memory."""
        try:
            return msgspec.msgpack.decode(
                await self._ask(lambda call: Load(call, slot, spec)), type=Loaded
            )
        except EngineFailure as failure:
            said = failure.reason.lower() + " ".join(self.log).lower()
            if (
                self.dead is None
                and any(sign in said for sign in OUT_OF_MEMORY)
                and "out of memory" not in failure.reason
            ):
                raise EngineFailure(
                    f"out of memory while loading {spec.model!r}: {failure.reason}{self.tail()}",
                    SMALLER,
                ) from failure
            raise

    async def unload(self, slot: int) -> None:
        await self._ask(lambda call: Unload(call, slot))

    async def call(self, slot: int, method: str, *arguments: object) -> object:
        """The result of a method of `METHODS`, decoded to its type."""
        raw = msgspec.Raw(msgspec.msgpack.encode(arguments))
        return msgspec.msgpack.decode(
            await self._ask(lambda call: HostCall(call, slot, method, raw)),
            type=METHODS[method].result,
        )

    async def stream(
        self, slot: int, requests: tuple[Request, ...], undelivered: Callable[[Completion], None]
    ) -> AsyncGenerator[Completion, None]:
        """Completions as they finish. Closing aborts in the child and waits until it did; what
        finished meanwhile goes to `undelivered`."""
        self._alive()
        call, queue = next(self._ids), asyncio.Queue[Streamed]()
        self._streams[call] = queue
        self.writer.write(encode(Generate(call, slot, requests)))
        ended = False
        try:
            while not ended:
                received = await queue.get()
                ended = not isinstance(received, Completion)
                if isinstance(received, ArboretumError):
                    raise received
                if isinstance(received, Completion):
                    yield received
        finally:
            if not ended and self.dead is None:
                self.writer.write(encode(Cancel(call)))
                while isinstance(received := await queue.get(), Completion):
                    undelivered(received)
            self._streams.pop(call, None)

    async def close(self) -> None:
        """End the child: it closes its models when the connection ends; after ten seconds it is
        killed."""
        self._closing = True
        self.writer.close()
        await self._reading

    async def abandon(self) -> None:
        """End the child at once: it has loaded no model that would have to be closed."""
        self._closing = True
        with suppress(ProcessLookupError):
            self.process.kill()
        await self._reading

    def tail(self) -> str:
        """The last lines that the child printed, for a message."""
        lines = [line for line in self.log if line.strip()][-SHOWN_LINES:]
        return f"; last output: {' | '.join(lines)}" if lines else ""

    async def _ask(self, message: Callable[[int], Load | Unload | HostCall]) -> bytes:
        self._alive()
        call = next(self._ids)
        answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._calls[call] = answer
        self.writer.write(encode(message(call)))
        try:
            return await answer
        except asyncio.CancelledError:
            if self.dead is None:
                self.writer.write(encode(Cancel(call)))
            raise
        finally:
            self._calls.pop(call, None)

    def _alive(self) -> None:
        if self.dead is not None:
            raise self._death()

    async def _keep_log(self) -> None:
        assert self.process.stdout is not None
        try:
            while line := await self.process.stdout.readline():
                self.log.append(line.decode(errors="replace").rstrip())
        except (
            ValueError
        ):  # a line longer than the reader's limit; what follows it is not worth keeping
            self.log.append("(a very long line)")

    async def _read(self) -> None:
        decoder: msgspec.msgpack.Decoder[FromHost] = msgspec.msgpack.Decoder(FromHost)
        while (frame := await next_frame(self.reader)) is not None:
            self._deliver(decoder.decode(frame))
        await self._bury()

    def _deliver(self, message: FromHost) -> None:
        call, queue = self._calls.get(message.id), self._streams.get(message.id)
        if queue is not None:
            queue.put_nowait(
                message.completion
                if isinstance(message, Item)
                else self._error_from(message)
                if isinstance(message, Failed)
                else None
            )
        elif call is not None and not call.done():
            match message:
                case Reply(_, value):
                    call.set_result(bytes(value))
                case CallDone():
                    call.set_result(b"\xc0")  # msgpack's nil: a call without a result
                case Failed():
                    call.set_exception(self._error_from(message))

    def _error_from(self, message: Failed) -> ArboretumError:
        """The exception for a failure; why a model's core died is in the log only."""
        error = error_from(message)
        return (
            ModelDied(f"{error.reason}{self.tail()}", error.remedy)
            if isinstance(error, ModelDied)
            else error
        )

    async def _bury(self) -> None:
        """The connection ended: collect the exit status and the last words, end its process group,
        fail everything that waits."""
        try:
            async with asyncio.timeout(10.0 if self._closing else 2.0):
                await self.process.wait()
        except TimeoutError:
            self.process.kill()
            await self.process.wait()
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        with suppress(TimeoutError):
            async with asyncio.timeout(1.0):
                await self._logging
        self._logging.cancel()
        self.writer.close()
        # the transport keeps the output pipe open while a stray worker process holds it; asyncio
        # offers no public way to let go
        self.process._transport.close()  # type: ignore[attr-defined]
        self.dead = self._obituary()
        for call in self._calls.values():
            if not call.done():
                call.set_exception(self._death())
        for queue in self._streams.values():
            queue.put_nowait(self._death())

    def _death(self) -> EngineFailure:
        """The reason why the child ended, for one more who waits."""
        assert self.dead is not None
        return type(self.dead)(self.dead.reason, self.dead.remedy)

    def _obituary(self) -> EngineFailure:
        """Why the child ended, in words."""
        if self._closing:
            return EngineFailure("the engine host was closed")
        code = self.process.returncode or 0
        how = (
            f"was killed by signal {-code} ({signal.Signals(-code).name})"
            if code < 0
            else f"exited with code {code}"
        )
        if any(sign in " ".join(self.log).lower() for sign in OUT_OF_MEMORY):
            return EngineFailure(f"out of memory: the engine host {how}{self.tail()}", SMALLER)
        remedy = (
            f"{RESTART}; if the system ended it for lack of memory, use a smaller model"
            if code == -signal.SIGKILL
            else RESTART
        )
        return PassingFailure(f"the engine host {how}{self.tail()}", remedy)
