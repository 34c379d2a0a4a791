"""Judging steps one after another, with slips that are noticed and repaired.

A judge sees the state that the sound steps so far have led to and one step's text, and returns a
verdict and the next state. A step that begins with "No, that is wrong: " disowns the step right
before it and puts its own text in its place: it is judged in the state before that step, and if it
is right the prefix is sound again. The disowned step stays wrong. Disowning a right step is a
mistake of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from backend.problems.base import REPAIR, Verdict

State = TypeVar("State")
LONGEST_STEP = 2_000
AFTER = Verdict(False, "after_mistake", "follows a mistake that was not repaired")
FALSE_ALARM = Verdict(False, "false_alarm", "disowns a step, but the step before it is right")
TOO_LONG = Verdict(False, "unreadable", f"longer than {LONGEST_STEP} characters")


def walk(
    start: State, steps: Sequence[str], judge: Callable[[State, str], tuple[Verdict, State]]
) -> list[Verdict]:
    """One verdict per step."""
    state, verdicts = start, []
    # steps after the last sound one, failed repairs not counted: a repair reaches back over one
    # step only
    wrong = 0
    for text in steps:
        body = text.strip()
        repairs = body.startswith(REPAIR)
        if wrong > 1 or (wrong == 1 and not repairs):
            wrong += 1
            verdicts.append(AFTER)
            continue
        if repairs and wrong == 0:
            wrong = 1
            verdicts.append(FALSE_ALARM)
            continue
        verdict, following = (
            judge(state, body.removeprefix(REPAIR))
            if len(body) <= LONGEST_STEP
            else (TOO_LONG, state)
        )
        if verdict.ok:
            state, wrong = following, 0
        elif wrong:
            verdict = AFTER
        else:
            wrong = 1
        verdicts.append(verdict)
    return verdicts
