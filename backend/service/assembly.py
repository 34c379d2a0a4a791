"""The composition root: builds store, models, jobs and problem sets once a process, hands them
down, and takes them apart in order."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import cached_property, partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from backend.core.errors import ArboretumError, Conflict
from backend.core.settings import ROOT, Settings
from backend.core.spec import RunSpec
from backend.engines.models import Models, model_settings
from backend.messages.runs import OVER
from backend.problems.equivalence import Equivalence
from backend.problems.library import Library, open_library
from backend.review.stored_run import StoredRun
from backend.runs.driver import run
from backend.runs.estimate import Estimate, Typical, estimate
from backend.service.computing import ComputeDesk, ProcessWorker
from backend.service.deaths import Deaths
from backend.service.jobs import Admission, Jobs
from backend.service.jobs.sweeps import Sweeps
from backend.service.preferences import PreferenceBook, log
from backend.service.result_cache import ResultCache
from backend.service.servers import ServerBook
from backend.service.shutdown import Closing
from storage import RunRow, Store
from storage.questions import SqlDesk, StoreCopy

HOST_WAIT_S = 1.0
QUESTIONS = "backend.service.experiment_questions:Question"
"""What is asked of processes that compute; it is imported there."""
SHIPPED = ROOT / "backend" / "experiments" / "shipped"


def _version() -> str:
    try:
        return version("arboretum")
    except PackageNotFoundError:
        return "0.1.0"


VERSION = _version()


def open_desk() -> ComputeDesk:
    """Where heavy questions are computed; a process is started with the first."""
    return ComputeDesk(partial(ProcessWorker.start, QUESTIONS))


@dataclass(frozen=True)
class Services:
    """Everything that routes and commands use. `started` is `time.monotonic()` at the start;
    `deaths` and `results` keep what was found in runs and in experiments; the `desk` hands heavy
    questions to processes of their own."""

    settings: Settings
    preferences: PreferenceBook
    store: Store
    models: Models
    library: Library
    admission: Admission
    jobs: Jobs
    sweeps: Sweeps
    servers: ServerBook
    closing: Closing
    started: float
    deaths: Deaths = field(default_factory=Deaths)
    results: ResultCache = field(default_factory=ResultCache)
    desk: ComputeDesk = field(default_factory=open_desk)

    @cached_property
    def sql(self) -> SqlDesk:
        """Where SQL is answered, from a copy of the store that is made at the first query."""
        return SqlDesk(StoreCopy(self.store.snapshot, self.settings.db))

    def open_run(self, run_id: int) -> StoredRun:
        """A stored run to be read. Raises `NotFound`."""
        return StoredRun(self.store.run(run_id), self.store)

    def find_ended_row(self, run_id: int) -> RunRow:
        """The row of a run that is over. Raises `NotFound`, or `Conflict` for one that is not."""
        row = self.store.run(run_id)
        if row.status not in OVER:
            raise Conflict(f"run {run_id} is {row.status}: this can be asked when it is over")
        return row

    def open_ended_run(self, run_id: int) -> StoredRun:
        """A run that is over, to be read. Raises as `find_ended_row`."""
        return StoredRun(self.find_ended_row(run_id), self.store)

    async def estimate(self, spec: RunSpec) -> Estimate:
        """About what a run would cost; the dry run happens in a thread."""
        return await asyncio.to_thread(asyncio.run, estimate(spec, Typical()))


@asynccontextmanager
async def open_services(
    settings: Settings, closing: Closing | None = None, models: Models | None = None
) -> AsyncIterator[Services]:
    """Build everything; at the end cut off runs, end the models' process, and close the store,
    within about three seconds. `models` may be loading already; they are closed here all the
    same."""
    models = models or Models(model_settings(settings))
    async with AsyncExitStack() as failing:
        failing.push_async_callback(_close_models, models)
        library = open_library(equivalence := Equivalence(), settings)
        store = await asyncio.to_thread(Store.open, settings.db)
        failing.pop_all()
    try:
        await asyncio.to_thread(_tidy, store, settings.samples)
        services = _assemble(settings, store, models, library, closing or Closing())
        try:
            yield services
        finally:
            await services.desk.close()
            await services.sweeps.close()
            await services.jobs.close()
            if "sql" in vars(services):
                await asyncio.to_thread(services.sql.copy.close)
    finally:
        equivalence.close()
        await _close_models(models)
        await asyncio.to_thread(store.close)


def _assemble(
    settings: Settings, store: Store, models: Models, library: Library, closing: Closing
) -> Services:
    preferences = PreferenceBook(store)

    def list_allowed() -> Sequence[str] | None:
        current = preferences.current
        named = (f"@{server.name}" for server in current.servers)
        return (*current.allowed_models, *named) if settings.public else None

    admission = Admission(library.find, models.available, list_allowed)
    launch = partial(run, compare=library.same)
    jobs = Jobs(
        store,
        models,
        admission,
        library.grade,
        runs_at_once=preferences.current.runs_at_once,
        launch=launch,
    )
    sweeps = Sweeps(settings.experiments, SHIPPED, models, library)
    return Services(
        settings,
        preferences,
        store,
        models,
        library,
        admission,
        jobs,
        sweeps,
        ServerBook(settings, preferences, models),
        closing,
        time.monotonic(),
    )


async def _close_models(models: Models) -> None:
    """Close the models; a process that does not end in time ends by itself when its pipe closes."""
    try:
        async with asyncio.timeout(HOST_WAIT_S):
            await models.close()
    except (TimeoutError, ArboretumError) as error:
        log.warning("the models did not close in time: %s", error or type(error).__name__)


def _tidy(store: Store, samples: Path | None) -> None:
    """At the start: the shipped sample runs go into an empty store, and runs past their time go."""
    days = PreferenceBook(store).current.retention_days
    if days > 0:
        store.delete_older(days)
    if samples is not None and samples.is_dir() and store.runs(limit=1).total == 0:
        for path in sorted(samples.glob("*.jsonl")):
            try:
                store.import_run(path)
            except ArboretumError as error:
                log.warning("the sample run %s could not be imported: %s", path.name, error)


__all__ = ["VERSION", "Services", "open_services"]
