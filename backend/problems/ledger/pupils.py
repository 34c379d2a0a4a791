"""Pupils of the ledger: each has one misconception and applies it wherever it applies.

more_fewer_swapped adds for "fewer" and subtracts for "more". half_twice_swapped doubles for "half"
and halves for "twice". distractor takes another item of the same person. stale_value takes what a
person had before finding or losing some. unit_missed counts bags instead of what is in them.
skipped_dependency takes the number in "Ben has 5 more than Ana" for what Ben has. carry_slip
forgets the carry. wrong_copy turns the digits of a number around. last_result goes on with the last
result, whoever the fact names. early_answer stops on the way.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

from backend.problems.ledger.facts import Calculation, Fact, LedgerFacts, Quantity

PUPILS = (
    "more_fewer_swapped", "half_twice_swapped", "distractor", "stale_value", "unit_missed",
    "skipped_dependency", "carry_slip", "wrong_copy", "last_result", "early_answer",
)  # fmt: skip
SLIPS = (
    "more_fewer_swapped",
    "half_twice_swapped",
    "distractor",
    "carry_slip",
    "wrong_copy",
    "last_result",
)
SWAPPED = {"more": "-", "fewer": "+"}
HALF_TWICE = {"half": "*", "twice": "/"}


def without_carry(calculation: Calculation) -> int | None:
    """The result if the carry (or the borrowed ten) is forgotten; None where there is none, or
    nothing positive is left.
    """
    left, operator, right = calculation.left, calculation.operator, calculation.right
    if operator == "+" and left % 10 + right % 10 >= 10:
        return calculation.value - 10
    if operator == "-" and left % 10 < right % 10:
        return calculation.value + 10
    if (
        operator == "*"
        and (left % 10) * (right % 10) >= 10
        and calculation.value > 10
        and max(left, right) >= 10
    ):
        return calculation.value - 10
    return None


def miscopy(number: int) -> int:
    """The number with its digits turned around, or one more where that changes nothing."""
    turned = int(str(number)[::-1])
    return turned if turned not in (number, 0) and number % 10 else number + 1


@dataclass
class Pupil:
    """What a pupil believes so far. `work` writes the next step and keeps its result."""

    name: str
    ledger: LedgerFacts
    rng: random.Random
    believed: dict[Quantity, int]
    last: int | None = None

    def work(self, fact: Fact) -> str | None:
        """The step for a fact, or None where the misconception leaves the step out."""
        shortcut = {
            "stale_value": ("found", "lost"),
            "unit_missed": ("bags",),
            "skipped_dependency": ("more", "fewer"),
        }
        if fact.kind in shortcut.get(self.name, ()) and (fact.who,) != self.ledger.goal:
            self.believed[fact.gives] = fact.number
            return None
        seen = self.copy_fact(fact)
        calculation = self.choose_calculation(seen)
        if not sensible(calculation):
            seen = fact
            calculation = fact.calculation([self.believed[key] for key in fact.needs])
        result = calculation.value
        if not sensible(calculation):
            calculation, result = force(calculation)
        if self.name == "carry_slip" and (slipped := without_carry(calculation)):
            result = slipped
        self.believed[fact.gives] = self.last = result
        return f"{seen.sentence(self.ledger.verb)}: {calculation.text()} = {result}."

    def copy_fact(self, fact: Fact) -> Fact:
        """The fact as the pupil copies it from the question."""
        if self.name == "wrong_copy" and fact.number >= 2 and fact.kind != "times":
            return replace(fact, number=miscopy(fact.number))
        return fact

    def choose_calculation(self, fact: Fact) -> Calculation:
        """The operation that the pupil thinks right for a fact."""
        values = [self.believed[key] for key in fact.needs]
        if (
            self.name == "last_result"
            and self.last is not None
            and values
            and self.last not in values
        ):
            values[-1] = self.last
        if self.name == "distractor":
            others = [key for key in self.believed if key.item != fact.item]
            for place, who in enumerate(fact.refs):
                values[place] = next(
                    (self.believed[key] for key in others if key.who == who), values[place]
                )
        calculation = fact.calculation(values)
        if self.name == "more_fewer_swapped" and fact.kind in SWAPPED:
            return calculation._replace(operator=SWAPPED[fact.kind])
        if self.name == "half_twice_swapped" and fact.kind in HALF_TWICE:
            return calculation._replace(operator=HALF_TWICE[fact.kind])
        return calculation


def sensible(calculation: Calculation) -> bool:
    """Whether the result is a positive integer of at most three digits, which even a pupil
    expects.
    """
    if calculation.operator == "/" and (
        calculation.right == 0 or calculation.left % calculation.right
    ):
        return False
    return 0 < calculation.value < 1000


class Forced(NamedTuple):
    """An operation and a result made to look sensible."""

    calculation: Calculation
    result: int


def force(calculation: Calculation) -> Forced:
    """What a pupil writes where wrong values have led to an operation without a positive integer
    result."""
    if calculation.operator == "-":
        turned = calculation._replace(left=calculation.right, right=calculation.left)
        return Forced(turned, max(turned.value, 1))
    return Forced(calculation, min(max(calculation.value, 1), 999))


def slip(ledger: LedgerFacts, fact: Fact, truth: Mapping[Quantity, int], rng: random.Random) -> str:
    """One wrong way to write the step for a fact whose dependencies are right; a result off by one
    where no other applies.
    """
    right = fact.calculation([truth[key] for key in fact.needs])
    correct = f"{fact.sentence(ledger.verb)}: {right.text()} = {right.value}."
    for name in rng.sample(SLIPS, len(SLIPS)):
        known = rng.choice(sorted(truth.values()))
        mind = Pupil(name, ledger, rng, dict(truth), last=known)
        line = mind.work(fact)
        if line and line != correct:
            return line
    return (
        f"{fact.sentence(ledger.verb)}: {right.text()} = {right.value + rng.choice((-1, 1)) or 2}."
    )
