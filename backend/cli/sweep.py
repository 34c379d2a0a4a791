"""`sweep`: an experiment in this process, without a server. Stopped or killed, the next call goes
on where it was."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any, NamedTuple

from backend.core.environment import read_settings
from backend.core.errors import BadInput
from backend.core.settings import Settings
from backend.engines.models import Models, ModelSettings, model_settings
from backend.experiments import cluster
from backend.experiments.by_line import name_problems
from backend.experiments.estimate import estimate_sweep
from backend.experiments.plan import check
from backend.experiments.read_material import read_material
from backend.experiments.report import report
from backend.experiments.shards import Folder
from backend.experiments.spec import Experiment, read_experiment
from backend.experiments.sweep import Progress, Sweep
from backend.problems.equivalence import Equivalence
from backend.problems.library import Library, open_library

DONE, FAILED, INTERRUPTED = 0, 3, 130
FOLDER = Settings().experiments
"""Where results are kept unless another store or another folder is named."""
SHOWN_EVERY_S = 5.0


class SweepChoices(NamedTuple):
    """How an experiment is carried out: where its results are kept, how many tasks are in flight,
    the address of a cluster, whether failed tasks are taken up. With `report` (a file) or `plan` it
    is not carried out, but described. Beside the store `db` are the results, unless `folder` is
    given, and the problem files that users brought."""

    folder: Path | None
    at_once: int
    ray: str | None
    retry: bool
    report: Path | None
    plan: bool
    db: Path | None = None


def sweep(file: Path, how: SweepChoices, *, as_json: bool) -> int:
    """Carry out an experiment; exit status 3 if tasks failed."""
    experiment = read_experiment(file)
    if how.at_once < 1:
        raise BadInput("--at-once", given=how.at_once, accepted="at least 1")
    settings, equivalence = read_settings(os.environ, host="127.0.0.1", db=how.db), Equivalence()
    library = open_library(equivalence, settings)
    experiment = name_problems(experiment, library.file_set)
    check(experiment, library.find)
    folder = Folder.of(how.folder or settings.experiments, experiment)
    try:
        if how.report:
            page = report(folder, read_material(folder, find=library.find))
            how.report.write_text(page, encoding="utf-8")
            show({"report": str(how.report)}, as_json=as_json)
            return DONE
        if how.plan:
            show(plan_of(experiment, folder), as_json=as_json)
            return DONE
        if how.ray:
            ended = cluster.carry_out(
                experiment,
                folder,
                how.ray,
                at_once=how.at_once,
                retry=how.retry,
                tell=ProgressLines(silent=as_json),
                db=settings.db,
            )
            return show_end(folder, ended, as_json=as_json)
        models = model_settings(settings)
        return asyncio.run(_carry_out(experiment, folder, models, library, how, as_json=as_json))
    finally:
        equivalence.close()


def plan_of(experiment: Experiment, folder: Folder) -> dict[str, Any]:
    """What there is to do."""
    about = estimate_sweep(experiment, folder)
    return {
        "experiment": experiment.name,
        "hash": experiment.hash,
        "folder": str(folder.path),
        **about._asdict(),
    }


async def _carry_out(
    experiment: Experiment,
    folder: Folder,
    settings: ModelSettings,
    library: Library,
    how: SweepChoices,
    *,
    as_json: bool,
) -> int:
    models = Models(settings)
    work = Sweep(
        experiment,
        folder,
        models,
        find=library.find,
        grade=library.grade,
        compare=library.same,
        at_once=how.at_once,
        retry=how.retry,
        tell=ProgressLines(silent=as_json),
    )
    task, loop = asyncio.ensure_future(work.carry_out()), asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, task.cancel)
    try:
        progress = await task
    except asyncio.CancelledError:
        left = await asyncio.to_thread(plan_of, experiment, folder)
        show({"status": "interrupted", **left}, as_json=as_json)
        return INTERRUPTED
    finally:
        await models.close()
    return show_end(folder, progress, as_json=as_json)


def show_end(folder: Folder, progress: Progress, *, as_json: bool) -> int:
    """Say how it ended; the exit status."""
    causes = [
        row
        for row in folder.results().select(["arm", "problem", "failure"]).to_pylist()
        if row["failure"] is not None
    ]
    result = {
        "status": "finished",
        "done": progress.done,
        "failed": progress.failed,
        "folder": str(folder.path),
        "failures": causes[:20],
    }
    show(result, as_json=as_json)
    return FAILED if causes else DONE


class ProgressLines:
    """Says how far it is, every few seconds, on standard error, or says nothing."""

    def __init__(self, *, silent: bool) -> None:
        self._silent, self._at = silent, 0.0

    def __call__(self, progress: Progress) -> None:
        if self._silent or (time.monotonic() - self._at < SHOWN_EVERY_S and progress.left):
            return
        self._at = time.monotonic()
        left = "" if progress.left_s is None else f", about {progress.left_s:,.0f} s left"
        failed = f", {progress.failed} failed" if progress.failed else ""
        rate = "" if progress.rate is None else f", {progress.rate:,.0f} tokens/s"
        print(
            f"{progress.phase}: {progress.done:,} of {progress.total:,}{failed}{rate}{left}",
            file=sys.stderr,
        )


def show(result: dict[str, Any], *, as_json: bool) -> None:
    """The result on standard output."""
    if as_json:
        print(json.dumps(result, ensure_ascii=False))
        return
    for name, value in result.items():
        if name != "failures":
            print(f"{name:<10} {value}")
    for row in result.get("failures", []):
        print(f"  {row['arm']} on {row['problem']}: {row['failure']}")


__all__ = ["FOLDER", "SweepChoices", "plan_of", "sweep"]
