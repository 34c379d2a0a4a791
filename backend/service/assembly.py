"""The composition root: builds store, models, jobs and problem sets once a process, hands them down, and takes them apart in order."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cached_property, partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from pydantic import ValidationError

from backend.core.errors import ArboretumError
from backend.core.settings import ROOT, Preferences, Settings
from backend.core.spec import RunSpec
from backend.engines.models import Models, ModelSettings
from backend.problems.equivalence import Equivalence
from backend.problems.library import Library, file_sets
from backend.runs.driver import run
from backend.runs.estimate import Estimate, Typical, estimate
from backend.service.deaths import Deaths
from backend.service.jobs import Admission, Jobs
from backend.service.jobs.sweeps import Sweeps
from backend.service.shutdown import Closing
from storage import Store
from storage.questions import SqlDesk, StoreCopy

log = logging.getLogger("arboretum.services")

PREFERENCES = "preferences"
HOST_WAIT_S = 1.0
SHIPPED = ROOT / "backend" / "experiments" / "shipped"


def _version() -> str:
    try:
        return version("arboretum")
    except PackageNotFoundError:
        return "0.1.0"


VERSION = _version()


class PreferenceBook:
    """The settings of the settings page: read once, kept in the store at every change."""

    def __init__(self, store: Store) -> None:
        self._store = store
        try:
            self.current = Preferences.model_validate(store.settings().get(PREFERENCES) or {})
        except ValidationError as error:
            log.warning("stored settings are not readable and are replaced by the defaults: %s", error)
            self.current = Preferences()

    def save(self, preferences: Preferences) -> None:
        """Blocks for the write."""
        self._store.set_setting(PREFERENCES, preferences.model_dump(mode="json"))
        self.current = preferences


@dataclass(frozen=True)
class Services:
    """Everything that routes and commands use. `started` is `time.monotonic()` at the start."""

    settings: Settings
    preferences: PreferenceBook
    store: Store
    models: Models
    library: Library
    admission: Admission
    jobs: Jobs
    sweeps: Sweeps
    closing: Closing
    started: float
    deaths: Deaths = field(default_factory=Deaths)

    @cached_property
    def sql(self) -> SqlDesk:
        """Where SQL is answered, from a copy of the store that is made at the first query."""
        return SqlDesk(StoreCopy(self.store.snapshot, self.settings.db))

    async def estimate(self, spec: RunSpec) -> Estimate:
        """About what a run would cost; the dry run happens in a thread."""
        return await asyncio.to_thread(asyncio.run, estimate(spec, Typical()))


@asynccontextmanager
async def open_services(settings: Settings, closing: Closing | None = None) -> AsyncIterator[Services]:
    """Build everything; at the end cut off runs, end the models' process, and close the store, within about three seconds."""
    settings.db.parent.mkdir(parents=True, exist_ok=True)
    store = await asyncio.to_thread(Store.open, settings.db)
    equivalence = Equivalence()
    models = Models(model_settings(settings))
    try:
        await asyncio.to_thread(_tidy, store, settings.samples)
        services = _assembled(settings, store, models, Library(equivalence, file_sets(settings.problems)), closing or Closing())
        try:
            yield services
        finally:
            await services.sweeps.close()
            await services.jobs.close()
            await asyncio.to_thread(services.sql.copy.close)
    finally:
        equivalence.close()
        await _ended(models)
        await asyncio.to_thread(store.close)


def _assembled(settings: Settings, store: Store, models: Models, library: Library, closing: Closing) -> Services:
    preferences = PreferenceBook(store)

    def allowed() -> Sequence[str] | None:
        return preferences.current.allowed_models if settings.public else None

    admission = Admission(library.find, models.available, allowed)
    launch = partial(run, compare=library.same)
    jobs = Jobs(store, models, admission, library.grade, runs_at_once=preferences.current.runs_at_once, launch=launch)
    sweeps = Sweeps(settings.db.parent / "experiments", SHIPPED, models, library)
    return Services(settings, preferences, store, models, library, admission, jobs, sweeps, closing, time.monotonic())


def model_settings(settings: Settings) -> ModelSettings:
    """What the environment says about models, and the defaults for everything else."""
    return ModelSettings(**{name: value for name, value in vars(settings.models).items() if value is not None})


async def _ended(models: Models) -> None:
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


__all__ = ["VERSION", "PreferenceBook", "Services", "model_settings", "open_services"]
