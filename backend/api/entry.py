"""What happens around the pages and the API in one process: start, guarded requests, and an end
within three seconds.

The server waits for open connections before it ends, and a stream of events never ends by itself.
So the signals that end the server first tell `Closing`, which every stream watches, and then go on
to the server's own handlers.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from types import FrameType
from typing import NoReturn

from fastapi import FastAPI

from backend.api.app import create_app
from backend.api.gateway import create_gateway
from backend.core.errors import ArboretumError
from backend.core.settings import Settings
from backend.service.assembly import open_services
from backend.service.catalog import load_plugins
from backend.service.shutdown import Closing

FAILED = 3
"""The exit status of a command that failed (`backend.__main__`)."""
log = logging.getLogger("arboretum")

Handler = Callable[[int, FrameType | None], object]


def end_process(error: ArboretumError) -> NoReturn:
    """Say in one sentence why the service cannot start, and end with the status of a failure. At
    once, because the server would first print its own stack of calls around the same sentence;
    nothing is open yet."""
    sys.stdout.flush()
    print(f"error: {error}", file=sys.stderr, flush=True)
    os._exit(FAILED)


class Entry:
    """The API, the gateway and their life. `find_settings` is asked when the server runs, because
    only then its port is known; `give_up` ends the process where the store cannot be opened."""

    def __init__(
        self,
        find_settings: Callable[[], Settings],
        give_up: Callable[[ArboretumError], NoReturn] = end_process,
    ) -> None:
        self._find_settings, self._give_up = find_settings, give_up
        self._settings: Settings | None = None
        self.api: FastAPI = create_app(origins=find_settings().origins)
        self.gateway: FastAPI = create_gateway()

    def settings(self) -> Settings:
        """The settings of the running service."""
        if self._settings is None:
            self._settings = self._find_settings()
        return self._settings

    @asynccontextmanager
    async def lifespan(self, _app: object) -> AsyncIterator[None]:
        """Build everything when the server starts, and take it apart when it ends."""
        self._settings = None
        settings, closing = self.settings(), Closing()
        tell_pages(settings)
        with closing_signals(closing):
            async with AsyncExitStack() as stack:
                try:
                    services = await stack.enter_async_context(open_services(settings, closing))
                except ArboretumError as error:
                    self._give_up(error)
                await asyncio.to_thread(load_plugins)
                self.api.state.services = self.gateway.state.services = services
                cutting: list[
                    asyncio.Task[None]
                ] = []  # searches stop with the signal, not after the last stream has ended
                try:
                    with closing.watch(
                        lambda: cutting.append(asyncio.ensure_future(services.jobs.close()))
                    ):
                        yield
                finally:
                    closing.set()


def tell_pages(settings: Settings) -> None:
    """The pages run in this process and talk to its own port: they find address and token in the
    environment."""
    os.environ["ARBORETUM_HOST"], os.environ["ARBORETUM_PORT"] = settings.host, str(settings.port)
    if settings.token is not None:
        if (
            os.environ.get("ARBORETUM_TOKEN") != settings.token
        ):  # made up just now, so nobody knows it yet
            log.warning(
                "this service can be reached from outside; open http://%s:%d/?token=%s",
                settings.host,
                settings.port,
                settings.token,
            )
        os.environ["ARBORETUM_TOKEN"] = settings.token


@contextmanager
def closing_signals(closing: Closing) -> Iterator[None]:
    """Inside, SIGINT and SIGTERM set `closing` and then do what they did before. Does nothing
    outside the main thread."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    loop = asyncio.get_running_loop()
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def chain(previous: Handler) -> Handler:
        def handle(number: int, frame: FrameType | None) -> None:
            loop.call_soon_threadsafe(closing.set)
            previous(number, frame)

        return handle

    for number, previous in before.items():
        if callable(previous):
            signal.signal(number, chain(previous))
    try:
        yield
    finally:
        for number, previous in before.items():
            signal.signal(number, previous)


__all__ = ["Entry", "closing_signals"]
