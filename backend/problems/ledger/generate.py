"""How a ledger problem is made: a tree of dependencies grown down from the goal, values filled in
from the leaves, distractors beside it.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from backend.problems.ledger.difficulty import LedgerDifficulty
from backend.problems.ledger.facts import ITEMS, NAMES, VERBS, Fact, LedgerFacts, Quantity


@dataclass
class _Draft:
    """A ledger while it grows: `values` has every quantity so far, `facts` in an order in which
    each follows what it needs.
    """

    rng: random.Random
    item: str
    largest: int
    branching: float
    names: list[str]
    facts: list[Fact] = field(default_factory=list)
    values: dict[Quantity, int] = field(default_factory=dict)

    def add(self, fact: Fact) -> str:
        self.facts.append(fact)
        self.values[fact.gives] = fact.value(self.values)
        return fact.who

    def grow(self, steps: int) -> str:
        """Adds a person whose quantity takes exactly `steps` operations, and returns the name."""
        rng = self.rng
        if steps == 0:
            return self.add(
                Fact("given", self.names.pop(), self.item, rng.randint(2, self.largest * 3 // 5))
            )
        if steps == 1 and rng.random() < 0.35:
            return self.add(leaf(rng, self.names.pop(), self.item, self.largest))
        if rng.random() < self.branching:
            left = rng.randint(0, steps - 1)
            return self.join((self.grow(left), self.grow(steps - 1 - left)))
        return self.add(self.unary(self.grow(steps - 1)))

    def join(self, pair: tuple[str, str]) -> str:
        """Adds sum or difference of two people. Only the sum of two equal quantities may pass
        `largest`: their difference is nothing."""
        high, low = sorted(pair, key=lambda who: -self.values[Quantity(who, self.item)])
        a, b = self.values[Quantity(high, self.item)], self.values[Quantity(low, self.item)]
        kinds = (["sum", "sum"] if a + b <= self.largest or a == b else []) + (
            ["difference"] if a > b else []
        )
        kind = self.rng.choice(kinds)
        return self.add(
            Fact(kind, self.names.pop(), self.item, refs=pair if kind == "sum" else (high, low))
        )

    def unary(self, ref: str, item: str | None = None) -> Fact:
        """A fact about a new person in relation to `ref`."""
        item, rng = item or self.item, self.rng
        value = self.values[Quantity(ref, item)]
        kinds = ["more"] * 3 if value + 2 <= self.largest else []
        kinds += ["fewer"] * 3 if value >= 4 else []
        kinds += ["twice"] * 2 if value * 2 <= self.largest else []
        kinds += ["times"] * 2 if value * 3 <= self.largest else []
        kinds += ["half"] * 2 if value % 2 == 0 else []
        kind, number = rng.choice(kinds), 0
        if kind == "more":
            number = rng.randint(2, min(self.largest - value, 40))
        elif kind == "fewer":
            number = rng.randint(2, value - 2)
        elif kind == "times":
            number = rng.randint(3, min(5, self.largest // value))
        return Fact(kind, self.names.pop(), item, number, refs=(ref,))

    def distract(self, other: str) -> None:
        """Adds one fact that the goal does not need: an unused person, or another item of
        somebody.
        """
        rng = self.rng
        draw = rng.random()
        people = [key.who for key in self.values if key.item == self.item]
        others = [key.who for key in self.values if key.item == other]
        free = [who for who in people if who not in others]
        if draw < 0.45 and free:
            self.add(Fact("given", rng.choice(free), other, rng.randint(2, self.largest * 3 // 5)))
        elif draw < 0.6 and others:
            self.add(self.unary(rng.choice(others), other))
        elif draw < 0.9:
            self.add(self.unary(rng.choice(people)))
        else:
            self.add(
                Fact("given", self.names.pop(), self.item, rng.randint(2, self.largest * 3 // 5))
            )


def leaf(rng: random.Random, who: str, item: str, largest: int) -> Fact:
    """A quantity that takes one operation but depends on nobody."""
    kind = rng.choice(("bags", "found", "lost"))
    if kind == "bags":
        bags = rng.randint(2, 6)
        return Fact(kind, who, item, bags, rng.randint(2, max(2, min(9, largest // bags))))
    number = rng.randint(4, largest * 3 // 5)
    return Fact(
        kind, who, item, number, rng.randint(2, number - 2 if kind == "lost" else largest - number)
    )


def generate(difficulty: LedgerDifficulty, rng: random.Random) -> LedgerFacts:
    """A ledger of that difficulty; the number of operations needed lies within
    `difficulty.steps`.
    """
    low, high = difficulty.steps
    steps = low + min(high - low, int((high - low + 1) * rng.random() ** difficulty.skew))
    item, other = rng.sample(ITEMS, 2)
    draft = _Draft(
        rng,
        item,
        rng.randint(*difficulty.largest),
        difficulty.branching,
        rng.sample(NAMES, len(NAMES)),
    )
    if steps > 1 and rng.random() < difficulty.together:
        left = rng.randint(0, steps - 1)
        goal: tuple[str, ...] = (draft.grow(left), draft.grow(steps - 1 - left))
    else:
        goal = (draft.grow(steps),)
    needed = len(draft.facts)
    for _ in range(rng.randint(*difficulty.distractors)):
        draft.distract(other)
    facts = draft.facts[:needed]
    for extra in draft.facts[needed:]:
        facts.insert(rng.randint(0, len(facts)), extra)
    if rng.random() < difficulty.shuffled:
        rng.shuffle(facts)
    return LedgerFacts(rng.choice(tuple(VERBS)), item, tuple(facts), goal)
