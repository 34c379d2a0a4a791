"""The steps of a solution as a labeller judges them, and which of them is the first wrong one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from backend.core.splitting import AT_BLANK_LINES, Splitting
from backend.core.types import Node
from backend.problems.base import Problem
from backend.review.labelling import DEFAULT_LABELLER, LABELLERS, StepPath
from backend.review.stored_run import Trace


class StepOfPath(NamedTuple):
    """A written step, the node in which it begins, and the search's score of the path up to it (or
    of the step, where there is one a step)."""

    node: Node
    text: str
    score: float | None


class JudgedStep(NamedTuple):
    """A written step: its number from 1, the node in which it begins, its text, and the labeller's
    verdict (`ok` None: it cannot tell). `kind` names the mistake."""

    step: int
    node: int
    text: str
    ok: bool | None
    kind: str | None
    reason: str


def judge_steps(
    trace: Trace,
    node: Node,
    problem: Problem,
    splitting: Splitting = AT_BLANK_LINES,
    labeller: str = DEFAULT_LABELLER,
) -> list[JudgedStep] | None:
    """All steps on the path to a node; None where the labeller can say nothing of this problem.
    Raises `BadInput` that names the labellers there are."""
    steps = steps_of_path(trace, node, splitting)
    texts = tuple(step.text for step in steps)
    labels = LABELLERS[labeller].label(StepPath(problem, texts, trace, node, splitting))
    if labels is None:
        return None
    judged = zip(steps, labels, strict=True)
    return [
        JudgedStep(place, trace.ids[step.node], step.text, one.ok, one.kind, one.reason)
        for place, (step, one) in enumerate(judged, 1)
    ]


def steps_of_path(
    trace: Trace, node: Node, splitting: Splitting = AT_BLANK_LINES
) -> list[StepOfPath]:
    """The steps on the path to a node."""
    owners = [
        owner
        for part in node.path()[1:]
        for owner in [part] * (len(splitting.split(part.texts())) - before(part, splitting))
    ]
    own = step_scores(trace, node)
    scores = (
        own
        if len(own) == len(owners)
        else [
            trace.score(owner) if last else None
            for owner, last in zip(owners, lasts(owners), strict=True)
        ]
    )
    return [
        StepOfPath(*each)
        for each in zip(owners, splitting.split(node.texts()), scores, strict=True)
    ]


def step_scores(trace: Trace, node: Node) -> Sequence[float | None]:
    """One number a step where the verifier of the run gave that."""
    given = trace.scores.get(trace.ids[node])
    return () if given is None else given.steps


def lasts(owners: Sequence[Node]) -> list[bool]:
    """Whether a step is the last that begins in its node: the score of a node is that of its
    end.
    """
    return [
        place + 1 == len(owners) or owners[place + 1] is not owner
        for place, owner in enumerate(owners)
    ]


def before(node: Node, splitting: Splitting) -> int:
    """How many steps are written above a node."""
    return 0 if node.parent is None else len(splitting.split(node.parent.texts()))


def first_wrong(steps: Sequence[JudgedStep]) -> JudgedStep | None:
    """The first wrong step that no later one repaired; None where the solution is right as far as
    it goes."""
    last_right = max((one.step for one in steps if one.ok), default=0)
    return next((one for one in steps[last_right:] if one.ok is False), None)
