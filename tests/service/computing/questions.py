"""Questions for a process that computes: one that tells its process, one that never ends, one that
is refused, one that kills its process."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import TypeAlias

import msgspec

from backend.core.errors import BadInput
from backend.service.result_cache import ResultCache


class AskPid(msgspec.Struct, frozen=True, tag=True):
    """The number of the process that answers, and how often it was asked about the subject."""

    subject: str
    version: int = 0

    def answer(self, memory: ResultCache) -> bytes:
        counted = memory.answer(self.subject, list[int])
        counted.append(self.version)
        return f"{os.getpid()} {len(counted)}".encode()


class AskForEver(msgspec.Struct, frozen=True, tag=True):
    """Computes without an end, and says in a file that it began."""

    begun: str
    subject: str = ""

    def answer(self, memory: ResultCache) -> bytes:
        Path(self.begun).write_text(str(os.getpid()))
        while True:
            time.sleep(0.01)


class AskWrongly(msgspec.Struct, frozen=True, tag=True):
    """Is refused."""

    subject: str = ""

    def answer(self, memory: ResultCache) -> bytes:
        raise BadInput("axis", given="pages", accepted="samples, rounds")


class AskDeath(msgspec.Struct, frozen=True, tag=True):
    """Ends the process."""

    subject: str = ""

    def answer(self, memory: ResultCache) -> bytes:
        os.kill(os.getpid(), signal.SIGKILL)
        return b""


Question: TypeAlias = AskPid | AskForEver | AskWrongly | AskDeath
