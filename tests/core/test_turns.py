"""A loop that computes for long lets others have their turn."""

from __future__ import annotations

import asyncio
import time

from backend.core.turns import EACH_S, Turns


async def test_others_have_their_turn_while_a_long_loop_computes() -> None:
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            ticks += 1
            await asyncio.sleep(0)

    other, turns = asyncio.create_task(tick()), Turns()
    for _ in range(5):
        time.sleep(EACH_S)  # noqa: ASYNC251 - as a computation would
        await turns.give()
    assert ticks >= 5
    other.cancel()


async def test_a_short_loop_does_not_wait() -> None:
    other = asyncio.create_task(asyncio.sleep(0))
    await Turns().give()
    assert not other.done()
    await other
