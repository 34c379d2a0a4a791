"""`sweep`: an experiment in this process, without a server. Stopped or killed, the next call goes
on where it was."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import sys
import time
from typing import Any

from backend.core.errors import BadInput
from backend.core.settings import ROOT, Settings
from backend.engines.models import Models, ModelSettings, model_settings
from backend.experiments import cluster
from backend.experiments.estimate import estimated
from backend.experiments.plan import check
from backend.experiments.read_material import read_material
from backend.experiments.report import report
from backend.experiments.shards import Folder
from backend.experiments.spec import Experiment, read_experiment
from backend.experiments.sweep import Progress, Sweep
from backend.problems.equivalence import Equivalence
from backend.problems.library import Library, file_sets

DONE, FAILED, INTERRUPTED = 0, 3, 130
FOLDER = ROOT / "var" / "experiments"
TOLD_EVERY_S = 5.0


def sweep(options: argparse.Namespace) -> int:
    """Carry out an experiment; exit status 3 if tasks failed."""
    experiment = read_experiment(options.spec)
    if options.at_once < 1:
        raise BadInput("--at-once", given=options.at_once, accepted="at least 1")
    folder = Folder.of(options.folder or FOLDER, experiment)
    settings, equivalence = Settings.from_environment(os.environ, host="127.0.0.1"), Equivalence()
    library = Library(equivalence, file_sets(settings.problems))
    check(experiment, library.find)
    try:
        if options.report:
            options.report.write_text(
                report(folder, read_material(folder, find=library.find)), encoding="utf-8"
            )
            tell(options, {"report": str(options.report)})
            return DONE
        if options.ray and not options.plan:
            how = {
                "at_once": options.at_once,
                "retry": options.retry,
                "tell": Told(as_json=options.json),
            }
            return ended(
                options, folder, cluster.carried_out(experiment, folder, options.ray, **how)
            )
        if not options.plan:
            return asyncio.run(
                _carried_out(options, experiment, folder, model_settings(settings), library)
            )
        tell(options, planned(experiment, folder))
        return DONE
    finally:
        equivalence.close()


def planned(experiment: Experiment, folder: Folder) -> dict[str, Any]:
    """What there is to do."""
    about = estimated(experiment, folder)
    return {
        "experiment": experiment.name,
        "hash": experiment.hash,
        "folder": str(folder.path),
        **about._asdict(),
    }


async def _carried_out(
    options: argparse.Namespace,
    experiment: Experiment,
    folder: Folder,
    settings: ModelSettings,
    library: Library,
) -> int:
    models = Models(settings)
    work = Sweep(
        experiment,
        folder,
        models,
        find=library.find,
        grade=library.grade,
        compare=library.same,
        at_once=options.at_once,
        retry=options.retry,
        tell=Told(as_json=options.json),
    )
    task, loop = asyncio.ensure_future(work.carry_out()), asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, task.cancel)
    try:
        progress = await task
    except asyncio.CancelledError:
        tell(
            options,
            {"status": "interrupted", **await asyncio.to_thread(planned, experiment, folder)},
        )
        return INTERRUPTED
    finally:
        await models.close()
    return ended(options, folder, progress)


def ended(options: argparse.Namespace, folder: Folder, progress: Progress) -> int:
    """Say how it ended."""
    causes = [
        row
        for row in folder.results().select(["arm", "problem", "failure"]).to_pylist()
        if row["failure"] is not None
    ]
    tell(
        options,
        {
            "status": "finished",
            "done": progress.done,
            "failed": len(causes),
            "folder": str(folder.path),
            "failures": causes[:20],
        },
    )
    return FAILED if causes else DONE


class Told:
    """Says how far it is, every few seconds, on standard error."""

    def __init__(self, *, as_json: bool) -> None:
        self._silent, self._at = as_json, 0.0

    def __call__(self, progress: Progress) -> None:
        if self._silent or (
            time.monotonic() - self._at < TOLD_EVERY_S and progress.done < progress.total
        ):
            return
        self._at = time.monotonic()
        left = "" if progress.left_s is None else f", about {progress.left_s:,.0f} s left"
        failed = f", {progress.failed} failed" if progress.failed else ""
        print(
            (
                f"{progress.phase}: {progress.done:,} of {progress.total:,}{failed}, "
                f"{progress.rate:,.0f} tokens/s{left}"
            ),
            file=sys.stderr,
        )


def tell(options: argparse.Namespace, told: dict[str, Any]) -> None:
    """The result on standard output."""
    if options.json:
        print(json.dumps(told, ensure_ascii=False))
        return
    for name, value in told.items():
        if name != "failures":
            print(f"{name:<10} {value}")
    for row in told.get("failures", []):
        print(f"  {row['arm']} on {row['problem']}: {row['failure']}")


__all__ = ["FOLDER", "planned", "sweep"]
