"""The step checker of procedure: which instruction is a step about, is it its turn, and is the list
after it right?"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from backend.problems.base import Verdict
from backend.problems.procedure.instructions import (
    INSTRUCTIONS,
    GivenOrder,
    Procedure,
    State,
    list_numbers,
)
from backend.problems.procedure.write import TAKEN_FOR
from backend.problems.walk import walk

KINDS = (
    "wrong_instruction", "skipped_instruction", "wrong_direction", "wrong_number", "wrong_length", "wrong_copy", "wrong_order",
    "arithmetic", "carry", "early_answer", "wrong_answer", "false_alarm", "unreadable", "after_mistake",
)  # fmt: skip
RIGHT = Verdict(True, None, "the list after this instruction")
_LIST = r"(\d{1,6}(?: \d{1,6}){0,30})"
_AFTER = re.compile(rf"After step (\d{{1,4}})(?: \(([^()]{{1,100}})\))?: {_LIST}\.?")
_START = re.compile(rf"At the start: {_LIST}\.?")
_COUNT = re.compile(r"There are now (\d{1,6}) numbers\.?")
_ANSWER = re.compile(r"The answer is \\boxed\{([^{}]*)\}\.?")


def check(procedure: Procedure, steps: Sequence[str]) -> list[Verdict]:
    """One verdict per step."""
    return walk(0, steps, _ProcedureJudge(procedure))


def wrong(kind: str, reason: str) -> Verdict:
    """A verdict that names a mistake."""
    return Verdict(False, kind, reason)


def numbers(text: str) -> State:
    """The numbers of a list."""
    return tuple(map(int, text.split()))


class _ProcedureJudge:
    """Judges one step from the number of instructions carried out before it."""

    def __init__(self, procedure: Procedure) -> None:
        self.procedure, self.states = procedure, procedure.states()

    def __call__(self, done: int, text: str) -> tuple[Verdict, int]:
        text = text.strip()
        if m := _AFTER.fullmatch(text):
            number = int(m[1])
            return self._after(done, number, m[2], numbers(m[3])), max(done, number)
        if m := _ANSWER.fullmatch(text):
            return self._answer(done, m[1]), done
        if m := _START.fullmatch(text):
            right = numbers(m[1]) == self.procedure.start
            return RIGHT if right else wrong(
                "wrong_copy", f"the list at the start is {list_numbers(self.procedure.start)}"
            ), done
        if m := _COUNT.fullmatch(text):
            count = len(self.states[done])
            return RIGHT if int(m[1]) == count else wrong(
                "wrong_length", f"there are {count} numbers"
            ), done
        return wrong("unreadable", "not a sentence of this kind of solution"), done

    def _answer(self, done: int, text: str) -> Verdict:
        if done < len(self.procedure.orders):
            return wrong(
                "early_answer",
                f"{len(self.procedure.orders) - done} instructions are not carried out yet",
            )
        given = text.replace(",", " ").split()
        return (
            RIGHT
            if given == list_numbers(self.states[-1]).split()
            else wrong("wrong_answer", f"the list is {list_numbers(self.states[-1])}")
        )

    def _after(self, done: int, number: int, said: str | None, state: State) -> Verdict:
        if not 1 <= number <= len(self.procedure.orders):
            return wrong("wrong_instruction", f"there is no step {number}")
        if number > done + 1:
            return wrong("skipped_instruction", f"step {done + 1} is not carried out yet")
        order = self.procedure.orders[number - 1]
        if said is not None and said != order.text():
            return wrong("wrong_instruction", f"step {number} says: {order.text()}")
        right = self.states[number]
        if state == right:
            return RIGHT
        kind = (
            "wrong_copy"
            if number <= done
            else mistake(order, self.states[number - 1], right, state)
        )
        return wrong(kind, f"the list after step {number} is {list_numbers(right)}")


def mistake(order: GivenOrder, before: State, right: State, written: State) -> str:
    """The kind of mistake that turned `before` into `written` where `right` belongs."""
    if written == before:
        return "skipped_instruction"
    for misconception, taken in TAKEN_FOR.items():
        if order.name in taken and GivenOrder(taken[order.name], order.k).on(before) == written:
            return "wrong_direction" if misconception == "wrong_direction" else "wrong_number"
    if len(written) != len(right):
        return "wrong_length"
    group = INSTRUCTIONS[order.name].group
    if Counter(written) == Counter(right):
        return "wrong_order"
    if group == "order":
        return "wrong_copy"
    if group == "remove":
        return "wrong_number" if not Counter(written) - Counter(before) else "wrong_copy"
    return _name_miscalculation(before, right, written)


def _name_miscalculation(before: State, right: State, written: State) -> str:
    """For an arithmetic instruction: a number that should have stayed, a carry, or a sum."""
    places = [place for place, number in enumerate(right) if written[place] != number]
    if any(place < len(before) and right[place] == before[place] for place in places):
        return "wrong_copy"
    return (
        "carry"
        if all(abs(written[place] - right[place]) == 10 for place in places)
        else "arithmetic"
    )
