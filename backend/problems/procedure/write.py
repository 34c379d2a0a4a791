"""How a procedure is carried out in writing, and how pupils with one misconception do it.

wrong_direction moves numbers to the wrong end and sorts the wrong way. first_only changes only the
first number where each should change. skips_instruction leaves one instruction out.
largest_smallest_swapped and first_last_swapped take the one for the other. carry_slip forgets the
carry. wrong_copy swaps two neighbours while copying. early_answer stops before the last
instruction.
"""

from __future__ import annotations

import random
from dataclasses import replace
from itertools import chain

from backend.problems.base import REPAIR, answer_step
from backend.problems.procedure.instructions import (
    INSTRUCTIONS,
    GivenOrder,
    Procedure,
    State,
    list_numbers,
)

PUPILS = (
    "wrong_direction", "first_only", "skips_instruction", "largest_smallest_swapped",
    "first_last_swapped", "carry_slip", "wrong_copy", "early_answer",
)  # fmt: skip
TAKEN_FOR = {
    "wrong_direction": {
        "rotate_left": "rotate_right", "rotate_right": "rotate_left", "sort_up": "sort_down", "sort_down": "sort_up",
    },
    "first_only": {"add_each": "add_first"},
    "largest_smallest_swapped": {"remove_largest": "remove_smallest", "remove_smallest": "remove_largest"},
    "first_last_swapped": {
        "remove_first": "remove_last", "remove_last": "remove_first", "add_first": "add_last", "add_last": "add_first",
        "double_first": "double_last", "double_last": "double_first",
    },
}  # fmt: skip
STARTED, COUNTED = 0.15, 0.12


def state_step(number: int, order: GivenOrder, state: State) -> str:
    """A step: which instruction, and the list after it."""
    return f"After step {number} ({order.text()}): {list_numbers(state)}."


def start_step(procedure: Procedure) -> str:
    """The needless but true step that restates the start."""
    return f"At the start: {list_numbers(procedure.start)}."


def count_step(state: State) -> str:
    """The needless but true step that counts the numbers in the list."""
    return f"There are now {len(state)} numbers."


def _notes(procedure: Procedure, states: list[State], rng: random.Random) -> dict[int, str]:
    """Needless true steps, by the number of instructions carried out before them."""
    notes = {0: start_step(procedure)} if rng.random() < STARTED else {}
    if rng.random() < COUNTED:
        place = rng.randrange(1, len(states))
        notes[place] = count_step(states[place])
    return notes


def _assemble(procedure: Procedure, states: list[State], notes: dict[int, str]) -> list[list[str]]:
    """The steps after 0, 1, 2 ... instructions, needless ones included."""
    lines: list[list[str]] = [[]]
    lines += [
        [state_step(i, order, states[i])] for i, order in enumerate(procedure.orders, start=1)
    ]
    return [line + ([notes[i]] if i in notes else []) for i, line in enumerate(lines)]


def teacher(procedure: Procedure, rng: random.Random) -> list[str]:
    """A right solution."""
    states = procedure.states()
    lines = _assemble(procedure, states, _notes(procedure, states, rng))
    return [*chain.from_iterable(lines), answer_step(list_numbers(states[-1]))]


def repair(procedure: Procedure, rng: random.Random) -> list[str]:
    """A right solution with one slip that the next step notices and repairs."""
    states = procedure.states()
    lines = _assemble(procedure, states, _notes(procedure, states, rng))
    place = rng.randrange(1, len(states))
    order = procedure.orders[place - 1]
    slip = state_step(place, order, _slip(order, states[place - 1], rng))
    lines[place][:1] = [slip, REPAIR + lines[place][0]]
    return [*chain.from_iterable(lines), answer_step(list_numbers(states[-1]))]


def _slip(order: GivenOrder, state: State, rng: random.Random) -> State:
    right = order.on(state)
    for name in rng.sample(PUPILS, len(PUPILS)):
        wrong = wrongly(name, order, state, rng)
        if wrong != right:
            return wrong
    return (right[0] + 1, *right[1:])


def wrongly(name: str, order: GivenOrder, state: State, rng: random.Random) -> State:
    """The state after an order as the named pupil carries it out; the right one where the
    misconception does not apply.
    """
    taken = TAKEN_FOR.get(name, {}).get(order.name)
    if taken:
        return replace(order, name=taken).on(state)
    right = order.on(state)
    if name == "carry_slip" and INSTRUCTIONS[order.name].group == "arithmetic":
        return _forget_carries(order, state, right)
    if name == "wrong_copy" and len(right) > 2 and rng.random() < 0.5:
        place = rng.randrange(len(right) - 1)
        return (*right[:place], right[place + 1], right[place], *right[place + 2 :])
    return right


def _forget_carries(order: GivenOrder, state: State, right: State) -> State:
    if order.name == "append_sum":
        return (*right[:-1], right[-1] - 10 if state[0] % 10 + state[1] % 10 >= 10 else right[-1])
    if len(right) != len(state):
        return right
    return tuple(
        new - 10 if new != old and new % 10 < old % 10 and new > 10 else new
        for old, new in zip(state, right, strict=True)
    )


def pupil(procedure: Procedure, rng: random.Random, name: str) -> list[str]:
    """A whole solution by a pupil with one misconception."""
    count = len(procedure.orders)
    stop = rng.randrange(1, count) if name == "early_answer" and count > 1 else count
    skipped = rng.randrange(count) if name == "skips_instruction" and count > 1 else -1
    state, steps = procedure.start, list[str]()
    for place, order in enumerate(procedure.orders[:stop]):
        if place == skipped:
            continue
        after = wrongly(name, order, state, rng)
        if len(after) < 2:
            return teacher(procedure, rng)
        state = after
        steps.append(state_step(place + 1, order, state))
    return [*steps, answer_step(list_numbers(state))]
