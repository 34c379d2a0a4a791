"""What another final rule would have chosen from the candidates of a stored run. Nothing is
generated and nothing is scored.

The candidates are those the run itself chose among: what its last list of candidates held, and
where a budget ended it, the finished texts that no step had reported. So the run's own rule gives
the run's own answer. With `aggregation` the values are computed anew from the stored scores of
steps (last, min, prod, mean); a strategy that ranks its candidates by something else is then ranked
by scores.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from backend.core.ports import Aggregation, Decision, Selector
from backend.core.steps import Step
from backend.core.types import JSON
from backend.judging.selectors.credit import expected_credit
from backend.problems.base import Grade
from backend.problems.classes import AnswerClasses
from backend.review.stored_run import ChosenAnswer, Trace
from backend.runs.answer import Candidates, Ranked


@dataclass(frozen=True)
class Reselection:
    """What a rule chose. `leaders` are the ids of all that tie with the choice, itself first;
    `credit` is the expected correctness where the tie is broken at random; `confidence` and `facts`
    are the rule's own (`ports.Decision`); `candidates` is how many there were."""

    chosen: ChosenAnswer | None
    leaders: tuple[int, ...]
    credit: float | None
    confidence: float | None
    facts: Mapping[str, JSON]
    candidates: int


NOTHING = Reselection(None, (), None, None, {}, 0)


def reselect(
    trace: Trace,
    rule: Selector,
    classes: AnswerClasses,
    grade: Callable[[str | None], Grade],
    aggregation: Aggregation | None = None,
    first: int | None = None,
) -> Reselection:
    """Let `rule` choose among the candidates of a stored run, or among the `first` of them that
    came in. Blocks where answers have to be compared by algebra."""
    found = candidates(trace, rule, classes, aggregation)
    if first is not None:
        pool, found = found.pool[:first], Candidates(rule, trace.read, classes)
        found.update(Step([one.node for one in pool], [one.value for one in pool]))
    decision = found.decision()
    return NOTHING if decision is None else _describe(trace, found, decision, grade)


def candidates(
    trace: Trace, rule: Selector, classes: AnswerClasses, aggregation: Aggregation | None = None
) -> Candidates:
    """The candidates of a stored run as `rule` counts them. Blocks where answers have to be
    compared by algebra."""

    def step(ranked: Sequence[Ranked]) -> Step:
        values = [
            one.value if aggregation is None else trace.score(one.node, aggregation)
            for one in ranked
        ]
        return Step([one.node for one in ranked], values)

    found = Candidates(rule, trace.read, classes)
    for ranked in trace.lists():
        classes.settle(found.votes(step(ranked)))
        found.update(step(ranked))
    extra = step(trace.list_unreported())
    late = list(zip(extra.nodes, extra.values, strict=True))
    classes.settle(found.late_votes(late))
    found.finish(late)
    return found


def _describe(
    trace: Trace, found: Candidates, decision: Decision, grade: Callable[[str | None], Grade]
) -> Reselection:
    grades = {answer: grade(answer) for answer in {found.answer(node) for node in decision.leaders}}
    winner = decision.leaders[0]
    answer = found.answer(winner)
    return Reselection(
        chosen=ChosenAnswer(trace.ids[winner], answer, grades[answer].correct),
        leaders=tuple(trace.ids[node] for node in decision.leaders),
        credit=expected_credit(decision.leaders, lambda node: grades[found.answer(node)].correct),
        confidence=decision.confidence,
        facts=decision.facts,
        candidates=len(found.pool),
    )


__all__ = ["Ranked", "Reselection", "candidates", "reselect"]
