"""A worker that computes in a thread of this process, which sees what a test has registered."""

from __future__ import annotations

import asyncio

from backend.service.computing import ComputeQuestion
from backend.service.result_cache import ResultCache


class ThreadWorker:
    """Answers in a thread; what it has begun it carries to its end."""

    alive = True

    def __init__(self) -> None:
        self.memory = ResultCache()

    @classmethod
    async def start(cls) -> ThreadWorker:
        return cls()

    async def ask(self, question: ComputeQuestion) -> bytes:
        return await asyncio.to_thread(question.answer, self.memory)

    async def end(self) -> None:
        self.alive = False


__all__ = ["ThreadWorker"]
