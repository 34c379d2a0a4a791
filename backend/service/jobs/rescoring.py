"""Scoring a stored search with another verifier: a new series of scores beside the run's own, and
the run stays as it is.

One series at a time, in batches; it is stored when it is whole. What is under way, or went wrong,
is known as long as the process lives.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from backend.core.errors import Conflict
from backend.core.ports import Aggregation, RewardModel, Verifier
from backend.core.types import Kind, Node, Score
from backend.judging.scorers import VERIFIERS, VerifierEntry, VerifierInputs
from backend.review.stored_run import StoredRun
from backend.review.why.evidence import solutions
from backend.service.jobs.failure import failure
from backend.service.jobs.ports import ModelHost
from storage import RunRow, SeriesScore, Store

log = logging.getLogger("arboretum.rescoring")

BATCH = 64


@dataclass(frozen=True)
class ScoringJob:
    """Which verifier is to score: `engine` and `model` say where a reward model is; `aggregation`
    makes scores of paths from those of steps."""

    verifier: str
    engine: str = "torch"
    model: str | None = None
    aggregation: Aggregation = "last"

    @property
    def entry(self) -> VerifierEntry:
        """Raises `BadInput` that names the verifiers there are."""
        return VERIFIERS[self.verifier]

    @property
    def series(self) -> str:
        """The name of the scores: that of the verifier, and of the reward model if it asks one."""
        model = f" {self.model or 'default'}" if self.entry.needs_reward_model else ""
        return self.verifier + model


class ScoringProgress(NamedTuple):
    """A series on its way: how many of how many nodes are scored, and why it failed, if it did."""

    series: str
    done: int
    total: int
    failed: str = ""


class Rescoring:
    """Belongs to one event loop; `close` ends it."""

    def __init__(self, store: Store, models: ModelHost) -> None:
        self._store, self._models = store, models
        self._turn = asyncio.Lock()
        self._tasks: dict[tuple[int, str], asyncio.Task[None]] = {}
        self._progress: dict[tuple[int, str], ScoringProgress] = {}

    def under_way(self, run_id: int) -> list[ScoringProgress]:
        """The series of a run that are being made, or have failed."""
        return [progress for (run, _), progress in self._progress.items() if run == run_id]

    def start(self, row: RunRow, asked: ScoringJob) -> ScoringProgress:
        """Begin a series; an older one of that name stays until the new one is whole. Raises
        `Conflict` where it is being made already, `BadInput` for an unknown verifier, and
        `MissingCapability` for one that needs a known answer where there is none."""
        place = (row.id, asked.series)
        if place in self._tasks:
            raise Conflict(f"run {row.id} is being scored by {asked.series} already")
        asked.entry.require(known=StoredRun(row, self._store).problem.answer is not None)
        self._progress[place] = ScoringProgress(asked.series, 0, row.nodes)
        task = self._tasks[place] = asyncio.create_task(
            self._make(row, asked, place), name=f"scores of run {row.id}"
        )
        task.add_done_callback(lambda _: self._tasks.pop(place))
        return self._progress[place]

    async def wait(self, run_id: int) -> None:
        """Returns when nothing is being made for a run."""
        tasks = [task for (run, _), task in self._tasks.items() if run == run_id]
        if tasks:
            await asyncio.wait(tasks)

    async def close(self) -> None:
        """Stop what is under way; nothing of it is stored."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _make(self, row: RunRow, asked: ScoringJob, place: tuple[int, str]) -> None:
        try:
            async with self._turn:
                scores = await self._score(row, asked, place)
                await asyncio.to_thread(self._store.keep_series, row.id, asked.series, scores)
            del self._progress[place]
        except Exception as error:  # the job boundary: whatever ends it is recorded
            cause = failure(error)
            unexpected = error if cause.kind == "internal error" else None
            log.error(
                "scores of run %d by %s failed: %s",
                row.id,
                asked.series,
                cause.reason,
                exc_info=unexpected,
            )
            self._progress[place] = self._progress[place]._replace(failed=cause.reason)

    async def _score(
        self, row: RunRow, asked: ScoringJob, place: tuple[int, str]
    ) -> list[SeriesScore]:
        run = StoredRun(row, self._store)
        trace = await asyncio.to_thread(lambda: run.trace)
        reward = (
            await self._models.reward(asked.engine, asked.model)
            if asked.entry.needs_reward_model
            else None
        )
        score = scorer(run, asked, reward)
        nodes = [
            node for node in solutions(trace) if node.kind is not Kind.PROMPT and node.text.strip()
        ]
        found: list[SeriesScore] = []
        for start in range(0, len(nodes), BATCH):
            batch = nodes[start : start + BATCH]
            scored = zip(batch, await score(batch), strict=True)
            found += [
                SeriesScore(trace.ids[node], one.value, one.steps, one.reason)
                for node, one in scored
            ]
            self._progress[place] = ScoringProgress(asked.series, len(found), len(nodes))
        return found


def scorer(
    run: StoredRun, asked: ScoringJob, reward: RewardModel | None
) -> Callable[[Sequence[Node]], Awaitable[list[Score]]]:
    """What scores the nodes of a stored run. A verifier that asks no model computes, and does that
    in a thread."""
    inputs = VerifierInputs(
        problem=run.problem,
        reward=reward,
        aggregation=asked.aggregation,
        system=run.system,
        splitting=run.splitting,
    )
    verifier = asked.entry.build(inputs)
    if reward is not None:
        return verifier.score
    return lambda nodes: asyncio.to_thread(lambda: asyncio.run(scores_of(verifier, nodes)))


async def scores_of(verifier: Verifier, nodes: Sequence[Node]) -> list[Score]:
    return await verifier.score(nodes)


__all__ = ["Rescoring", "ScoringJob", "ScoringProgress"]
