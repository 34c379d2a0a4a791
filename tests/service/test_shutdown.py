"""The end of the service is told to all who wait, whenever they began to."""

from __future__ import annotations

import asyncio

import pytest

from backend.core.errors import Conflict
from backend.service.shutdown import Closing


async def wait_for_ever() -> None:
    await asyncio.Event().wait()


async def test_what_is_guarded_is_given_up_when_the_end_comes() -> None:
    closing = Closing()
    waiting = asyncio.create_task(closing.guard(wait_for_ever()))
    await asyncio.sleep(0)
    closing.set()
    with pytest.raises(Conflict, match="stopping"):
        await waiting


async def test_what_would_begin_after_the_end_does_not_begin() -> None:
    closing = Closing()
    closing.set()
    with pytest.raises(Conflict, match="stopping"):
        await closing.guard(wait_for_ever())
