"""The instructions of a procedure: named operations on a short list of numbers, written in words
and carried out exactly.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from backend.problems.base import JSON, Problem

State = tuple[int, ...]


def _without(state: State, number: int) -> State:
    place = state.index(number)
    return state[:place] + state[place + 1 :]


@dataclass(frozen=True)
class Instruction:
    """One kind of instruction. `text` may hold `{k}`; `group` is `order`, `remove` or
    `arithmetic`.
    """

    text: str
    group: str
    carry_out: Callable[[State, int], State]


INSTRUCTIONS: Mapping[str, Instruction] = MappingProxyType(
    {
        "reverse": Instruction("reverse the list", "order", lambda s, k: s[::-1]),
        "sort_up": Instruction("sort from small to large", "order", lambda s, k: tuple(sorted(s))),
        "sort_down": Instruction(
            "sort from large to small", "order", lambda s, k: tuple(sorted(s, reverse=True))
        ),
        "rotate_left": Instruction(
            "move the first number to the end", "order", lambda s, k: s[1:] + s[:1]
        ),
        "rotate_right": Instruction(
            "move the last number to the front", "order", lambda s, k: s[-1:] + s[:-1]
        ),
        "swap_ends": Instruction(
            "swap the first and the last number", "order", lambda s, k: s[-1:] + s[1:-1] + s[:1]
        ),
        "remove_first": Instruction("remove the first number", "remove", lambda s, k: s[1:]),
        "remove_last": Instruction("remove the last number", "remove", lambda s, k: s[:-1]),
        "remove_largest": Instruction(
            "remove the largest number", "remove", lambda s, k: _without(s, max(s))
        ),
        "remove_smallest": Instruction(
            "remove the smallest number", "remove", lambda s, k: _without(s, min(s))
        ),
        "add_each": Instruction(
            "add {k} to each number", "arithmetic", lambda s, k: tuple(n + k for n in s)
        ),
        "add_first": Instruction(
            "add {k} to the first number", "arithmetic", lambda s, k: (s[0] + k, *s[1:])
        ),
        "add_last": Instruction(
            "add {k} to the last number", "arithmetic", lambda s, k: (*s[:-1], s[-1] + k)
        ),
        "double_first": Instruction(
            "double the first number", "arithmetic", lambda s, k: (s[0] * 2, *s[1:])
        ),
        "double_last": Instruction(
            "double the last number", "arithmetic", lambda s, k: (*s[:-1], s[-1] * 2)
        ),
        "append": Instruction("put {k} at the end", "arithmetic", lambda s, k: (*s, k)),
        "append_sum": Instruction(
            "put the sum of the first two numbers at the end",
            "arithmetic",
            lambda s, k: (*s, s[0] + s[1]),
        ),
    }
)


@dataclass(frozen=True, slots=True)
class GivenOrder:
    """One line of a procedure: an instruction and its number `k` (0 where it has none)."""

    name: str
    k: int = 0

    def text(self) -> str:
        """In words."""
        return INSTRUCTIONS[self.name].text.format(k=self.k)

    def on(self, state: State) -> State:
        """The state after it. The state must have at least two numbers."""
        return INSTRUCTIONS[self.name].carry_out(state, self.k)


@dataclass(frozen=True)
class Procedure:
    """The numbers at the start and the orders to carry out one after the other."""

    start: State
    orders: tuple[GivenOrder, ...]

    def states(self) -> list[State]:
        """The state after each order; entry 0 is the start."""
        states = [self.start]
        for order in self.orders:
            states.append(order.on(states[-1]))
        return states

    def question(self) -> str:
        """The text of the question."""
        lines = " ".join(
            f"Step {i}: {order.text()}." for i, order in enumerate(self.orders, start=1)
        )
        return (
            f"Start with the list {list_numbers(self.start)}. {lines} What is the list at the end?"
        )

    def meta(self) -> dict[str, JSON]:
        """As JSON, for `Problem.meta`."""
        return {
            "start": list(self.start),
            "orders": [[order.name, order.k] for order in self.orders],
        }

    @staticmethod
    def of(problem: Problem) -> Procedure:
        """The procedure behind a problem."""
        meta = problem.meta
        return Procedure(
            tuple(meta["start"]), tuple(GivenOrder(name, k) for name, k in meta["orders"])
        )


def list_numbers(state: Sequence[int]) -> str:
    """A list of numbers as it is written."""
    return " ".join(map(str, state))
