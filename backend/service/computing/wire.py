"""What passes between the service and a process that computes: frames of a length and a message."""

from __future__ import annotations

import struct
from typing import Final

import msgspec

from backend.core.errors import ArboretumError, BadInput, NotFound, ProblemError

LENGTH: Final = struct.Struct("!Q")
KINDS: Final = {kind.__name__: kind for kind in (ArboretumError, NotFound, ProblemError)}


class ComputeAnswer(msgspec.Struct, frozen=True, tag=True):
    """What was computed."""

    content: bytes


class ComputeRefusal(msgspec.Struct, frozen=True, tag=True):
    """An error of this project that a question raised, in a form that travels."""

    kind: str
    text: str
    what: str = ""
    given: str | int | float = ""
    accepted: str = ""

    @classmethod
    def of(cls, error: ArboretumError) -> ComputeRefusal:
        """What is left of an error on the way."""
        if isinstance(error, BadInput):
            given = error.given if isinstance(error.given, str | int | float) else str(error.given)
            return cls(BadInput.__name__, str(error), error.what, given, str(error.accepted))
        return cls(type(error).__name__, str(error))

    def error(self) -> ArboretumError:
        """The error again, on the other side."""
        if self.kind == BadInput.__name__:
            return BadInput(self.what, given=self.given, accepted=self.accepted)
        return KINDS.get(self.kind, ArboretumError)(self.text)


ENCODER: Final = msgspec.msgpack.Encoder()
REPLIES: Final[msgspec.msgpack.Decoder[ComputeAnswer | ComputeRefusal]] = msgspec.msgpack.Decoder(
    ComputeAnswer | ComputeRefusal
)


def frame(message: object) -> bytes:
    """A message as it travels."""
    content = ENCODER.encode(message)
    return LENGTH.pack(len(content)) + content


__all__ = ["LENGTH", "REPLIES", "ComputeAnswer", "ComputeRefusal", "frame"]
