"""Carries out an experiment: many tasks at once on the models that they name, results into shards
as they come.

One process with its own models, or one of many: a task is known by its key, whoever finished it. A
task that fails is a result with its cause and is tried again only on request; a task that was under
way when the process died is simply not there.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from backend import problems
from backend.core.errors import ArboretumError
from backend.core.ports import Engine, RewardModel
from backend.core.records import MemorySink
from backend.core.spec import RunSpec, splitting_of
from backend.core.types import JSON
from backend.engines.models import Models
from backend.experiments import outcomes
from backend.experiments.plan import Task, check, size, tasks, unit_tasks
from backend.experiments.shards import Folder, Sample, TaskResult
from backend.experiments.spec import SOLUTIONS, Experiment
from backend.judging.scorers import VERIFIERS
from backend.problems.base import Problem
from backend.problems.equivalence import Compare
from backend.runs.control import Control
from backend.runs.driver import GradeFunction, manifest, run
from backend.runs.versions import with_versions

AT_ONCE = 64
FLUSH_S = 5.0
FLUSH_ROWS = 65_536
"""Rows that are written before their time: fewer and larger shards are read faster, by half a
millisecond each."""


class Progress(NamedTuple):
    """How far it is, in tasks: of `total` in the whole experiment, measuring included, `done` came
    to their end and `failed` broke off. `tokens`, `seconds` (without pauses) and `here`, tasks that
    ended, are those of this process and phase."""

    phase: str
    done: int
    total: int
    failed: int
    tokens: float
    seconds: float
    here: int = 0

    @property
    def left(self) -> int:
        """Tasks that have not ended."""
        return self.total - self.done - self.failed

    @property
    def rate(self) -> float | None:
        """Generated tokens a second; None where none were measured."""
        return self.tokens / self.seconds if self.tokens and self.seconds else None

    @property
    def left_s(self) -> float | None:
        """Seconds left, if the other tasks take as long as those that ended here; None before any
        did."""
        return self.left * self.seconds / self.here if self.here and self.seconds else None


class Stopwatch:
    """Seconds since it was made, without pauses."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now, self._before, self._since = now, 0.0, now()
        self._held = False

    @property
    def seconds(self) -> float:
        return self._before + (0.0 if self._held else self._now() - self._since)

    def pause(self) -> None:
        self._before, self._held = self.seconds, True

    def resume(self) -> None:
        if self._held:
            self._since, self._held = self._now(), False


Tell = Callable[[Progress], None]


