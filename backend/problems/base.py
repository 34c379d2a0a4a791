"""What a problem, a verdict on a step and a grade of an answer are, and what every problem set can
do.

A problem set is an endless generator: (level, seed) names one problem for ever. Beside the question
it knows three things that a benchmark from a file does not: how to write a right solution, how to
err as a pupil with one consistent misconception errs, and how to judge every written step. A step
is *right* if the steps before it are sound, it is itself true, and a right answer can still be
reached.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias

from backend.core.errors import ProblemError
from backend.core.registry import Registry

JSON: TypeAlias = Any


@dataclass(frozen=True)
class Problem:
    """One question. `id` is `set/level/seed` or `file:name/line`; `meta` is what the set's own
    grader and checker need.
    """

    id: str
    set: str
    level: int | None
    seed: int | None
    question: str
    answer: str | None
    meta: Mapping[str, JSON] = field(default_factory=dict)


@dataclass(frozen=True)
class Verdict:
    """Judgement of one written step. `kind` names the mistake; steps after an unrepaired mistake
    have kind `after_mistake`.
    """

    ok: bool
    kind: str | None
    reason: str


@dataclass(frozen=True)
class Grade:
    """Judgement of an answer; `correct` None means undecided. `reason` says why it counts as equal
    or not."""

    correct: bool | None
    reason: str


class ProblemSet(Protocol):
    """A generator of problems with grader, step checker and authors: the entry of a plug-in, which
    a folder of this package declares as `SET`.

    - `name`: the first part of a problem's id, `name/level/seed`; `title`: its name on the pages.
    - `levels`: the difficulties that may be asked for.
    - `kinds`: the names of the mistakes that `check` can find.
    - `pupils`: the names of the authors that make mistakes, for `solution`.
    """

    name: str
    title: str
    levels: Sequence[int]
    kinds: Sequence[str]
    pupils: Sequence[str]

    def problem(self, level: int, seed: int) -> Problem:
        """The problem of that level and seed, the same for ever. Raises ProblemError for a level
        that does not exist.
        """
        ...

    def grade(self, problem: Problem, answer: str | None) -> Grade:
        """Whether the answer (the content of the box) is right."""
        ...

    def form(self, answer: str) -> str:
        """The text by which answers are compared: two answers are the same if it is."""
        ...

    def check(self, problem: Problem, steps: Sequence[str]) -> list[Verdict]:
        """One verdict per step, in time linear in the steps; whatever is written, nothing is
        raised."""
        ...

    def solution(self, problem: Problem, rng: random.Random, pupil: str | None = None) -> list[str]:
        """A written solution: right and in a random valid way, or as the named pupil would write
        it.

        A misconception that does not apply to the problem leaves the solution right. Raises
        ProblemError for an unknown pupil.
        """
        ...

    def self_correction(self, problem: Problem, rng: random.Random) -> list[str]:
        """A written solution with one slip that the next step notices and repairs."""
        ...


SETS: Registry[ProblemSet] = Registry("problem set", "backend.problems")


def answer_step(answer: str) -> str:
    """The last step of every solution."""
    return f"The answer is \\boxed{{{answer}}}."


def check_pupil(name: str, pupils: Sequence[str]) -> str:
    """The name itself. Raises ProblemError if no pupil of the set is called so."""
    if name not in pupils:
        raise ProblemError(f"no pupil is called {name!r}; accepted: {', '.join(pupils)}")
    return name


REPAIR = "No, that is wrong: "
"""How a repair begins; the rest of the step replaces the step before it."""
