"""Labellers: one label a step or none at all; the exact one says what the checker says."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from backend import problems
from backend.core.errors import ArboretumError, BadInput
from backend.core.splitting import AT_BLANK_LINES
from backend.review.labelling import KNOWN_ANSWER, LABELLERS, LabellerEntry, StepLabel, StepPath
from backend.review.why.steps import JudgedStep, first_wrong, judge_steps
from tests.review.why.test_steps import chain

PROBLEM = problems.problem("ledger/2/5")
OWN = problems.Problem("own", "own", None, None, "What is 1 + 1?", None)


def path_of(problem: problems.Problem, *steps: str) -> StepPath:
    trace = chain(["\n\n".join(steps)])
    return StepPath(problem, steps, trace, trace.nodes[-1], AT_BLANK_LINES)


def test_the_exact_labeller_says_what_the_checker_of_the_set_says() -> None:
    known = problems.SETS["ledger"]
    for pupil in (None, *known.pupils):
        steps = known.solution(PROBLEM, random.Random(3), pupil)
        assert LABELLERS["exact"].label(path_of(PROBLEM, *steps)) == [
            (verdict.ok, verdict.reason, verdict.kind) for verdict in known.check(PROBLEM, steps)
        ]


def test_without_what_it_needs_a_labeller_says_nothing_and_why() -> None:
    assert LABELLERS["exact"].label(path_of(OWN, "1 + 1 = 2")) is None
    assert LABELLERS["exact"].why_not(OWN) == "this problem set has no exact checker of steps"
    knowing = LabellerEntry("k", "K", "", lambda path: [], needs=(KNOWN_ANSWER,))
    assert knowing.why_not(OWN) == "the right answer is not known"
    assert knowing.why_not(replace(OWN, answer="2")) == ""


def test_a_labeller_that_leaves_out_a_step_is_named() -> None:
    lazy = LabellerEntry("lazy", "The lazy one", "", lambda path: [StepLabel(True)])
    assert lazy.label(path_of(OWN, "a")) == [StepLabel(True)]
    with pytest.raises(ArboretumError, match="labeller lazy gave 1 labels for 2 steps"):
        lazy.label(path_of(OWN, "a", "b"))


def test_an_unknown_labeller_is_told_which_there_are() -> None:
    trace = chain(["x"])
    with pytest.raises(BadInput, match="labeller: got 'nobody', accepted: exact"):
        judge_steps(trace, trace.nodes[-1], OWN, labeller="nobody")


@pytest.mark.parametrize(
    ("verdicts", "first"),
    [
        ([True, None, False], 3),
        ([False, None], 1),
        ([False, True, None], None),
        ([None, None], None),
        ([True, False, True, False, False], 4),
    ],
)
def test_what_a_labeller_cannot_tell_is_neither_a_mistake_nor_a_repair(
    verdicts: list[bool | None], first: int | None
) -> None:
    steps = [JudgedStep(place, 0, "", ok, None, "") for place, ok in enumerate(verdicts, 1)]
    found = first_wrong(steps)
    assert (None if found is None else found.step) == first
