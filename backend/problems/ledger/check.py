"""The step checker of the ledger: is a step true, is it founded on what is known so far, and if
not, which mistake is it?

A quantity is known if the question gives it outright or a sound step worked it out. A step must
copy its fact as the question has it, take known quantities, use the operation that the fact means
and get it right. Then the prefix stays sound, and the answer can be reached still.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from backend.problems.base import Verdict
from backend.problems.integers import integer
from backend.problems.ledger.facts import Calculation, Fact, LedgerFacts, Quantity
from backend.problems.ledger.read import AnswerSentence, PlanSentence, Worked, read_step
from backend.problems.walk import walk

KINDS = (
    "operand", "stale_value", "distractor", "unit", "operation", "arithmetic", "carry", "skipped_dependency", "wrong_copy", "wrong_person",
    "wrong_plan", "early_answer", "wrong_answer", "false_alarm", "unreadable", "after_mistake",
)  # fmt: skip
Known: TypeAlias = frozenset[Quantity]
RIGHT = Verdict(True, None, "true, and founded on what is known")


def check(ledger: LedgerFacts, steps: Sequence[str]) -> list[Verdict]:
    """One verdict per step."""
    judge = _LedgerJudge(ledger)
    return walk(
        frozenset(fact.gives for fact in ledger.facts if fact.kind == "given"), steps, judge
    )


def wrong(kind: str, reason: str) -> Verdict:
    """A verdict that names a mistake."""
    return Verdict(False, kind, reason)


class _LedgerJudge:
    """Judges one step from what is known before it."""

    def __init__(self, ledger: LedgerFacts) -> None:
        self.ledger, self.facts, self.truth = ledger, ledger.by_quantity(), ledger.truth()
        self.goal = tuple(Quantity(who, ledger.item) for who in ledger.goal)
        self.answer = sum(self.truth[key] for key in self.goal)
        self.whole = (
            self.goal[0]
            if len(self.goal) == 1
            else Quantity(" and ".join(ledger.goal), ledger.item)
        )
        self.useful = self._useful()

    def _useful(self) -> set[Quantity]:
        found, stack = set[Quantity](), list(self.goal)
        while stack:
            key = stack.pop()
            if key not in found:
                found.add(key)
                stack.extend(self.facts[key].needs)
        return found

    def __call__(self, known: Known, text: str) -> tuple[Verdict, Known]:
        step = read_step(text)
        if step is None:
            return wrong("unreadable", "not a sentence of this kind of solution"), known
        if isinstance(step, AnswerSentence):
            return self._answer(known, step.text), known
        if isinstance(step, PlanSentence):
            return self._plan(step), known
        if isinstance(step, Fact):
            return self._check_copy(step) or RIGHT, known
        if isinstance(step.head, Fact):
            key = step.head.gives
            verdict = self._check_copy(step.head) or self._check_work(
                known, self.facts[key].needs, step
            )
        else:
            key = self.whole
            verdict = self._together(known, step)
        return verdict, known | {key} if verdict.ok else known

    def _answer(self, known: Known, text: str) -> Verdict:
        if self.whole not in known:
            return wrong("early_answer", "answers before the quantity asked for is worked out")
        if integer(text) != self.answer:
            return wrong("wrong_answer", f"the quantity asked for is {self.answer}")
        return RIGHT

    def _plan(self, step: PlanSentence) -> Verdict:
        fact = self.facts.get(Quantity(step.who, self.ledger.item))
        if fact is None or not fact.refs or sorted(fact.refs) != sorted(step.refs):
            return wrong("wrong_plan", f"{step.who} does not depend on {' and '.join(step.refs)}")
        return RIGHT

    def _check_copy(self, said: Fact) -> Verdict | None:
        """What is wrong with a fact as it was copied; None if it stands so in the question."""
        fact = self.facts.get(said.gives)
        if fact == said:
            return None
        if fact is None:
            return wrong("wrong_copy", f"the question says nothing of {said.item} for {said.who}")
        sentence = fact.sentence(self.ledger.verb)
        if fact.kind != said.kind:
            return wrong(
                "operation" if fact.refs and said.refs else "wrong_copy",
                f"the question says: {sentence}",
            )
        same = sorted(fact.refs) == sorted(said.refs) and fact.kind == "sum"
        if fact.refs != said.refs and not same:
            return wrong("wrong_person", f"the question says: {sentence}")
        if (fact.number, fact.second) != (said.number, said.second):
            return wrong("wrong_copy", f"the question says: {sentence}")
        return None

    def _together(self, known: Known, step: Worked) -> Verdict:
        pair = step.head
        assert isinstance(pair, tuple)
        if sorted(pair) != sorted(self.ledger.goal):
            return wrong("wrong_person", "the question does not ask for these two together")
        return self._check_work(known, tuple(Quantity(who, self.ledger.item) for who in pair), step)

    def _check_work(self, known: Known, needs: Sequence[Quantity], step: Worked) -> Verdict:
        values = [self.truth[key] for key in needs]
        fact = self.facts[step.head.gives] if isinstance(step.head, Fact) else None
        if fact is not None and fact.kind == "given":
            return wrong("operation", f"there is nothing to work out: {fact.who} has {fact.number}")
        right = fact.calculation(values) if fact else Calculation(values[0], "+", values[1])
        said = step.calculation
        if said.operator != right.operator:
            return wrong("operation", f"the operation should be {right.operator}")
        flipped = said._replace(left=said.right, right=said.left)
        if right not in (said, flipped):
            return self._operand(known, needs, said, right)
        if said != right and right.operator in "-/":
            return wrong("operation", "the wrong way round")
        missing = [key.who for key in needs if key not in known]
        if missing:
            return wrong("skipped_dependency", f"what {missing[0]} has is not worked out yet")
        if step.result != right.value:
            kind = (
                "carry"
                if abs(step.result - right.value) == 10 and right.operator in "+-*"
                else "arithmetic"
            )
            return wrong(kind, f"{right.text()} is {right.value}, not {step.result}")
        return RIGHT

    def _operand(
        self, known: Known, needs: Sequence[Quantity], said: Calculation, right: Calculation
    ) -> Verdict:
        """Names the mistake where an operand is not what it should be."""
        written, expected = [said.left, said.right], [right.left, right.right]
        if (right.operator in "+*" or len(needs) == 2) and (
            said.left == right.right or said.right == right.left
        ):
            written.reverse()
        place = 0 if written[0] != expected[0] else 1
        value, reason = written[place], f"{written[place]} stands where {expected[place]} belongs"
        if place >= len(needs):
            return wrong("wrong_copy", reason)
        key = needs[place]
        fact = self.facts[key]
        if fact.kind in ("found", "lost") and value == fact.number:
            return wrong("stale_value", f"{reason}: {key.who} had {value} at first only")
        if fact.kind == "bags" and value in (fact.number, fact.second):
            return wrong("unit", f"{reason}: {fact.number} bags with {fact.second} each")
        if key not in known:
            return wrong(
                "skipped_dependency", f"{reason}: what {key.who} has is not worked out yet"
            )
        return wrong(self._source(known, key, value), reason)

    def _source(self, known: Known, key: Quantity, value: int) -> str:
        """Where a wrong operand seems to come from."""
        if any(
            other.who == key.who and other != key and self.truth[other] == value
            for other in self.facts
        ):
            return "distractor"
        if any(self.truth.get(other) == value for other in known & self.useful):
            return "operand"
        facts = [
            (fact.gives in self.useful, {fact.number, fact.second, self.truth[fact.gives]})
            for fact in self.ledger.facts
        ]
        if any(value in numbers for useful, numbers in facts if useful):
            return "operand"
        return "distractor" if any(value in numbers for _, numbers in facts) else "wrong_copy"
