"""What other settings would have chosen on a stored search, without a model.

Another final rule looks at the stored candidates again. Other settings of the search itself (a
parameter such as a width or a threshold, another aggregation of step scores, the scores of another
verifier) run the strategy anew: every text and every score is taken from the store, under the same
keys and random numbers, and at the first one that is not there the search stops. Until then it is
exactly the search that would have been; the budget counts as it would have, but for seconds, which
nobody spends here. Texts that a race gives up are left out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from backend.core.events import StepEnded
from backend.core.ports import Aggregation, EngineInfo
from backend.core.records import MemorySink
from backend.core.spec import RunSpec
from backend.core.types import JSON, Finish, Score
from backend.judging.aggregation import aggregate
from backend.judging.scorers import VERIFIERS
from backend.problems.base import Grade, Problem
from backend.problems.classes import AnswerClasses, classes_of
from backend.problems.equivalence import Compare
from backend.problems.extraction import reader_of
from backend.review.reselect import Reselection, reselect
from backend.review.stored_run import ChosenAnswer, Trace
from backend.review.what_if.frozen import FrozenEngine, FrozenRewardModel, Unpaid
from backend.runs.control import Control
from backend.runs.driver import rule_of, run
from backend.runs.paid import Paid, PaidScore, verdicts_in

STEERED_BY = "prm"
"""The verifier under whose name the scores of a stored series steer a search: one whose scores come
from a model, so that the search stops where the series has none."""


class Rescorer(NamedTuple):
    """A stored series by its name: the score of each node by its id. A node that it lacks was never
    scored, whatever else could score it."""

    series: str
    scores: Mapping[int, Score]


@dataclass(frozen=True)
class Changes:
    """What is to be different; None or nothing: as it was. `params` replace single parameters of
    the strategy; `first` lets only so many candidates stand, in the order in which they came in
    (where texts race, short ones come first). `judge` steers the search in place of its verifier.
    """

    selector: str | None = None
    selector_params: Mapping[str, JSON] | None = None
    aggregation: Aggregation | None = None
    params: Mapping[str, JSON] = field(default_factory=dict)
    first: int | None = None
    judge: Rescorer | None = None

    def apply(self, spec: RunSpec) -> RunSpec:
        """The spec with the changes; another selector begins with its own defaults."""
        params = spec.selector_params if self.selector in (None, spec.selector) else {}
        changed = {
            "selector": self.selector or spec.selector,
            "selector_params": dict(
                params if self.selector_params is None else self.selector_params
            ),
            "aggregation": self.aggregation or spec.aggregation,
            "params": {**spec.params, **self.params},
            "verifier": spec.verifier if self.judge is None else STEERED_BY,
            "budget": {axis: limit for axis, limit in spec.budget.items() if axis != "seconds"},
        }
        return spec.model_copy(update=changed)

    def of_search(self, spec: RunSpec) -> bool:
        """Whether the search itself would have been another one, and not only its final choice."""
        other = any(
            self.params[name] != spec.params.get(name) for name in self.params
        ) or self.aggregation not in (None, spec.aggregation)
        return other or self.judge is not None


class Stored(NamedTuple):
    """A run as it is stored: its trace, what it paid for, and its models as the manifest describes
    them. `whole`: it came to its end."""

    trace: Trace
    paid: Paid
    engine: EngineInfo
    reward: EngineInfo
    whole: bool


class WhatIf(NamedTuple):
    """What would have been chosen, nodes by their ids in the stored run. It is exact for `rounds`
    steps of the search; `whole`: that is all of them, else `reason` says what was asked then, and
    `node` of which stored node."""

    found: Reselection
    rounds: int
    whole: bool
    reason: str
    node: int | None
    classes: AnswerClasses


class Replayed(NamedTuple):
    """The outcome of a search that was run again over stored answers, and what stopped it."""

    trace: Trace
    unpaid: Unpaid | None


async def what_if(
    spec: RunSpec,
    changes: Changes,
    problem: Problem,
    stored: Stored,
    grade: Callable[[Problem, str | None], Grade],
    compare: Compare | None,
) -> WhatIf:
    """Compute what a run would have chosen with some changes. It blocks: run it in a thread. Raises
    `BadInput` for names and parameters that do not exist, and whatever a run may raise."""
    asked = changes.apply(spec)
    rule = rule_of(asked)
    found_by = Replayed(stored.trace, None)
    if changes.of_search(spec):
        found_by = await replay(asked, problem, stored, grade, compare, changes.judge)
    known = {**stored.paid.verdicts, **verdicts_in(found_by.trace.events)}
    classes = classes_of(problem, compare, known, version=asked.read_with.grader)
    found = reselect(
        found_by.trace, rule, classes, lambda answer: grade(problem, answer), first=changes.first
    )
    rounds = sum(isinstance(event.body, StepEnded) for event in found_by.trace.events)
    whole = stored.whole if found_by.trace is stored.trace else found_by.unpaid is None
    reason, node = (
        ("", None) if found_by.unpaid is None else (found_by.unpaid.reason, found_by.unpaid.node)
    )
    return WhatIf(
        _in_stored_ids(found, found_by.trace, stored.trace), rounds, whole, reason, node, classes
    )


async def replay(
    asked: RunSpec,
    problem: Problem,
    stored: Stored,
    grade: Callable[[Problem, str | None], Grade],
    compare: Compare | None,
    judge: Rescorer | None = None,
) -> Replayed:
    """Run the search again over the stored answers, up to the first request that is not stored."""
    paid = again(stored.paid, asked)
    paid = paid if judge is None else rejudge(judge, paid, stored.trace, asked)
    sink, engine = MemorySink(), FrozenEngine(stored.engine, stored.trace, problem.question)
    unpaid: Unpaid | None = None
    try:
        await run(
            asked,
            problem=problem,
            engine=engine,
            reward=FrozenRewardModel(stored.reward)
            if VERIFIERS[asked.verifier].needs_reward_model
            else None,
            sink=sink,
            control=Control(),
            grade=grade,
            paid=paid,
            compare=compare,
        )
    except Unpaid as reached:
        unpaid = reached
    return Replayed(
        Trace(sink.nodes, sink.events, asked.verifier, reader_of(asked.read_with.reader)), unpaid
    )


def again(paid: Paid, asked: RunSpec) -> Paid:
    """Return the stored answers for a search from the start, without the texts that a race aborted:
    another race might have waited for those."""
    kept = {
        key: answer
        for key, answer in paid.completions.items()
        if answer.finish is not Finish.ABORTED or answer.failure is not None
    }
    scores = {
        key: _reaggregate(score, asked.aggregation) if by_steps(key[0]) else score
        for key, score in paid.scores.items()
    }
    return replace(paid, completions=kept, scores=scores, next_seq=0, elapsed_ms=0.0, anew=True)


def by_steps(verifier: str) -> bool:
    """Whether the verifier's scores of paths are aggregated from scores of steps; False for an
    unknown name."""
    entry = VERIFIERS.find(verifier)
    return entry is not None and entry.by_steps


def rejudge(judge: Rescorer, paid: Paid, trace: Trace, asked: RunSpec) -> Paid:
    """Return the stored answers with the scores of another verifier, stored under the name of the
    verifier that the search asks."""
    of_steps = by_steps(judge.series.split(" ")[0])
    found = {
        (asked.verifier, trace.nodes[node].key): PaidScore(score)
        for node, score in judge.scores.items()
    }
    return replace(
        paid,
        scores={
            key: _reaggregate(score, asked.aggregation) if of_steps else score
            for key, score in found.items()
        },
    )


def _reaggregate(paid: PaidScore, how: Aggregation) -> PaidScore:
    score = paid.score
    if score.value is None or not score.steps:
        return paid
    return replace(
        paid, score=Score(aggregate(score.steps, how), score.steps, score.reason, score.evidence)
    )


def _in_stored_ids(found: Reselection, own: Trace, stored: Trace) -> Reselection:
    """Return the choice with the ids that the same nodes, by their keys, have in the stored run."""
    if own is stored:
        return found
    ids = {node.key: place for place, node in enumerate(stored.nodes)}
    named = [ids[own.nodes[leader].key] for leader in found.leaders]
    chosen = found.chosen
    return replace(
        found,
        chosen=None if chosen is None else ChosenAnswer(named[0], chosen.answer, chosen.correct),
        leaders=tuple(named),
    )
