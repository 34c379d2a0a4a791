"""What can be asked of the desk."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Protocol

from backend.service.result_cache import ResultCache


class ComputeQuestion(Hashable, Protocol):
    """What can be asked. Equal questions have the same answer, so a question names the version of
    what it is about; it travels to another process, as a struct of msgspec."""

    @property
    def subject(self) -> Hashable:
        """What is read for it: a worker that has read it answers sooner."""

    def answer(self, memory: ResultCache) -> bytes:
        """Compute the answer, in a process of its own; `memory` is what it keeps between questions.
        May raise `ArboretumError`."""


__all__ = ["ComputeQuestion"]
