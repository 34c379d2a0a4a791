"""An experiment on a Ray cluster: workers take bundles of tasks, call the servers that the arms
name, and write shards into the one folder.

Every machine sees the folder (a shared file system), and every worker's environment names its
server (`ARBORETUM_OPENAI_URL`) or it brings local models. A worker that is lost has its bundle
taken up by another, which finds in the folder what had been finished and repeats only the rest. Ray
is an option: `requirements-ray.txt`.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from backend.core.errors import MissingCapability
from backend.experiments.plan import Task, tasks, unit_tasks
from backend.experiments.plan import size as plan_size
from backend.experiments.shards import Folder
from backend.experiments.spec import Experiment
from backend.experiments.sweep import Progress, Stopwatch, Sweep, units

BUNDLE = 32
"""Tasks of one bundle: what is repeated at most where a worker is lost between two writings is
less, because it writes every few seconds."""


class ClusterWork(NamedTuple):
    """How workers work: tasks in flight, tasks of a bundle, whether those that failed are taken up,
    and the store beside which problem files are kept."""

    at_once: int
    bundle: int
    retry: bool
    db: str | None


def carry_out(
    experiment: Experiment,
    folder: Folder,
    address: str | None,
    *,
    at_once: int = 64,
    bundle: int = BUNDLE,
    retry: bool = False,
    tell: Callable[[Progress], None] = lambda _progress: None,
    db: Path | None = None,
) -> Progress:
    """Carry out what the folder does not hold on the cluster at `address` (`local`: one of this
    machine's cores). Blocks until it is over. Workers look for problem files beside the store `db`,
    which every machine sees as it sees the folder.

    Raises `MissingCapability` where Ray is not installed, and what a worker raised that no task
    accounts for.
    """
    ray = _ray()
    ray.init(
        address=None if address in (None, "local") else address,
        include_dashboard=False,
        log_to_driver=False,
        ignore_reinit_error=True,
    )
    try:
        how = ClusterWork(at_once, bundle, retry, None if db is None else str(db.resolve()))
        start = Progress("measuring", 0, plan_size(experiment), 0, 0.0, 0.0)
        measured = _phase(ray, start, experiment, folder, list(unit_tasks(experiment)), how, tell)
        start = start._replace(phase="running", done=measured.done, failed=measured.failed)
        planned = list(tasks(experiment, units(folder, experiment)))
        return _phase(ray, start, experiment, folder, planned, how, tell) if planned else measured
    finally:
        ray.shutdown()


def bundles(keys: Sequence[str], size: int) -> Iterator[tuple[str, ...]]:
    """The keys in bundles."""
    return (tuple(keys[at : at + size]) for at in range(0, len(keys), size))


def work(
    description: str,
    folder: str,
    keys: Sequence[str],
    at_once: int,
    retry: bool,
    db: str | None = None,
) -> int:
    """What a worker does with a bundle: how many tasks it finished. Those that the folder holds
    already are left alone."""
    from backend.core.environment import read_settings
    from backend.engines.models import Models, model_settings
    from backend.problems.equivalence import Equivalence
    from backend.problems.library import open_library

    async def work_all() -> int:
        settings = read_settings(os.environ, host="127.0.0.1", db=None if db is None else Path(db))
        models, library = Models(model_settings(settings)), open_library(Equivalence(), settings)
        sweep = Sweep(
            Experiment.model_validate_json(description),
            Folder(Path(folder)),
            models,
            find=library.find,
            at_once=at_once,
            retry=retry,
            only=frozenset(keys),
        )
        try:
            return (await sweep.carry_out()).here
        finally:
            await models.close()

    return asyncio.run(work_all())


def _phase(
    ray: Any,
    start: Progress,
    experiment: Experiment,
    folder: Folder,
    planned: Sequence[Task],
    how: ClusterWork,
    tell: Callable[[Progress], None],
) -> Progress:
    at_once, size, retry, db = how
    done, wanted = (
        folder.read_done_keys(failed=not retry),
        list(dict.fromkeys(task.key for task in planned)),
    )
    remote = ray.remote(max_retries=-1)(work)
    described = experiment.model_dump_json(exclude_defaults=True)
    waiting = [
        remote.remote(described, str(folder.path.resolve()), keys, at_once, retry, db)
        for keys in bundles([key for key in wanted if key not in done], size)
    ]
    watch = Stopwatch()

    def standing(*, over: bool = False) -> Progress:
        """What the folder says of the tasks of this phase; tokens are not counted over machines. A
        task that is tried again has failed once more only when it is `over`."""
        counted = (not retry or over, False)
        ended, well = (folder.read_done_keys(failed=some) & set(wanted) for some in counted)
        return start._replace(
            done=start.done + len(well & ended),
            failed=start.failed + len(ended - well),
            seconds=watch.seconds,
            here=len(ended - done),
        )

    progress = standing()
    tell(progress)
    while waiting:
        ready, waiting = ray.wait(waiting, num_returns=1)
        ray.get(ready)
        progress = standing(over=not waiting)
        tell(progress)
    return progress


def _ray() -> Any:
    try:
        import ray
    except ImportError:
        raise MissingCapability(
            "a sweep on a cluster needs Ray, which is not installed", "Install requirements-ray.txt"
        ) from None
    return ray


__all__ = ["BUNDLE", "bundles", "carry_out", "work"]
