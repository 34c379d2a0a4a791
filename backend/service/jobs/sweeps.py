"""Experiments of the service: one is carried out at a time, on the service's own models; all of
them are read from their folders.

A folder is found below `root` (where the service writes) or below `shipped` (what comes with the
project, read only). What a sweep on the command line writes below `root` is seen here as it comes.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, NamedTuple

from backend.core.errors import Conflict, NotFound
from backend.engines.models import Models
from backend.experiments.by_line import name_problems
from backend.experiments.plan import check
from backend.experiments.shards import DESCRIPTION, Folder
from backend.experiments.spec import Experiment
from backend.experiments.sweep import Progress, Sweep
from backend.problems.library import Library
from backend.service.jobs.failure import failure

log = logging.getLogger("arboretum.sweeps")

Status = Literal["running", "paused", "stopped", "failed", "idle"]
AT_ONCE = 64


class SweepStatus(NamedTuple):
    """How a sweep of this process stands; `reason` says why it failed."""

    status: Status
    progress: Progress | None
    reason: str = ""


@dataclass
class Sweeps:
    """Belongs to one event loop; `close` stops what is under way, and what is finished stays."""

    root: Path
    shipped: Path | None
    models: Models
    library: Library
    _work: dict[str, Sweep] = field(default_factory=dict)
    _tasks: dict[str, asyncio.Task[None]] = field(default_factory=dict)
    _standing: dict[str, SweepStatus] = field(default_factory=dict)

    def folders(self) -> list[Folder]:
        """All experiments, the newest first; those that ship last."""
        found: dict[str, Folder] = {}
        for place in (self.root, self.shipped):
            paths = place.glob(f"*/{DESCRIPTION}") if place is not None and place.is_dir() else ()
            for path in sorted(paths, key=lambda path: path.stat().st_mtime, reverse=True):
                found.setdefault(path.parent.name, Folder(path.parent))
        return list(found.values())

    def folder(self, name: str) -> Folder:
        """The folder of an experiment by its hash. Raises `NotFound`."""
        for place in (self.root, self.shipped):
            if place is not None and name.isalnum() and (place / name / DESCRIPTION).is_file():
                return Folder(place / name)
        raise NotFound("experiment", name)

    def is_shipped(self, folder: Folder) -> bool:
        return self.shipped is not None and folder.path.parent == self.shipped

    def standing(self, name: str) -> SweepStatus:
        """How a sweep stands; `idle` for one that this process has not begun."""
        return self._standing.get(name, SweepStatus("idle", None))

    def start(self, experiment: Experiment, *, retry: bool = False, at_once: int = AT_ONCE) -> str:
        """Begin or go on; returns the experiment's hash. Raises `Conflict` while another is under
        way, and what `check` raises."""
        if self._tasks:
            raise Conflict(
                f"experiment {next(iter(self._tasks))} is under way: stop it first, or "
                "wait for its end"
            )
        experiment = self.name_problems(experiment)
        check(experiment, self.library.find)
        folder, name = Folder.of(self.root, experiment), experiment.hash
        work = Sweep(
            experiment,
            folder,
            self.models,
            find=self.library.find,
            grade=self.library.grade,
            compare=self.library.same,
            at_once=at_once,
            retry=retry,
            tell=lambda progress: self._tell(name, progress),
        )
        self._work[name], self._standing[name] = work, SweepStatus("running", None)
        self._tasks[name] = asyncio.create_task(
            self._carry_out(name, work), name=f"experiment {name}"
        )
        return name

    def name_problems(self, experiment: Experiment) -> Experiment:
        """The experiment with the ids of all problems from files. Raises as
        `backend.experiments.by_line.name_problems`."""
        return name_problems(experiment, self.library.file_set)

    def pause(self, name: str) -> None:
        """Let it wait at its next model calls. Raises `Conflict` where it is not under way."""
        self._under_way(name).pause()
        self._standing[name] = self._standing[name]._replace(status="paused")

    def resume(self, name: str) -> None:
        self._under_way(name).resume()
        self._standing[name] = self._standing[name]._replace(status="running")

    async def stop(self, name: str) -> None:
        """End it; what was finished is written, what was under way will be carried out anew."""
        self._under_way(name)
        await self._end(name)

    async def close(self) -> None:
        for name in list(self._tasks):
            await self._end(name)

    async def wait(self, name: str) -> None:
        """Returns when it is over."""
        if name in self._tasks:
            await asyncio.wait([self._tasks[name]])

    def _tell(self, name: str, progress: Progress) -> None:
        self._standing[name] = self._standing[name]._replace(progress=progress)

    def _under_way(self, name: str) -> Sweep:
        if name not in self._tasks:
            raise Conflict(f"experiment {name} is not under way")
        return self._work[name]

    async def _end(self, name: str) -> None:
        task = self._tasks[name]
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    async def _carry_out(self, name: str, work: Sweep) -> None:
        try:
            await work.carry_out()
            self._standing[name] = self._standing[name]._replace(status="idle")
        except asyncio.CancelledError:
            self._standing[name] = self._standing[name]._replace(status="stopped")
        except Exception as error:  # the job boundary: whatever ends it is recorded
            cause = failure(error.exceptions[0] if isinstance(error, ExceptionGroup) else error)
            log.error(
                "experiment %s failed: %s",
                name,
                cause.reason,
                exc_info=error if cause.kind == "internal error" else None,
            )
            self._standing[name] = self._standing[name]._replace(
                status="failed", reason=cause.reason
            )
        finally:
            self._tasks.pop(name, None)
            self._work.pop(name, None)


__all__ = ["SweepStatus", "Sweeps"]
