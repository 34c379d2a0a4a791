"""Long requests: carried on as long as the one who asked is there and the service runs."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import TypeVar

from fastapi import Request

from backend.core.errors import Conflict
from backend.service.shutdown import Closing

T = TypeVar("T")
LOOK_S = 0.25
"""How often it is looked whether the one who asked is still there."""


async def while_connected(request: Request, closing: Closing, work: Coroutine[None, None, T]) -> T:
    """The result of `work`, which is cancelled when the connection ends or the service stops.
    Raises what it raises, and `Conflict` in these two cases."""
    task = asyncio.ensure_future(closing.guard(work))
    try:
        while not (await asyncio.wait({task}, timeout=LOOK_S))[0]:
            if await request.is_disconnected():
                raise Conflict("nobody waits for this answer any more")
        return await task
    finally:
        task.cancel()


__all__ = ["while_connected"]
