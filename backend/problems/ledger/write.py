"""How a ledger is solved in writing: in a random valid order, sometimes planned back from the goal,
sometimes with a needless true step.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence

from backend.problems.base import REPAIR, answer_step
from backend.problems.ledger.facts import Calculation, Fact, LedgerFacts, Quantity
from backend.problems.ledger.pupils import Pupil, slip

PLANNED, NEEDLESS, RESTATED, TURNED = 0.3, 0.25, 0.2, 0.3
"""Shares of solutions that plan back from the goal, hold a needless true step, restate a fact; of
sums and products written the other way round."""


def calculation_step(head: str, calculation: Calculation, result: int) -> str:
    """A step: the fact, then the operation and its result."""
    return f"{head}: {calculation.text()} = {result}."


def plan_step(fact: Fact) -> str:
    """A step of a plan back from the goal: which quantities a quantity needs."""
    return f"To find {fact.who} I need {' and '.join(fact.refs)}."


def list_needed_facts(ledger: LedgerFacts) -> list[Fact]:
    """The facts that the goal depends on, each before what it needs (back from the goal)."""
    facts, found = ledger.by_quantity(), []
    stack = [Quantity(who, ledger.item) for who in reversed(ledger.goal)]
    while stack:
        fact = facts[stack.pop()]
        if fact not in found:
            found.append(fact)
            stack.extend(reversed(fact.needs))
    return found


def _order(facts: Sequence[Fact], rng: random.Random) -> list[Fact]:
    """A random order of operations in which every fact comes after what it needs; facts outside the
    list count as known.
    """
    waiting, order = list(facts), []
    while waiting:
        missing = {fact.gives for fact in waiting}
        fact = rng.choice([fact for fact in waiting if not missing.intersection(fact.needs)])
        waiting.remove(fact)
        order.append(fact)
    return order


def _route(ledger: LedgerFacts, rng: random.Random) -> tuple[list[str], list[Fact]]:
    """What a solver does: the lines of a plan (often none) and the facts in the order in which they
    are worked through.
    """
    facts = list_needed_facts(ledger)
    operations = [fact for fact in facts if fact.kind != "given"]
    dependent = [fact for fact in operations if fact.refs]
    if len(operations) > 1 and dependent and rng.random() < PLANNED:
        return [plan_step(fact) for fact in dependent], list(reversed(operations))
    known = {fact.gives for fact in facts} | {
        fact.gives for fact in ledger.facts if fact.kind == "given"
    }
    spare = [
        f
        for f in ledger.facts
        if f.kind != "given" and f not in operations and known.issuperset(f.needs)
    ]
    if spare and rng.random() < NEEDLESS:
        operations.append(rng.choice(spare))
    order = _order(operations, rng)
    if rng.random() < RESTATED and (given := [fact for fact in facts if fact.kind == "given"]):
        order.insert(0, rng.choice(given))
    return [], order


def _line(
    ledger: LedgerFacts, fact: Fact, values: Mapping[Quantity, int], rng: random.Random
) -> str:
    if fact.kind == "given":
        return f"{fact.sentence(ledger.verb)}."
    calculation = turn(fact.calculation([values[key] for key in fact.needs]), rng)
    return calculation_step(fact.sentence(ledger.verb), calculation, calculation.value)


def turn(calculation: Calculation, rng: random.Random) -> Calculation:
    """A sum or a product is sometimes written with its operands the other way round."""
    if calculation.operator in "+*" and rng.random() < TURNED:
        return calculation._replace(left=calculation.right, right=calculation.left)
    return calculation


def _ending(ledger: LedgerFacts, values: Mapping[Quantity, int]) -> list[str]:
    parts = [values[Quantity(who, ledger.item)] for who in ledger.goal]
    if len(parts) == 1:
        return [answer_step(str(parts[0]))]
    both = Calculation(parts[0], "+", parts[1])
    return [
        calculation_step(f"{' and '.join(ledger.goal)} together", both, both.value),
        answer_step(str(both.value)),
    ]


def teacher(ledger: LedgerFacts, rng: random.Random) -> list[str]:
    """A right solution."""
    truth = ledger.truth()
    plan, order = _route(ledger, rng)
    return plan + [_line(ledger, fact, truth, rng) for fact in order] + _ending(ledger, truth)


def repair(ledger: LedgerFacts, rng: random.Random) -> list[str]:
    """A right solution with one slip that the next step notices and repairs."""
    truth = ledger.truth()
    plan, order = _route(ledger, rng)
    places = [place for place, fact in enumerate(order) if fact.kind != "given"]
    place = rng.choice(places) if places else -1
    steps = list(plan)
    for index, fact in enumerate(order):
        line = _line(ledger, fact, truth, rng)
        if index == place:
            steps += [slip(ledger, fact, truth, rng), REPAIR + line]
        else:
            steps.append(line)
    return steps + _ending(ledger, truth)


def pupil(ledger: LedgerFacts, rng: random.Random, name: str) -> list[str]:
    """A whole solution by a pupil with one misconception, who believes every value that came
    out.
    """
    plan, order = _route(ledger, rng)
    mind = Pupil(
        name,
        ledger,
        rng,
        {fact.gives: fact.number for fact in ledger.facts if fact.kind == "given"},
    )
    if name == "early_answer":
        return _early(ledger, rng, plan, order)
    steps = list(plan)
    for fact in order:
        line = f"{fact.sentence(ledger.verb)}." if fact.kind == "given" else mind.work(fact)
        steps += [line] if line else []
    return steps + _ending(ledger, mind.believed)


def _early(
    ledger: LedgerFacts, rng: random.Random, plan: list[str], order: list[Fact]
) -> list[str]:
    """Stops at a quantity on the way and answers with it."""
    truth = ledger.truth()
    stops = [
        i
        for i, f in enumerate(order)
        if f.kind != "given" and f.item == ledger.item and (f.who,) != ledger.goal
    ]
    if not stops:
        return teacher(ledger, rng)
    stop = rng.choice(stops)
    lines = [_line(ledger, fact, truth, rng) for fact in order[: stop + 1]]
    return plan + lines + [answer_step(str(truth[order[stop].gives]))]
