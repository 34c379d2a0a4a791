"""The engine host itself: the process in which local models live, seen from inside.

It answers the frames of its parent until the connection ends, then closes its models and takes its
whole process group with it, so that neither it nor the engines' own worker processes outlive the
parent, however that died. Every call is a task; a task that fails is reported, never fatal, because
other runs use the same process. Loads run one at a time: engines measure free memory while they
load.
"""

from __future__ import annotations

import asyncio
import importlib
import os
import signal
import socket
from collections.abc import Awaitable, Callable, Iterator
from contextlib import aclosing, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol, TypeAlias, cast, runtime_checkable

import msgspec

from backend.core.errors import ArboretumError, EngineFailure
from backend.core.ports import Engine, RewardModel
from backend.engines.host.wire import (
    METHODS,
    CallDone,
    Cancel,
    Generate,
    HostCall,
    Item,
    Load,
    Loaded,
    ModelDied,
    ModelSpec,
    Reply,
    ToHost,
    Unload,
    encode,
    failure_message,
    next_frame,
)

if TYPE_CHECKING:
    pass

Model: TypeAlias = Engine | RewardModel
Loader: TypeAlias = Callable[[ModelSpec], Awaitable[Model]]
LIMIT: Final = 2**24
CLOSING_SECONDS: Final = 10.0


@runtime_checkable
class Mortal(Protocol):
    """A model whose core can die while this process lives on, as vLLM's can, which runs in a
    process of its own."""

    @property
    def dead(self) -> bool: ...


class HostServer:
    """Serves one parent: models by slot, running calls by id."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, load: Loader
    ) -> None:
        self.reader, self.writer, self.load = reader, writer, load
        self.models: dict[int, Model] = {}
        self.running: dict[int, asyncio.Task[None]] = {}
        self.loading = asyncio.Lock()
        self.decoder: msgspec.msgpack.Decoder[ToHost] = msgspec.msgpack.Decoder(ToHost)

    async def serve(self) -> None:
        """Answer until the parent is gone, then close every model."""
        while (frame := await next_frame(self.reader)) is not None:
            message = self.decoder.decode(frame)
            if isinstance(message, Cancel):
                if message.id in self.running:
                    self.running[message.id].cancel()
                continue
            task = asyncio.create_task(self.answer(message))
            self.running[message.id] = task
            task.add_done_callback(partial(self.report_end, message.id))
        await self.close()

    async def close(self) -> None:
        """Abort what runs and close the models, within a time limit: an engine that hangs is killed
        with the process group."""
        for task in self.running.values():
            task.cancel()
        with suppress(TimeoutError):
            async with asyncio.timeout(CLOSING_SECONDS):
                await asyncio.gather(*self.running.values(), return_exceptions=True)
                await close_all(*self.models.values())

    def report_end(self, call: int, task: asyncio.Task[None]) -> None:
        """Tell the parent how a call ended."""
        self.running.pop(call, None)
        error = None if task.cancelled() else task.exception()
        if not self.writer.is_closing():
            self.writer.write(
                encode(CallDone(call) if error is None else failure_message(call, error))
            )

    async def answer(self, message: Load | Unload | HostCall | Generate) -> None:
        """Do what a message asks for; what it raises is reported by `report_end`."""
        match message:
            case Load(id, slot, spec):
                async with self.loading:
                    await self.load_model(id, slot, spec)
            case Unload(_, slot):
                if (model := self.models.pop(slot, None)) is not None:
                    await model.close()
            case HostCall(id, slot, method, arguments):
                values = msgspec.msgpack.decode(arguments, type=METHODS[method].arguments)
                with self.model(slot) as model:
                    self.reply(id, await getattr(model, method)(*values))
            case Generate():
                await self.stream(message)

    def reply(self, call: int, value: object) -> None:
        self.writer.write(encode(Reply(call, msgspec.Raw(msgspec.msgpack.encode(value)))))

    @contextmanager
    def model(self, slot: int) -> Iterator[Model]:
        """The model of a slot; a call may cross an unload on its way. A failure inside that left
        the model dead is raised as `ModelDied`."""
        if slot not in self.models:
            raise EngineFailure("the model was unloaded while it was in use", "Load it again")
        model = self.models[slot]
        try:
            yield model
        except EngineFailure as failure:
            if isinstance(model, Mortal) and model.dead:
                raise ModelDied(failure.reason, failure.remedy) from failure
            raise

    async def load_model(self, call: int, slot: int, spec: ModelSpec) -> None:
        if (
            old := self.models.pop(slot, None)
        ) is not None:  # its core died, and what is left of it must not take the new one's memory
            await close_all(old)
        before = memory_bytes()
        model = self.models[slot] = await self.load(spec)
        self.reply(call, Loaded(model.info, max(0, memory_bytes() - before)))

    async def stream(self, message: Generate) -> None:
        """Completions as they come. Cancelling this task closes the engine's iterator, which aborts
        the rest."""
        with self.model(message.slot) as model:
            async with aclosing(cast(Engine, model).generate(message.requests)) as completions:
                async for completion in completions:
                    self.writer.write(encode(Item(message.id, completion)))
                    await self.writer.drain()


async def close_all(*models: Model) -> None:
    """Close models, each whatever becomes of the others; one whose core is dead or hangs is left to
    the end of this process."""
    with suppress(TimeoutError):
        async with asyncio.timeout(CLOSING_SECONDS):
            await asyncio.gather(*(model.close() for model in models), return_exceptions=True)


def memory_bytes() -> int:
    """Resident memory of every process in this session, in bytes; 0 where /proc does not tell."""
    session, page, total = os.getsid(0), os.sysconf("SC_PAGE_SIZE"), 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError, IndexError, ValueError):
            fields = stat.read_text().rpartition(")")[2].split()
            if int(fields[3]) == session:
                total += int(fields[21]) * page
    return total


async def connect(descriptor: int, loader: str) -> None:
    """Serve the parent at the other end of the socket."""
    os.set_inheritable(descriptor, False)
    connection = socket.socket(fileno=descriptor)
    reader, writer = await asyncio.open_unix_connection(sock=connection, limit=LIMIT)
    load = getattr(importlib.import_module(loader), "load", None)
    if load is None:
        raise ArboretumError(f"module {loader} has no function `load`")
    await HostServer(reader, writer, load).serve()


def main(arguments: list[str]) -> None:
    """`python -m backend.engines.models DESCRIPTOR LOADER`: serve, then end this process and all it
    started."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent closes us; its Ctrl-C is not ours
    descriptor, loader = arguments
    asyncio.run(connect(int(descriptor), loader))
    if (
        os.getsid(0) == os.getpid()
    ):  # started by the parent in a session of its own: take worker processes along
        os.killpg(os.getpid(), signal.SIGKILL)
