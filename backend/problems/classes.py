"""Which answers of a run are the same: classes of equal answers, for every vote.

Equality is a relation and no key: `1/2`, `0.5` and `\\frac{1}{2}` are read exactly, but `x + 1` and
`1 + x` have to be compared. So classes are built by union-find over pairs. Exact reading comes
first, and where every answer is a number nothing else is asked; algebra decides the rest, in
processes with a limit (`backend.problems.equivalence`).

Algebra is not transitive, and it does not always decide. What follows from that is laid down here,
and recorded:

- an undecided pair is two classes;
- two classes that one answer equals become one; a pair that was joined only through a third is
  noted in `bridges`;
- an exact difference outranks algebra: `50%` would pass for `0.5` and for `50`; it joins the older,
  and the two stay apart;
- before an answer is compared with others it is compared with 0: one that algebra cannot read in
  time (a tower of powers) is a class of its own
  text, and costs the limit once, not once for every other answer;
- a run waits for algebra `PATIENCE_S` in all; later pairs are undecided without being asked.

An answer without text is in no class: nobody can vote for it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple, TypeAlias

from backend.problems.base import SETS, Problem
from backend.problems.equivalence import LONGEST_ANSWER, Compare
from backend.problems.exact import canonical, exact

PATIENCE_S = 10.0
PROBE = "0"
SHOWN = 200
"""Characters of an over-long answer that are recorded."""

Verdicts: TypeAlias = Mapping[tuple[str, str], bool | None]


class Comparison(NamedTuple):
    """What algebra said of two answers, by their forms; None is undecided. `other` is `PROBE` where
    an answer was only tried out."""

    answer: str
    other: str
    equal: bool | None


class Bridge(NamedTuple):
    """Two answers that are in one class only because each equals `through`."""

    answer: str
    other: str
    through: str


class Settled(NamedTuple):
    """What placing some answers took."""

    comparisons: list[Comparison]
    bridges: list[Bridge]


class AnswerClasses:
    """The classes of one run. `form` makes answers into the texts that count as identical; `equal`
    is the algebra, None for exact reading only.

    `known` verdicts are not asked again, so that a run that is taken up goes on with the same
    classes. `merges` grows whenever classes that existed become one: whoever counts by class counts
    again. Not for several threads at a time.
    """

    def __init__(
        self,
        equal: Compare | None = None,
        *,
        form: Callable[[str], str] = canonical,
        known: Verdicts | None = None,
    ) -> None:
        self._equal, self._form, self._verdicts = equal, form, dict(known or {})
        self._forms: dict[str, str] = {}
        self._written: dict[str, str] = {}
        self._class_of: dict[str, str] = {}
        self._members: dict[str, list[str]] = {}
        self._numbers, self._numeric, self._settled = set[str](), set[str](), set[str]()
        self._recorded = set[tuple[str, str]]()
        self._waited_s = 0.0
        self.merges = 0
        self.comparisons: list[Comparison] = []
        self.bridges: list[Bridge] = []

    def of(self, answer: str | None) -> str | None:
        """The name of an answer's class: the form of its oldest member. None for no answer. Never
        blocks."""
        return (
            None if answer is None or not answer.strip() else self._class_of[self._form_of(answer)]
        )

    def find_unsettled(self, answers: Iterable[str | None]) -> list[str]:
        """The answers among these that algebra has yet to place: what `settle` would block for."""
        forms = {
            self._form_of(answer): answer
            for answer in answers
            if answer is not None and answer.strip()
        }
        fresh = {form: answer for form, answer in forms.items() if form not in self._settled}
        if self._equal is not None and len(self._numbers) < len(self._written) > 1:
            return list(fresh.values())
        self._settled.update(fresh)
        return []

    def settle(self, answers: Iterable[str | None]) -> Settled:
        """Place the answers that are new, and say what that took. May block for seconds: call it in
        a thread."""
        compared, bridged = len(self.comparisons), len(self.bridges)
        for answer in self.find_unsettled(answers):
            form = self._form_of(answer)
            self._settled.add(form)
            for name in list(self._members):
                if (
                    name in self._members
                    and name != self._class_of[form]
                    and self._same(name, form)
                ):
                    self._join(name, form)
        return Settled(self.comparisons[compared:], self.bridges[bridged:])

    def _form_of(self, answer: str) -> str:
        """The form of an answer; a new one is a class of its own."""
        form = self._forms.get(answer)
        if form is None:
            form = self._forms[answer] = self._form(answer)
        if form not in self._written:
            self._written[form], self._class_of[form], self._members[form] = answer, form, [form]
            if exact(answer) is not None:
                self._numbers.add(form)
                self._numeric.add(form)
        return form

    def _same(self, name: str, form: str) -> bool:
        """Whether an answer equals a class: what algebra says of the first member of which it says
        anything."""
        if name in self._numeric and self._class_of[form] in self._numeric:
            return False  # each holds a number, and the same number would have the same form
        for member in self._members[name]:
            if member in self._settled and self._readable(member) and self._readable(form):
                verdict = self._ask(member, form)
                if verdict is not None:
                    return verdict
        return False

    def _readable(self, form: str) -> bool:
        return form in self._numbers or self._ask(form, PROBE) is not None

    def _ask(self, form: str, other: str) -> bool | None:
        """The verdict on a pair of forms, asked for and recorded once."""
        pair = (
            form if len(form) <= LONGEST_ANSWER else f"{form[:SHOWN]}... ({len(form)} characters)",
            other,
        )
        if pair not in self._verdicts:
            self._verdicts[pair] = self._decide(
                self._written[form], self._written.get(other, other)
            )
        if pair not in self._recorded:
            self._recorded.add(pair)
            self.comparisons.append(Comparison(*pair, self._verdicts[pair]))
        return self._verdicts[pair]

    def _decide(self, answer: str, other: str) -> bool | None:
        if self._equal is None or self._waited_s > PATIENCE_S or len(answer) > LONGEST_ANSWER:
            return None
        began = time.monotonic()
        verdict = self._equal(answer, other)
        self._waited_s += time.monotonic() - began
        return verdict

    def _join(self, name: str, form: str) -> None:
        """Make one of the class `name` and the class of `form`, under the name of the older."""
        mine = self._class_of[form]
        older, younger = (
            (name, mine)
            if next(each for each in self._members if each in (name, mine)) == name
            else (mine, name)
        )
        if mine != form:
            self.bridges.append(Bridge(older, younger, form))
        for member in self._members.pop(younger):
            self._class_of[member] = older
            self._members[older].append(member)
        if younger in self._numeric:
            self._numeric.add(older)
        self.merges += 1


def classes_of(
    problem: Problem, equal: Compare | None = None, known: Verdicts | None = None
) -> AnswerClasses:
    """The classes for answers to a problem. Generated problems are read by their own exact rules,
    all others compared by `equal`."""
    generated = SETS.find(problem.set)
    if generated is not None:
        return AnswerClasses(form=generated.form)
    return AnswerClasses(equal, known=known)


__all__ = [
    "AnswerClasses",
    "Bridge",
    "Comparison",
    "Settled",
    "Verdicts",
    "classes_of",
]
