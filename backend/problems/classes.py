"""Which answers of a run are the same: classes of equal answers, for every vote.

Equality is a relation and no key: `1/2`, `0.5` and `\\frac{1}{2}` are read exactly, but `x + 1` and
`1 + x` have to be compared. So classes are built by union-find over pairs, by the strict relation
(`backend.problems.answers`), which forgives nothing and is transitive. Exact reading comes first,
and where every answer is a number nothing else is asked; algebra decides the rest, in processes
with a limit (`backend.problems.equivalence`).

The classes are a function of the set of answers: neither their order nor the machine's load has a
say, as far as algebra decides.

- An answer without a unit or a name (`12`) joins the class that has one (`12 cm`, `x = 12`) if
  exactly one class does, and if no other such answer would join it too: of 12, 12 cm and 12 km each
  stands alone. So a class may lose a member when another answer comes in.
- An undecided pair is asked once more, and the record says so; undecided again, it is two classes.
- Two classes that one answer equals become one; a pair that was joined only through a third is
  noted in `bridges`.
- Two numbers that differ are never of one class, whatever stored comparisons say.
- Before an answer is compared with others it is compared with 0: one that algebra cannot read in
  time (a tower of powers) is a class of its own text, and costs the limit once, not once for every
  other answer.
- A run waits for algebra `PATIENCE_S` in all, the start of its processes not counted; later pairs
  are undecided without being asked.

An answer without text is in no class: nobody can vote for it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple, TypeAlias

from backend.problems.answers.grader import GRADER_VERSION, bare_form
from backend.problems.answers.reading import LONGEST_ANSWER
from backend.problems.answers.waiting import idle_s
from backend.problems.base import SETS, Problem
from backend.problems.equivalence import Compare
from backend.problems.exact import canonical, exact

PATIENCE_S = 10.0
BARE_SINCE = 2
"""The version of the grader from which on undecided pairs are asked again, and answers without a
unit or a name may join those with one."""
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
    is the strict relation with its algebra, None for identical texts only; `bare` is an answer
    without its unit or name; undecided pairs are asked again where it is `patient`.

    `known` verdicts are not asked again, so that a run that is taken up goes on with the same
    classes. `changes` grows whenever answers that were placed are placed anew: whoever counts by
    class counts again. Not for several threads at a time.
    """

    def __init__(
        self,
        equal: Compare | None = None,
        *,
        form: Callable[[str], str] = canonical,
        bare: Callable[[str], str | None] = bare_form,
        patient: bool = True,
        known: Verdicts | None = None,
    ) -> None:
        self._equal, self._form, self._bare, self._patient = equal, form, bare, patient
        self._verdicts = dict(known or {})
        self._forms: dict[str, str] = {}
        self._written: dict[str, str] = {}
        self._class_of: dict[str, str] = {}
        self._members: dict[str, list[str]] = {}
        self._numbers, self._numeric, self._settled = set[str](), set[str](), set[str]()
        self._recorded, self._doubtful = set[tuple[str, str]](), dict[tuple[str, str], str]()
        self._shown: dict[str, str] = {}
        self._waited_s = 0.0
        self.changes = 0
        self.comparisons: list[Comparison] = []
        self.bridges: list[Bridge] = []

    def of(self, answer: str | None) -> str | None:
        """The name of an answer's class: the form of its oldest member. None for no answer. Never
        blocks."""
        if answer is None or not answer.strip():
            return None
        name = self._class_of[self._form_of(answer)]
        return self._shown.get(name, name)

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
        fresh = self.find_unsettled(answers)
        for answer in fresh:
            form = self._form_of(answer)
            self._settled.add(form)
            for name in list(self._members):
                if (
                    name in self._members
                    and name != self._class_of[form]
                    and self._same(name, form)
                ):
                    self._join(name, form)
        if fresh:
            if self._patient:
                self._ask_again()
            self._find_hosts()
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
        """Whether an answer equals a class, by the verdict on the first member of the class that
        has one."""
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
            self._verdicts[pair] = self._decide(form, other)
        if pair not in self._recorded:
            self._recorded.add(pair)
            self.comparisons.append(Comparison(*pair, self._verdicts[pair]))
            if self._verdicts[pair] is None and other in self._written:
                self._doubtful[pair] = form
        return self._verdicts[pair]

    def _decide(self, form: str, other: str) -> bool | None:
        answer, compared = self._written.get(form, form), self._written.get(other, other)
        if self._equal is None or self._waited_s > PATIENCE_S or len(answer) > LONGEST_ANSWER:
            return None
        began = time.monotonic() - idle_s()
        verdict = self._equal(answer, compared)
        self._waited_s += time.monotonic() - idle_s() - began
        return verdict

    def _ask_again(self) -> None:
        """Ask once more about pairs that were undecided, unless patience is over."""
        doubtful, self._doubtful = self._doubtful, {}
        for pair, form in doubtful.items():
            other = pair[1]
            name = self._class_of[other]
            if self._waited_s > PATIENCE_S or name == self._class_of[form]:
                continue
            verdict = self._verdicts[pair] = self._decide(form, other)
            self.comparisons.append(Comparison(*pair, verdict))
            if verdict and not {name, self._class_of[form]} <= self._numeric:
                self._join(name, form)

    def _join(self, name: str, form: str) -> None:
        """Make one of the class `name` and the class of `form`, under the name of the older."""
        mine = self._class_of[form]
        older = self._older(name, mine)
        younger = mine if older == name else name
        if mine != form:
            self.bridges.append(Bridge(older, younger, form))
        for member in self._members.pop(younger):
            self._class_of[member] = older
            self._members[older].append(member)
        if younger in self._numeric:
            self._numeric.add(older)
        self.changes += 1

    def _older(self, one: str, other: str) -> str:
        return next(each for each in self._written if each in (one, other))

    def _find_hosts(self) -> None:
        """Which class without a unit or a name joins which class with it."""
        holders: dict[str, list[str]] = {}
        guests: dict[str, list[str]] = {}
        for name in self._members:
            texts = self._bare_texts(name)
            for guest in self._members:
                if guest != name and any(self._holds(guest, text) for text in texts):
                    holders.setdefault(guest, []).append(name)
                    guests.setdefault(name, []).append(guest)
        hosts = {
            guest: found[0]
            for guest, found in holders.items()
            if len(found) == 1 and len(guests[found[0]]) == 1
        }
        shown = self._name_groups(hosts)
        if shown != self._shown:
            self._shown = shown
            self.changes += 1

    def _name_groups(self, hosts: Mapping[str, str]) -> dict[str, str]:
        """The names of the classes that stand for more than themselves: the oldest of those that
        are one."""
        oldest: dict[str, str] = {}
        roots: dict[str, str] = {}
        for name in self._written:
            if name in self._members:
                root = name
                while root in hosts:
                    root = hosts[root]
                roots[name] = root
                oldest.setdefault(root, name)
        return {name: oldest[root] for name, root in roots.items() if oldest[root] != name}

    def _bare_texts(self, name: str) -> list[str]:
        texts = (self._bare(self._written[member]) for member in self._members[name])
        return sorted({text for text in texts if text is not None})

    def _holds(self, guest: str, text: str) -> bool:
        """Whether a class is what an answer with a unit or a name says without it."""
        if self._form(text) in self._members[guest]:
            return True
        first = self._members[guest][0]
        if guest in self._numeric and exact(text) is not None:
            return False
        if not self._readable(first):
            return False
        readable = exact(text) is not None or self._ask(text, PROBE) is not None
        return readable and self._ask(first, text) is True


def classes_of(
    problem: Problem,
    equal: Compare | None = None,
    known: Verdicts | None = None,
    *,
    version: int = GRADER_VERSION,
) -> AnswerClasses:
    """The classes for answers to a problem. Generated problems are read by their own exact rules,
    all others compared by `equal`; a run of grader `version` 1 is classed by its stored comparisons
    as it was, without the rules that came later."""
    generated = SETS.find(problem.set)
    if generated is not None:
        return AnswerClasses(form=generated.form, bare=lambda answer: None)
    if version < BARE_SINCE:
        return AnswerClasses(equal, bare=lambda answer: None, patient=False, known=known)
    return AnswerClasses(equal, known=known)


__all__ = [
    "AnswerClasses",
    "Bridge",
    "Comparison",
    "Settled",
    "Verdicts",
    "classes_of",
]
