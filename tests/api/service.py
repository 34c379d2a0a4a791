"""A real server on a loopback port with the real API and store, and fakes where models and searches
would be."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import Mount

from backend.api.app import create_app
from backend.api.gateway import create_gateway
from backend.api.guard import Guard
from backend.client import Client
from backend.core.settings import Settings
from backend.problems.equivalence import Equivalence
from backend.problems.library import open_library
from backend.service.assembly import Services
from backend.service.computing import ComputeDesk
from backend.service.jobs import Admission, Jobs
from backend.service.jobs.sweeps import Sweeps
from backend.service.preferences import PreferenceBook
from backend.service.servers import ServerBook
from backend.service.shutdown import Closing
from storage import Store
from tests.service.jobs.fakes import FakeModels
from tests.support.computing import ThreadWorker


@dataclass
class Service:
    """A running server; `call` runs a function on its event loop."""

    url: str
    services: Services
    models: FakeModels
    loop: asyncio.AbstractEventLoop
    clients: list[Client] = field(default_factory=list)

    @property
    def store(self) -> Store:
        return self.services.store

    def client(self, token: str | None = None) -> Client:
        made = Client(self.url, token=token)
        self.clients.append(made)
        return made


@contextmanager
def serving(
    folder: Path,
    launch: object,
    *,
    settings: Settings | None = None,
    runs_at_once: int = 4,
    models: FakeModels | None = None,
    desk: ComputeDesk | None = None,
) -> Iterator[Service]:
    """Start a server in a thread, with its own event loop; stop it at the end."""
    settings = settings or Settings(db=folder / "api.duckdb", samples=None)
    store, models, closing = Store.open(settings.db), models or FakeModels(), Closing()
    equivalence = Equivalence()
    library = open_library(equivalence, settings)
    preferences = PreferenceBook(store)
    admission = Admission(
        library.find,
        models.available,
        lambda: preferences.current.allowed_models if settings.public else None,
    )
    jobs = Jobs(store, models, admission, library.grade, runs_at_once=runs_at_once, launch=launch)  # type: ignore[arg-type]
    sweeps = Sweeps(folder / "experiments", None, models, library)  # type: ignore[arg-type]
    services = Services(
        settings,
        preferences,
        store,
        models,
        library,
        admission,
        jobs,
        sweeps,
        ServerBook(settings, preferences, models),  # type: ignore[arg-type]
        closing,
        time.monotonic(),
        desk=desk or ComputeDesk(ThreadWorker.start),
    )  # type: ignore[arg-type]
    api = create_app(services, origins=settings.origins)
    gateway = create_gateway()
    gateway.state.services = services
    app = Starlette(
        routes=[Mount("/api", app=api), Mount("/v1", app=gateway)],
        middleware=[Middleware(Guard, settings=lambda: settings)],
    )
    server = uvicorn.Server(
        uvicorn.Config(
            app, host="127.0.0.1", port=0, log_level="error", timeout_graceful_shutdown=2
        )
    )
    started: list[asyncio.AbstractEventLoop] = []

    async def main() -> None:
        started.append(asyncio.get_running_loop())
        await server.serve()
        await services.desk.close()
        await jobs.close()

    thread = threading.Thread(target=asyncio.run, args=(main(),))
    thread.start()
    while not server.started:
        time.sleep(0.01)
    service = Service(
        f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}",
        services,
        models,
        started[0],
    )
    try:
        yield service
    finally:
        for client in service.clients:
            client.close()
        service.loop.call_soon_threadsafe(closing.set)
        server.should_exit = True
        thread.join()
        equivalence.close()
        store.close()
