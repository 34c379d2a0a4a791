"""What jobs rely on in the limiter that makes room for runs: never more than allowed, first come
first served, nothing lost when a waiter gives up, resized while somebody waits."""

from __future__ import annotations

import asyncio
import random

from anyio import CapacityLimiter


class Crowd:
    def __init__(self, room: CapacityLimiter) -> None:
        self.room, self.inside, self.peak = room, 0, 0
        self.order: list[int] = []

    async def visit(self, number: int, stay_s: float) -> None:
        async with self.room:
            self.order.append(number)
            self.inside += 1
            self.peak = max(self.peak, self.inside)
            try:
                await asyncio.sleep(stay_s)
            finally:
                self.inside -= 1


async def test_no_more_than_the_capacity_are_inside_and_they_enter_in_order() -> None:
    crowd = Crowd(CapacityLimiter(3))
    await asyncio.gather(*(crowd.visit(number, 0.005) for number in range(20)))
    assert crowd.peak == 3
    assert crowd.order == list(range(20))


async def test_raising_the_capacity_lets_waiters_in_at_once() -> None:
    crowd = Crowd(CapacityLimiter(1))
    tasks = [asyncio.create_task(crowd.visit(number, 0.2)) for number in range(3)]
    await asyncio.sleep(0.01)
    assert crowd.inside == 1
    crowd.room.total_tokens = 3
    await asyncio.sleep(0.01)
    assert crowd.inside == 3
    await asyncio.gather(*tasks)


async def test_lowering_the_capacity_stops_nobody_and_starts_nobody() -> None:
    crowd = Crowd(CapacityLimiter(2))
    tasks = [asyncio.create_task(crowd.visit(number, 0.02)) for number in range(4)]
    await asyncio.sleep(0.005)
    crowd.room.total_tokens = 1
    assert crowd.inside == 2
    crowd.peak = 0
    await asyncio.gather(*tasks)
    assert crowd.order == [0, 1, 2, 3]
    assert crowd.peak == 1


async def test_a_limit_that_is_raised_again_lets_nobody_in_beyond_it() -> None:
    crowd = Crowd(CapacityLimiter(2))
    tasks = [asyncio.create_task(crowd.visit(number, 0.05)) for number in range(5)]
    await asyncio.sleep(0.01)
    crowd.room.total_tokens = 1
    crowd.room.total_tokens = 2
    await asyncio.gather(*tasks)
    assert crowd.peak == 2


async def test_waiters_that_give_up_at_any_moment_cost_no_room() -> None:
    random.seed(1)
    crowd = Crowd(CapacityLimiter(2))
    tasks = [
        asyncio.create_task(crowd.visit(number, random.random() * 0.01)) for number in range(100)
    ]
    for task in random.sample(tasks, 60):
        await asyncio.sleep(0.001)
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    crowd.peak = 0
    await asyncio.gather(*(crowd.visit(number, 0.001) for number in range(5)))
    assert crowd.peak == 2
