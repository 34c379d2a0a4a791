"""The results of a finished task: by arm and budget, and the samples of a pool. Pure functions of
the trace."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from backend import problems
from backend.core.events import AnswerChanged, ScoreGiven, ledger_of
from backend.core.records import EventRecord, MemorySink, NodeRecord
from backend.core.splitting import Splitting
from backend.experiments.plan import Task
from backend.experiments.shards import LEDGER, Sample, TaskResult
from backend.problems import Problem
from backend.problems.classes import classes_of
from backend.problems.equivalence import Compare
from backend.runs.driver import GradeFunction, Outcome

ALL_ARMS = ""
"""The arm of a result that serves none by itself: a unit, or a pool that several arms read."""


def begin_results(task: Task, attempt: int) -> list[TaskResult]:
    """Return a result for each arm and budget that a search serves, one for a unit or a pool, with
    what is known before the task has begun."""
    places = (
        [(arm, budget) for arm in task.arms for budget in task.budgets]
        if task.kind == "search"
        else [(ALL_ARMS, 0.0)]
    )
    return [
        TaskResult(
            task.key,
            task.kind,
            arm,
            task.problem,
            task.cell,
            task.repeat,
            budget,
            task.spec.seed,
            attempt,
            unit=task.unit,
            spec=task.spec.model_dump_json(exclude_defaults=True),
        )
        for arm, budget in places
    ]


def results_of(
    task: Task,
    attempt: int,
    problem: Problem,
    outcome: Outcome,
    sink: MemorySink,
    splitting: Splitting,
) -> list[TaskResult]:
    """The results of a task that came to its end."""
    nodes = {node.id: node for node in sink.nodes}
    results = []
    for result in begin_results(task, attempt):
        limit = (
            None if task.kind != "search" or len(task.budgets) == 1 else share(task, result.budget)
        )
        spent = None if outcome.limit is None else outcome.limit.axis
        stand = AnswerAt(outcome.answer, outcome.correct, outcome.chosen, spent, outcome.ledger)
        if limit is not None:
            stand = standing_at(sink.events, limit) if result.budget != task.budgets[-1] else stand
        path = judge_path(
            problem, None if stand.node is None else nodes[stand.node], nodes, splitting
        )
        results.append(settle(result, stand, path))
    return results


class AnswerAt(NamedTuple):
    """The answer of a search at a moment, the node that gives it, the spent axis, and what had been
    spent."""

    answer: str | None
    correct: bool | None
    node: int | None
    limit: str | None
    ledger: Mapping[str, float]


class JudgedPath(NamedTuple):
    """A written path by the exact checker: how many steps, the index of the first wrong one that
    nothing repaired, whether there is a checker."""

    checked: bool
    steps: int
    first_wrong: int | None


def share(task: Task, budget: float) -> tuple[str, float]:
    """The axis and the limit of a smaller budget in a run that had the largest one."""
    [(axis, largest)] = task.spec.budget.items()
    return axis, largest * budget / task.budgets[-1]


def standing_at(events: Sequence[EventRecord], limit: tuple[str, float]) -> AnswerAt:
    """What a search had answered when it had spent at most the limit: its last recorded answer
    until then, and the last ledger."""
    axis, most = limit
    found = AnswerAt(None, None, None, axis, dict.fromkeys(LEDGER, 0.0))
    for event in events:
        ledger = ledger_of(event.body)
        if ledger is None:
            continue
        if ledger[axis] > most:
            return found
        found = found._replace(ledger=ledger)
        if isinstance(last := event.body, AnswerChanged):
            found = found._replace(answer=last.answer, correct=last.correct, node=last.node)
    return found


def settle(result: TaskResult, stand: AnswerAt, path: JudgedPath | None) -> TaskResult:
    """A result with how it ended."""
    checked, steps, wrong = (False, None, None) if path is None else path
    return TaskResult(
        **{
            **{name: getattr(result, name) for name in TaskResult.__slots__},
            "answer": stand.answer,
            "correct": stand.correct,
            "limit": stand.limit,
            "ledger": dict(stand.ledger),
            "checked": checked,
            "steps": steps,
            "first_wrong": wrong,
        }
    )


def judge_path(
    problem: Problem, node: NodeRecord | None, nodes: Mapping[int, NodeRecord], splitting: Splitting
) -> JudgedPath | None:
    """The path to a node; None where there is none."""
    if node is None:
        return None
    texts = []
    while node is not None and node.parent_id is not None:
        texts.append(node.text)
        node = nodes[node.parent_id]
    steps = splitting.split(reversed(texts))
    verdicts = problems.check(problem, steps)
    if verdicts is None:
        return JudgedPath(False, len(steps), None)
    last_right = max((place for place, one in enumerate(verdicts, 1) if one.ok), default=0)
    return JudgedPath(True, len(steps), last_right if last_right < len(verdicts) else None)


def samples(
    task: Task,
    problem: Problem,
    sink: MemorySink,
    splitting: Splitting,
    grade: GradeFunction,
    compare: Compare | None = None,
) -> list[Sample]:
    """The solutions of a pool, in an order that every rerun shares; one that was cut off gives no
    answer. `compare` tells which answers are the same, as for a vote; it may block."""
    nodes = {node.id: node for node in sink.nodes}
    given = (event.body for event in sink.events)
    scores = {one.node: one.value for one in given if isinstance(one, ScoreGiven)}
    solutions = sorted(
        (node for node in sink.nodes if node.parent_id is not None), key=lambda node: node.key
    )
    answers = [problems.extract_answer(node.text) if node.done else None for node in solutions]
    classes, numbers, found = classes_of(problem, compare), dict[str, int](), list[Sample]()
    classes.settle(answers)
    for place, (node, answer) in enumerate(zip(solutions, answers, strict=True)):
        name = classes.of(answer)
        path = judge_path(problem, node, nodes, splitting)
        assert path is not None
        found.append(
            Sample(
                task.key,
                task.problem,
                task.repeat,
                place,
                answer,
                None if name is None else numbers.setdefault(name, len(numbers)),
                grade(problem, answer).correct is True,
                scores.get(node.id),
                len(node.token_ids),
                sum(node.logprobs) / len(node.logprobs) if node.logprobs else None,
                path.steps,
                path.first_wrong,
            )
        )
    return found


__all__ = [
    "ALL_ARMS",
    "AnswerAt",
    "JudgedPath",
    "begin_results",
    "judge_path",
    "results_of",
    "samples",
    "settle",
    "share",
    "standing_at",
]
