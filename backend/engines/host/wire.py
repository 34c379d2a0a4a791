"""What parent and engine host say to each other: length-prefixed msgpack frames over a socket pair.

A frame is a four-byte little-endian length and one tagged message. Calls carry an `id` that comes
back with the answer, so that any number of calls and streams share the one connection. Arguments
and results travel as the frozen dataclasses of `backend.core.ports`; the table `METHODS` gives
their types for both sides, and a frame that does not fit its type is refused at once.
"""

from __future__ import annotations

import asyncio
import struct
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, TypeAlias

import msgspec

from backend.core.errors import (
    ArboretumError,
    BadInput,
    EngineFailure,
    MissingCapability,
    PassingFailure,
)
from backend.core.ports import (
    Completion,
    EngineInfo,
    EngineStats,
    Given,
    Likelihood,
    Prompt,
    Request,
    Solution,
    StepScores,
)
from backend.engines.entry import Role, Setting

HEADER: Final = struct.Struct("<I")


class ModelDied(PassingFailure):
    """A model's core has died inside the living engine host: nothing but loading the model again
    helps."""


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """Which model to load with which engine; equal specs are one loaded model. `model` is a folder,
    or a name the engine resolves."""

    engine: str
    role: Role
    model: str
    settings: tuple[tuple[str, Setting], ...] = ()

    def options(self) -> dict[str, Setting]:
        """The settings as keyword arguments."""
        return dict(self.settings)


class Signature(NamedTuple):
    """Types of a method's arguments (a tuple type) and of its result."""

    arguments: Any
    result: Any


METHODS: Final[dict[str, Signature]] = {
    "prompt": Signature(tuple[str, str | None], Prompt),
    "encode": Signature(tuple[str], tuple[int, ...]),
    "tokens": Signature(tuple[list[int]], list[str]),
    "stats": Signature(list[int], EngineStats),
    "take_aborted": Signature(tuple[list[str]], list[Completion]),
    "likelihoods": Signature(tuple[list[Given]], list[Likelihood]),
    "score": Signature(tuple[list[Solution]], list[StepScores]),
}


class Loaded(NamedTuple):
    """What a load reports: who is speaking, and the resident memory it took in bytes."""

    info: EngineInfo
    memory_bytes: int


class Load(msgspec.Struct, tag=True, frozen=True):
    """Load a model into a slot; answered by a `Reply` with `Loaded`."""

    id: int
    slot: int
    spec: ModelSpec


class Unload(msgspec.Struct, tag=True, frozen=True):
    """Close the model of a slot and forget it."""

    id: int
    slot: int


class HostCall(msgspec.Struct, tag=True, frozen=True):
    """Call a method of `METHODS` on the model of a slot."""

    id: int
    slot: int
    method: str
    arguments: msgspec.Raw


class Generate(msgspec.Struct, tag=True, frozen=True):
    """Open a stream of completions; answered by `Item`s and one `CallDone`."""

    id: int
    slot: int
    requests: tuple[Request, ...]


class Cancel(msgspec.Struct, tag=True, frozen=True):
    """Close the stream or call of that id; its `CallDone` still comes, after everything was
    aborted."""

    id: int


class Reply(msgspec.Struct, tag=True, frozen=True):
    """The result of a call, to be decoded by the caller."""

    id: int
    value: msgspec.Raw


class Item(msgspec.Struct, tag=True, frozen=True):
    """One completion of a stream."""

    id: int
    completion: Completion


class CallDone(msgspec.Struct, tag=True, frozen=True):
    """A stream or call has ended, or was cancelled and cleaned up."""

    id: int


class Failed(msgspec.Struct, tag=True, frozen=True):
    """A call or stream failed. `error` names the class of `backend.core.errors` to raise; unknown
    ones are engine failures."""

    id: int
    error: str
    reason: str
    remedy: str = ""


ToHost: TypeAlias = Load | Unload | HostCall | Generate | Cancel
FromHost: TypeAlias = Reply | Item | CallDone | Failed


def encode(message: object) -> bytes:
    """A message as one frame."""
    body = msgspec.msgpack.encode(message)
    return HEADER.pack(len(body)) + body


async def next_frame(reader: asyncio.StreamReader) -> bytes | None:
    """The next frame's body, or None when the other side is gone."""
    try:
        (length,) = HEADER.unpack(await reader.readexactly(HEADER.size))
        return await reader.readexactly(length)
    except (asyncio.IncompleteReadError, ConnectionError):
        return None


def failure_message(call: int, error: BaseException) -> Failed:
    """The message that carries an exception to the parent."""
    if isinstance(error, EngineFailure):
        return Failed(call, type(error).__name__, error.reason, error.remedy)
    if isinstance(error, MemoryError) or "out of memory" in str(error).lower():
        return Failed(
            call,
            "EngineFailure",
            f"out of memory: {str(error)[:500]}",
            "Unload another model, or use a smaller one",
        )
    return Failed(call, type(error).__name__, f"{type(error).__name__}: {error}")


def error_from(message: Failed) -> ArboretumError:
    """The exception that a `Failed` stands for."""
    if message.error == MissingCapability.__name__:
        return MissingCapability(message.reason, message.remedy)
    if message.error == BadInput.__name__:
        return ArboretumError(message.reason)
    if message.error == ModelDied.__name__:
        return ModelDied(message.reason, message.remedy)
    return EngineFailure(message.reason, message.remedy)
