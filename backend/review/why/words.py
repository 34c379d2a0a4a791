"""Causes in words: one sentence each, for somebody who sees a search for the first time."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from backend.core.spec import BUDGET_AXES
from backend.review.stored_run import ChosenAnswer
from backend.review.why.fate import Fate, FateKind

UNKNOWN = "The right answer is not known, so nothing can be said of where it died."
NOTHING = "The run ended before anything was written."
LIMITS: Mapping[str, str] = MappingProxyType({
    **{axis: f"the budget of {axis.replace('_', ' ')}" for axis in BUDGET_AXES},
    "cancelled": ("somebody who "
"stopped the run"), "failed": "a failure of the run", "crashed": "the end of the service",
    "step limit": "the limit of steps", "token limit": "the limit of tokens",
    "cut off before its end": "its length limit", "length limit of the text": "its length limit",
})  # fmt: skip
DROPPED: Mapping[str, str] = MappingProxyType({
    "pruned": "pruned, {}", "allocated": "pruned, it {}", "resampled": ("not drawn when the "
    "particles were "
"resampled"),
    "pushed": ("still waiting in the frontier when the "
"search ended"), "selected": "the walks did not come back to it",
    "backed": "the search answered with another text",
    "rolled": ("it was only written to try out a step, and such texts are no "
"candidates"), "referenced": "another solution was kept as the reference",
})  # fmt: skip


SHOWN = 80
"""Characters of an answer in a sentence."""


class Where(NamedTuple):
    """The node that a sentence is about, how many steps are written there, and whether it is a
    finished text."""

    node: int
    step: int
    finished: bool

    def __str__(self) -> str:
        return f"node {self.node}, step {self.step}"


def say_dropped(fate: Fate, where: Where, answer: str) -> str:
    return (
        f"{_what(where, answer)} ({where}) was dropped: "
        f"{DROPPED.get(fate.note, '{}').format(fate.reason)}{_numbers(fate)}."
    )


def cut_off(fate: Fate, where: Where, answer: str) -> str:
    limit = LIMITS.get(fate.reason, fate.reason)
    if not where.step:
        return f"The search was cut off by {limit} before a first step was written."
    return f"{_what(where, answer)} ({where}) was cut off by {limit}."


def open_end(fate: Fate, where: Where) -> str:
    return (
        f"No text came to its end: the last one ({where}) was cut off by "
        f"{LIMITS.get(fate.reason, fate.reason)}."
    )


def went_wrong(fate: Fate, where: Where, answer: str) -> str:
    """Where the last solution that was right so far went wrong."""
    never = f"The right answer {answer} was never written"
    if fate.how is FateKind.FINISHED:
        return f"{never}: the solution that stayed right longest ({where}) ended without it."
    if not where.step:
        return f"{never}: what follows the question ({fate.reason}) holds a mistake everywhere."
    return (
        f"{never}: the solution that stayed right longest ({where}) went wrong in all that "
        f"follows it ({fate.reason})."
    )


def never_among(texts: int, answer: str) -> str:
    return f"The right answer {answer} was never written: none of {texts} finished texts gives it."


def say_not_chosen(rule: str, own: ChosenAnswer, node: int, answer: str, fate: Fate) -> str:
    tie = ", which came first" if fate.value is not None and fate.value == fate.cut else ""
    rival = (
        f"node {own.node} with {short(own.answer)}"
        if own.answer is not None
        else f"node {own.node}, where no answer can be read"
    )
    return (
        f"The right answer {answer} was a candidate (node {node}), but the rule {rule} chose "
        f"{rival}{tie}{_numbers(fate)}."
    )


def say_not_extracted(own: ChosenAnswer, answer: str, found: str | None) -> str:
    if own.answer is None:
        what = (
            "is right to its end"
            if found == "sound"
            else f"names the right answer {answer} in its last step"
        )
        return (
            f"The search chose a solution that {what} (node {own.node}), but no answer can be "
            "read from it."
        )
    return (
        f"The search chose the answer {short(own.answer)} (node {own.node}), but it could not "
        f"be decided whether that equals {answer}."
    )


def right(own: ChosenAnswer) -> str:
    return f"The search answered right: {short(own.answer or '')} (node {own.node})."


def short(answer: str) -> str:
    """An answer as it stands in a sentence: in one line, and not too long."""
    line = " ".join(answer.split())
    return line if len(line) <= SHOWN else f"{line[:SHOWN]}..."


def _what(where: Where, answer: str) -> str:
    return (
        f"A text with the right answer {answer}"
        if where.finished
        else "A solution that was right so far"
    )


def _numbers(fate: Fate) -> str:
    against = "" if fate.cut is None else f" against {fate.cut:.3g}"
    return "" if fate.value is None else f" ({fate.measure} {fate.value:.3g}{against})"