@dataclass
class Sweep:
    """Carries out what the folder does not hold. `at_once` tasks are in flight; `retry` takes up
    those that failed, `only` leaves out tasks with other keys. `stop()` lets those under way finish
    nothing: they are cancelled, and the next call carries them out anew."""

    experiment: Experiment
    folder: Folder
    models: Models
    find: Callable[[str], Problem] = problems.problem
    grade: GradeFunction = problems.grade
    compare: Compare | None = None
    at_once: int = AT_ONCE
    retry: bool = False
    only: frozenset[str] | None = None
    tell: Tell = lambda _progress: None
    control: Control = field(default_factory=Control)
    _results: list[TaskResult] = field(default_factory=list)
    _samples: list[Sample] = field(default_factory=list)
    _flushed: float = field(default_factory=time.monotonic)
    _attempts: Mapping[str, int] = field(default_factory=dict)
    _made_with: set[str] = field(default_factory=set)
    _watch: Stopwatch = field(default_factory=Stopwatch)

    async def carry_out(self) -> Progress:
        """Measure the units, then the rest. Whatever ends it, what is finished is written. Raises
        what `check` raises, and `EngineFailure`."""
        check(self.experiment, self.find)
        self._attempts = attempts(self.folder) if self.retry else {}
        try:
            total = size(self.experiment) if self.only is None else len(self.only)
            start = Progress("measuring", 0, total, 0, 0.0, 0.0)
            measured = await self._all(start, list(unit_tasks(self.experiment)))
            self._flush()
            start = start._replace(phase="running", done=measured.done, failed=measured.failed)
            planned = tasks(self.experiment, units(self.folder, self.experiment))
            return await self._all(start, list(planned))
        finally:
            self._flush()

    def pause(self) -> None:
        """Let it wait at its next model calls."""
        self.control.pause()
        self._watch.pause()

    def resume(self) -> None:
        self.control.resume()
        self._watch.resume()

    async def _all(self, progress: Progress, planned: Sequence[Task]) -> Progress:
        """Carry out a phase that begins with `progress`; returns how far it is then."""
        ended, well = (
            self.folder.read_done_keys(failed=not self.retry),
            self.folder.read_done_keys(failed=False),
        )
        wanted: dict[str, list[Task]] = {}
        for task in planned:
            wanted.setdefault(task.key, []).append(task)
        if self.only is not None:
            wanted = {key: same for key, same in wanted.items() if key in self.only}
        waiting = iter([same for key, same in wanted.items() if key not in ended])
        before, failed_before = (
            sum(key in some for key in wanted) for some in (well, ended - well)
        )
        progress = progress._replace(
            done=progress.done + before, failed=progress.failed + failed_before
        )
        self._watch = Stopwatch()
        self.tell(progress)

        async def work() -> None:
            nonlocal progress
            for same in waiting:
                await self.control.gate()
                results, samples = await self._finish(same)
                self._take(results, samples)
                spent = max(
                    (result.ledger.get("generated_tokens", 0.0) for result in results), default=0.0
                )
                broke = any(result.failure is not None for result in results)
                progress = progress._replace(
                    done=progress.done + (not broke),
                    failed=progress.failed + broke,
                    tokens=progress.tokens + spent,
                    seconds=self._watch.seconds,
                    here=progress.here + 1,
                )
                self.tell(progress)

        async with asyncio.TaskGroup() as group:
            for _ in range(self.at_once):
                group.create_task(work())
        return progress

    async def _finish(self, same: Sequence[Task]) -> tuple[list[TaskResult], list[Sample]]:
        """Carry out one run, which several tasks may be. What a model, a verifier or the problem
        refuses is a result; only what nobody foresaw ends the sweep."""
        task = same[0]
        attempt = self._attempts.get(task.key, -1) + 1
        try:
            problem = self.find(task.problem)
            engine, reward = await models_of(self.models, task.spec)
            self._tell_models(task.spec, engine, reward)
            sink, spec = MemorySink(), with_versions(task.spec)
            outcome = await run(
                spec,
                problem=problem,
                engine=engine,
                reward=reward,
                sink=sink,
                control=self.control,
                grade=self.grade,
                compare=self.compare,
            )
        except ArboretumError as error:
            return [
                replace(each, failure=str(error))
                for one in same
                for each in outcomes.begin_results(one, attempt)
            ], []
        splitting = splitting_of(
            spec.read_with.splitter, spec.splitting, engine.info.delimiter, sink.nodes[0].text
        )
        inputs = (attempt, problem, outcome, sink, splitting)
        results = [
            each
            for one in same
            for each in await asyncio.to_thread(outcomes.results_of, one, *inputs)
        ]
        if task.kind != "pool":
            return results, []
        return results, await asyncio.to_thread(
            outcomes.samples,
            task,
            problem,
            sink,
            splitting,
            self.grade,
            self.compare,
        )

    def _tell_models(self, spec: RunSpec, engine: Engine, reward: RewardModel | None) -> None:
        """Say what the results are made with, once for each choice of models and settings."""
        choice = spec.model_dump_json(include={"engine", "model", "verifier", "verifier_model"})
        if choice not in self._made_with:
            self._made_with.add(choice)
            self.folder.record_made_with(manifest_of(spec, engine, reward))

    def _take(self, results: Iterable[TaskResult], samples: Iterable[Sample]) -> None:
        self._results.extend(results)
        self._samples.extend(samples)
        if (
            len(self._results) + len(self._samples) >= FLUSH_ROWS
            or time.monotonic() - self._flushed > FLUSH_S
        ):
            self._flush()

    def _flush(self) -> None:
        self.folder.add(self._results, self._samples)
        self._results, self._samples, self._flushed = [], [], time.monotonic()


async def models_of(models: Models, spec: RunSpec) -> tuple[Engine, RewardModel | None]:
    """The models that a run names."""
    engine = await models.policy(spec.engine, spec.model)
    if not VERIFIERS[spec.verifier].needs_reward_model:
        return engine, None
    return engine, await models.reward(spec.engine, spec.verifier_model)


def attempts(folder: Folder) -> dict[str, int]:
    """The latest attempt at each task that there is a result of."""
    table = folder.results()
    return dict(
        zip(table.column("key").to_pylist(), table.column("attempt").to_pylist(), strict=True)
    )


def manifest_of(spec: RunSpec, engine: Engine, reward: RewardModel | None) -> dict[str, JSON]:
    """Models with hashes, versions and settings: the manifest of a run without what differs from
    run to run."""
    whole = manifest(spec, engine.info, None if reward is None else reward.info)
    return {name: value for name, value in whole.items() if name != "spec"}


def units(folder: Folder, experiment: Experiment) -> dict[str, float]:
    """Mean generated tokens of one solution by cell, from the finished chains. Empty where budgets
    are not in solutions."""
    if experiment.budgets.axis != SOLUTIONS:
        return {}
    chains = list(unit_tasks(experiment))
    keys, spent = {task.key for task in chains}, dict[str, list[float]]()
    for row in folder.results().select(["key", "cell", "failure", "generated_tokens"]).to_pylist():
        if row["key"] in keys and row["failure"] is None:
            spent.setdefault(row["cell"], []).append(row["generated_tokens"])
    missing = {task.cell for task in chains} - spent.keys()
    if missing:
        raise ArboretumError(
            f"no chain of {', '.join(sorted(missing))} came to its end, so that a budget "
            "in solutions says nothing there"
        )
    return {cell: sum(tokens) / len(tokens) for cell, tokens in spent.items()}


__all__ = ["AT_ONCE", "Progress", "Sweep", "attempts", "manifest_of", "models_of", "units"]
