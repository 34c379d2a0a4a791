"""Reading the steps that a solver wrote about a ledger: facts in words, operations, plans and
answers. What cannot be read is None.
"""

from __future__ import annotations

import re
from typing import NamedTuple, TypeAlias

from backend.problems.ledger.facts import ITEMS, VERBS, Calculation, Fact

_WHO, _N, _VERB, _ITEM = (
    r"([A-Z][a-z]+)",
    r"(\d{1,6})",
    f"(?:{'|'.join(VERBS)})",
    f"({'|'.join(ITEMS)})",
)
_GIVEN = re.compile(f"{_WHO} {_VERB} {_N} {_ITEM}")
_BAGS = re.compile(f"{_WHO} {_VERB} {_N} bags with {_N} {_ITEM} each")
_CHANGED = re.compile(f"{_WHO} had {_N} {_ITEM} and (?:(found) {_N} more|(lost) {_N} of them)")
_MORE = re.compile(f"{_WHO} {_VERB} {_N} (more|fewer) {_ITEM} than {_WHO}")
_TIMES = re.compile(f"{_WHO} {_VERB} (?:{_N} times|(twice|half)) as many {_ITEM} as {_WHO}")
_SUM = re.compile(f"{_WHO} {_VERB} as many {_ITEM} as {_WHO} and {_WHO} together")
_DIFFERENCE = re.compile(
    f"{_WHO} {_VERB} as many {_ITEM} as the difference between {_WHO} and {_WHO}"
)
_STEP = re.compile(rf"([^:]{{1,200}}): {_N} ([-+*/]) {_N} = {_N}\.?")
_PLAN = re.compile(rf"To find {_WHO} I need {_WHO}(?: and {_WHO})?\.?")
_TOGETHER = re.compile(f"{_WHO} and {_WHO} together")
_ANSWER = re.compile(r"The answer is \\boxed\{([^{}]*)\}\.?")


class PlanSentence(NamedTuple):
    """Which people's quantities a person's quantity is said to need."""

    who: str
    refs: tuple[str, ...]


class Worked(NamedTuple):
    """An operation with its claimed result, under a fact or under the two people whose quantities
    are put together."""

    head: Fact | tuple[str, str]
    calculation: Calculation
    result: int


class AnswerSentence(NamedTuple):
    """The content of the box."""

    text: str


Step: TypeAlias = PlanSentence | Worked | Fact | AnswerSentence


def read_fact(text: str) -> Fact | None:
    """The fact that a sentence without full stop states."""
    if m := _GIVEN.fullmatch(text):
        return Fact("given", m[1], m[3], int(m[2]))
    if m := _BAGS.fullmatch(text):
        return Fact("bags", m[1], m[4], int(m[2]), int(m[3]))
    if m := _CHANGED.fullmatch(text):
        return Fact(m[4] or m[6], m[1], m[3], int(m[2]), int(m[5] or m[7]))
    if m := _MORE.fullmatch(text):
        return Fact(m[3], m[1], m[4], int(m[2]), refs=(m[5],))
    if m := _TIMES.fullmatch(text):
        return Fact(m[3] or "times", m[1], m[4], int(m[2] or 0), refs=(m[5],))
    if m := _SUM.fullmatch(text):
        return Fact("sum", m[1], m[2], refs=(m[3], m[4]))
    if m := _DIFFERENCE.fullmatch(text):
        return Fact("difference", m[1], m[2], refs=(m[3], m[4]))
    return None


def read_step(text: str) -> Step | None:
    """What a step says."""
    text = text.strip()
    if m := _ANSWER.fullmatch(text):
        return AnswerSentence(m[1])
    if m := _PLAN.fullmatch(text):
        return PlanSentence(m[1], tuple(who for who in (m[2], m[3]) if who))
    if m := _STEP.fullmatch(text):
        pair = _TOGETHER.fullmatch(m[1])
        head = (pair[1], pair[2]) if pair else read_fact(m[1])
        return Worked(head, Calculation(int(m[2]), m[3], int(m[4])), int(m[5])) if head else None
    return read_fact(text.removesuffix("."))
