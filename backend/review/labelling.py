"""Labellers of steps by name: what judges the written steps of a stored run one by one, how one is
registered, and what it is given."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple, TypeVar

from backend.core.errors import ArboretumError
from backend.core.registry import Registry
from backend.core.splitting import Splitting
from backend.core.types import Node
from backend.problems.base import SETS, Problem
from backend.review.stored_run import Trace

LABELLERS: Registry[LabellerEntry] = Registry("labeller", "backend.review.labellers")
DEFAULT_LABELLER = "exact"

STEP_CHECKER, KNOWN_ANSWER = "step_checker", "known_answer"
"""What a labeller may need of the problem."""


class StepLabel(NamedTuple):
    """What a labeller says of one step: right, wrong, or (None) that it cannot tell. `kind` names
    the mistake in one word, for counts."""

    ok: bool | None
    reason: str = ""
    kind: str | None = None


@dataclass(frozen=True)
class StepPath:
    """The input of a labeller: the steps that are written on the path from the prompt of a stored
    run to a node, and the run itself, for a labeller that also looks at other
    nodes."""

    problem: Problem
    steps: tuple[str, ...]
    trace: Trace
    node: Node
    splitting: Splitting


JudgeSteps = Callable[[StepPath], Sequence[StepLabel]]


class Need(NamedTuple):
    """Something that a problem may lack: a function that says whether the problem has it, and the
    words for a problem that does not."""

    met: Callable[[Problem], bool]
    lacking: str


NEEDS: Mapping[str, Need] = MappingProxyType(
    {
        STEP_CHECKER: Need(
            lambda problem: problem.set in SETS, "this problem set has no exact checker of steps"
        ),
        KNOWN_ANSWER: Need(
            lambda problem: problem.answer is not None, "the right answer is not known"
        ),
    }
)


@dataclass(frozen=True)
class LabellerEntry:
    """What the catalogue knows of a labeller. `needs` names entries of `NEEDS`."""

    name: str
    title: str
    summary: str
    judge: JudgeSteps
    needs: tuple[str, ...] = ()

    def why_not(self, problem: Problem) -> str:
        """Return why the labeller says nothing of runs on this problem; empty where it can judge
        them."""
        lacking = (NEEDS[need].lacking for need in self.needs if not NEEDS[need].met(problem))
        return next(lacking, "")

    def label(self, path: StepPath) -> list[StepLabel] | None:
        """Return one label a step; None where the labeller cannot judge this problem. May block, so
        call it in a thread. Raises `ArboretumError` for a labeller that leaves out a step."""
        if self.why_not(path.problem):
            return None
        labels = list(self.judge(path))
        if len(labels) != len(path.steps):
            raise ArboretumError(
                f"the labeller {self.name} gave {len(labels)} labels for {len(path.steps)} steps"
            )
        return labels


Function = TypeVar("Function", bound=JudgeSteps)


def labeller(
    name: str, title: str, *, needs: tuple[str, ...] = ()
) -> Callable[[Function], Function]:
    """Register a function from a `StepPath` to one `StepLabel` a step as the labeller `name`. Its
    docstring is the summary that the catalogue shows. It may block: it is called in a thread.

    - `name`: what a command or a page names it by; lower case with underscores.
    - `title`: the name in sentences, such as "The exact checker" in "The exact checker finds ...".
    - `needs`: what the problem must have: `step_checker`, `known_answer`. Of other problems the
      labeller says nothing, and `LabellerEntry.why_not` says why.

    Raises `ValueError` where another labeller has the name."""

    def register(judge: Function) -> Function:
        LABELLERS.add(name, LabellerEntry(name, title, inspect.getdoc(judge) or "", judge, needs))
        return judge

    return register
