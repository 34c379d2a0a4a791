"""How a procedure is made: instructions drawn one after the other, each with an effect, none
ambiguous, all numbers below 100.
"""

from __future__ import annotations

import random

from backend.problems.procedure.difficulty import ProcedureDifficulty
from backend.problems.procedure.instructions import INSTRUCTIONS, GivenOrder, Procedure, State

SHORTEST, LONGEST, LARGEST = 2, 7, 99


def generate(difficulty: ProcedureDifficulty, rng: random.Random) -> Procedure:
    """A procedure of that difficulty."""
    low, high = difficulty.steps
    steps = low + min(high - low, int((high - low + 1) * rng.random() ** difficulty.skew))
    largest, length = rng.randint(*difficulty.largest), rng.randint(*difficulty.length)
    start = tuple(rng.sample(range(1, max(largest, length) + 1), length))
    state, orders = start, list[GivenOrder]()
    for _ in range(steps):
        order = _draw(state, difficulty, rng)
        orders.append(order)
        state = order.on(state)
    return Procedure(start, tuple(orders))


def _draw(state: State, difficulty: ProcedureDifficulty, rng: random.Random) -> GivenOrder:
    while True:
        group = (
            "arithmetic"
            if rng.random() < difficulty.arithmetic
            else "order"
            if rng.random() < 0.7
            else "remove"
        )
        name = rng.choice(
            [name for name, instruction in INSTRUCTIONS.items() if instruction.group == group]
        )
        order = GivenOrder(name, rng.randint(2, 9) if "{k}" in INSTRUCTIONS[name].text else 0)
        if (name == "remove_largest" and state.count(max(state)) > 1) or (
            name == "remove_smallest" and state.count(min(state)) > 1
        ):
            continue
        after = order.on(state)
        if after != state and SHORTEST <= len(after) <= LONGEST and max(after) <= LARGEST:
            return order
