"""The facts of a ledger: who has how many of what, stated outright or in relation to others.

A fact gives one quantity, the number of `item` that `who` has. Eleven kinds: given; bags (3 bags
with 6 each), found and lost (a number and a change to it); more, fewer, times, twice, half (of one
other person); sum and difference (of two others). All quantities are positive.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from backend.problems.base import JSON, Problem

NAMES = (
    "Ana", "Ben", "Cara", "Dan", "Eva", "Finn", "Gina", "Hugo", "Ida", "Jack", "Kim", "Leo",
    "Mia", "Noah", "Olga", "Paul", "Rosa", "Sam", "Tina", "Uma", "Vera", "Will", "Yara", "Zoe",
)  # fmt: skip
ITEMS = (
    "apples",
    "pens",
    "coins",
    "books",
    "marbles",
    "shells",
    "stamps",
    "cards",
    "stones",
    "buttons",
    "beads",
    "eggs",
)
VERBS = {"has": "have", "owns": "own", "keeps": "keep"}
OPERATORS = {
    "bags": "*", "found": "+", "lost": "-", "more": "+", "fewer": "-", "times": "*",
    "twice": "*", "half": "/", "sum": "+", "difference": "-",
}  # fmt: skip


class Quantity(NamedTuple):
    """The key of a quantity: whose, and of what."""

    who: str
    item: str


class Calculation(NamedTuple):
    """One operation on two positive integers, written `left operator right`."""

    left: int
    operator: str
    right: int

    @property
    def value(self) -> int:
        """Its exact result; division is used only where it is exact."""
        if self.operator == "+":
            return self.left + self.right
        if self.operator == "-":
            return self.left - self.right
        return self.left * self.right if self.operator == "*" else self.left // self.right

    def text(self) -> str:
        """As it is written in a step, without its result."""
        return f"{self.left} {self.operator} {self.right}"


@dataclass(frozen=True, slots=True)
class Fact:
    """One sentence of the question. `refs` are the people (with the same item) on whom the quantity
    depends."""

    kind: str
    who: str
    item: str
    number: int = 0
    second: int = 0
    refs: tuple[str, ...] = ()

    @property
    def gives(self) -> Quantity:
        """The quantity that this fact determines."""
        return Quantity(self.who, self.item)

    @property
    def needs(self) -> tuple[Quantity, ...]:
        """The quantities that must be known before."""
        return tuple(Quantity(who, self.item) for who in self.refs)

    def sentence(self, verb: str) -> str:
        """The fact in words, without its full stop."""
        who, item, refs = self.who, self.item, self.refs
        if self.kind == "given":
            return f"{who} {verb} {self.number} {item}"
        if self.kind == "bags":
            return f"{who} {verb} {self.number} bags with {self.second} {item} each"
        if self.kind == "found":
            return f"{who} had {self.number} {item} and found {self.second} more"
        if self.kind == "lost":
            return f"{who} had {self.number} {item} and lost {self.second} of them"
        if self.kind in ("more", "fewer"):
            return f"{who} {verb} {self.number} {self.kind} {item} than {refs[0]}"
        if self.kind == "times":
            return f"{who} {verb} {self.number} times as many {item} as {refs[0]}"
        if self.kind in ("twice", "half"):
            return f"{who} {verb} {self.kind} as many {item} as {refs[0]}"
        if self.kind == "sum":
            return f"{who} {verb} as many {item} as {refs[0]} and {refs[1]} together"
        return f"{who} {verb} as many {item} as the difference between {refs[0]} and {refs[1]}"

    def calculation(self, values: Sequence[int]) -> Calculation:
        """The operation that yields the quantity, from the quantities of `refs`. Not for kind
        `given`."""
        operator = OPERATORS[self.kind]
        if not self.refs:
            return Calculation(self.number, operator, self.second)
        if len(self.refs) == 2:
            return Calculation(values[0], operator, values[1])
        return Calculation(values[0], operator, self.number or 2)

    def value(self, known: Mapping[Quantity, int]) -> int:
        """The quantity, from the quantities known so far."""
        return (
            self.number
            if self.kind == "given"
            else self.calculation([known[key] for key in self.needs]).value
        )


@dataclass(frozen=True)
class LedgerFacts:
    """A whole problem: facts in the order of the question, the item asked for and the one or two
    people asked about."""

    verb: str
    item: str
    facts: tuple[Fact, ...]
    goal: tuple[str, ...]

    def by_quantity(self) -> dict[Quantity, Fact]:
        """The fact that gives each quantity."""
        return {fact.gives: fact for fact in self.facts}

    def truth(self) -> dict[Quantity, int]:
        """Every quantity, worked out from all facts."""
        known: dict[Quantity, int] = {}
        waiting = list(self.facts)
        while waiting:
            ready = [fact for fact in waiting if all(key in known for key in fact.needs)]
            assert ready, "facts depend on each other in a circle"
            known.update({fact.gives: fact.value(known) for fact in ready})
            waiting = [fact for fact in waiting if fact.gives not in known]
        return known

    def question(self) -> str:
        """The text of the question, one fact a line: a small model then meets a fact's first name
        as it will write it, without a space."""
        facts = "\n".join(f"{fact.sentence(self.verb)}." for fact in self.facts)
        plain = VERBS[self.verb]
        if len(self.goal) == 1:
            return f"{facts}\nHow many {self.item} does {self.goal[0]} {plain}?"
        return (
            f"{facts}\nHow many {self.item} do {self.goal[0]} and {self.goal[1]} {plain} together?"
        )

    def meta(self) -> dict[str, JSON]:
        """As JSON, for `Problem.meta`."""
        rows = [[f.kind, f.who, f.item, f.number, f.second, list(f.refs)] for f in self.facts]
        return {"verb": self.verb, "item": self.item, "facts": rows, "goal": list(self.goal)}

    @staticmethod
    def of(problem: Problem) -> LedgerFacts:
        """The ledger behind a problem."""
        meta = problem.meta
        facts = tuple(Fact(k, w, i, n, s, tuple(refs)) for k, w, i, n, s, refs in meta["facts"])
        return LedgerFacts(meta["verb"], meta["item"], facts, tuple(meta["goal"]))
