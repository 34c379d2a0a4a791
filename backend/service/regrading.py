"""The answers of stored runs, judged anew by today's grader. What a run's log says stays: a new
verdict is a score of a series of its own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from backend.core.events import AnswerChanged
from backend.messages.runs import OVER
from backend.problems.answers.grader import GRADER_VERSION
from backend.problems.library import Library
from backend.review.stored_run import StoredRun
from storage import SeriesScore, Store

SERIES = f"grader {GRADER_VERSION}"
"""The name of the series of new verdicts: 1 right, 0 wrong, none where it is undecided."""


class Regraded(NamedTuple):
    """An answer of a run with two verdicts (None: undecided): the stored one, by the grader of
    version `stored_by`, and the new one with its reason."""

    run: int
    node: int
    answer: str | None
    stored: bool | None
    stored_by: int
    now: bool | None
    reason: str

    @property
    def differs(self) -> bool:
        return self.stored is not self.now


def regrade(store: Store, library: Library, run_id: int) -> list[Regraded]:
    """Judge every answer that the log of a run names, each node once, by today's grader. May block
    for seconds. Raises `NotFound`."""
    run = StoredRun(store.run(run_id), store)
    changes = {
        event.body.node: event.body for event in run.events if isinstance(event.body, AnswerChanged)
    }
    return [_judge(run, library, change) for change in changes.values()]


def _judge(run: StoredRun, library: Library, change: AnswerChanged) -> Regraded:
    grade = library.grade(run.problem, change.answer)
    stored_by = change.grader or 1
    now, reason = grade.correct, grade.reason
    return Regraded(run.id, change.node, change.answer, change.correct, stored_by, now, reason)


def keep(store: Store, run_id: int, found: list[Regraded]) -> None:
    """Write new verdicts beside the log of the run; an earlier series of this grader gives way."""
    scores = [
        SeriesScore(each.node, None if each.now is None else float(each.now), (), each.reason)
        for each in sorted(found, key=lambda each: each.node)
    ]
    store.keep_series(run_id, SERIES, scores)


def runs_over(store: Store) -> Iterator[int]:
    """The ids of all runs that are over, oldest first."""
    last, size = store.runs(limit=1).total, 500
    ids = [
        row.id
        for offset in range(0, last, size)
        for row in store.runs(limit=size, offset=offset).rows
        if row.status in OVER
    ]
    yield from reversed(ids)


__all__ = ["SERIES", "Regraded", "keep", "regrade", "runs_over"]
