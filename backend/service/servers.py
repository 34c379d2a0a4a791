"""Completions servers that are added, tested and removed while the service runs.

They live in the preferences, and a test's result as long as the service does. Where the service is
reachable from outside only allowed servers can be added, and the list of these is changed on
loopback.
"""

from __future__ import annotations

import asyncio
import time

from backend.core.errors import ArboretumError, BadInput, EngineFailure, NotFound
from backend.core.ports import EngineInfo
from backend.core.settings import Preferences, ServerAddress, Settings
from backend.engines.models import Models
from backend.messages.servers import Probed, Server, Servers
from backend.service.preferences import PreferenceBook

ENGINE = "openai"


class ServerBook:
    """The servers of the settings page."""

    def __init__(self, settings: Settings, book: PreferenceBook, models: Models) -> None:
        self._settings, self._book, self._models = settings, book, models
        self._probed: dict[str, Probed] = {}
        self.tell(book.current)

    def tell(self, preferences: Preferences) -> None:
        """Let the models know the servers that there are."""
        allowed = preferences.allowed_servers if self._settings.public else None
        named = {server.name: server.url for server in preferences.servers}
        gone = self._models.use_servers(named, allowed)
        self._probed = {
            name: probed for name, probed in self._probed.items() if name in named.keys() - gone
        }

    def all(self) -> Servers:
        """Every server, with the result of its last test."""
        found = [
            Server(name=server.name, url=server.url, probed=self._probed.get(server.name))
            for server in self._book.current.servers
        ]
        return Servers(servers=found, address=self._settings.models.base_url)

    async def add(self, server: ServerAddress) -> Servers:
        """Keep a server, in the place of one of the same name, and test it. Raises `BadInput` for
        one that may not be asked."""
        current = self._book.current
        if self._settings.public and server.url not in current.allowed_servers:
            raise BadInput(
                "server",
                given=server.url,
                accepted=", ".join(current.allowed_servers)
                or "none: start the service on loopback and list it in allowed_servers",
            )
        others = tuple(one for one in current.servers if one.name != server.name)
        await self._save((*others, server))
        self._probed.pop(server.name, None)
        return await self.test(server.name)

    async def remove(self, name: str) -> Servers:
        """Forget a server. Raises `NotFound`."""
        self._named(name)
        await self._save(tuple(one for one in self._book.current.servers if one.name != name))
        return self.all()

    async def test(self, name: str) -> Servers:
        """Ask a server for what it can, and keep what came. Raises `NotFound`."""
        self._named(name)
        began = time.monotonic()
        try:
            engine = await self._models.open_anew(ENGINE, f"@{name}")
            try:
                found = probed(engine.info, time.monotonic() - began)
            finally:
                await engine.close()
        except ArboretumError as error:
            told = error if isinstance(error, EngineFailure) else EngineFailure(str(error))
            seconds = round(time.monotonic() - began, 2)
            found = Probed(ok=False, reason=told.reason, remedy=told.remedy, seconds=seconds)
        self._probed[name] = found
        return self.all()

    async def _save(self, servers: tuple[ServerAddress, ...]) -> None:
        changed = self._book.current.model_copy(update={"servers": servers})
        await asyncio.to_thread(self._book.save, Preferences.model_validate(changed.model_dump()))
        self.tell(self._book.current)

    def _named(self, name: str) -> ServerAddress:
        for server in self._book.current.servers:
            if server.name == name:
                return server
        known = ", ".join(server.name for server in self._book.current.servers)
        raise NotFound(f"there is no server {name!r}; known: {known or 'none'}")


def probed(info: EngineInfo, seconds: float) -> Probed:
    """What an engine says of itself after its probe."""
    can, told = info.capabilities, info.settings
    gives = {
        "log-probabilities": can.logprobs,
        f"{can.alternatives} alternatives": can.alternatives > 0,
        "token ids": can.token_ids,
        "seeds": can.seeds,
        "log-probabilities of prompts": can.prompt_logprobs,
        "reasons why texts end": told.get("ends") == "told",
    }
    return Probed(
        ok=True,
        model=info.model,
        context=info.context if told.get("context") == "told" else 0,
        gives=tuple(name for name, given in gives.items() if given),
        refuses=told.get("refused", ""),
        seconds=round(seconds, 2),
    )


__all__ = ["ServerBook", "probed"]
