"""The exact checker of a problem set as labeller."""

from __future__ import annotations

from backend import problems
from backend.review.labelling import STEP_CHECKER, StepLabel, StepPath, labeller


@labeller("exact", "The exact checker", needs=(STEP_CHECKER,))
def exact(path: StepPath) -> list[StepLabel]:
    """The rules of the problem set: a step is right if the steps before it are sound, it is itself
    true, and a right answer can still be reached."""
    verdicts = problems.check(path.problem, path.steps)
    assert verdicts is not None, "it declares that it needs a checker of steps"
    return [StepLabel(verdict.ok, verdict.reason, verdict.kind) for verdict in verdicts]
