"""Where models come from: `Models` hands out engines and reward models by name, wherever they live.

What it knows of an engine is its entry (`backend.engines.entry`). Local models live in the engine
host, one process of its own, so that importing, decoding and searching never take the interpreter
lock from pages and streams; `python -m backend.engines.host` is that process (see
`backend.engines.host.child`). Engines that only wait live here. Nothing in this process imports
torch or vLLM. `Models` belongs to one event loop.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

from backend.core.errors import ArboretumError, BadInput, EngineFailure
from backend.core.ports import Engine, RewardModel
from backend.engines.entry import ENGINES, Availability, EngineEntry, Options, Role
from backend.engines.host.parent import (
    EngineHost,
    HostedEngine,
    HostedRewardModel,
    HostState,
    ModelState,
)
from backend.engines.settings import ModelSettings, model_settings


@dataclass(slots=True)
class Near:
    """An engine or reward model that lives in this process."""

    state: ModelState
    model: Engine | RewardModel | None = None


class Models:
    """The composition root's source of models. `policy` and `reward` load at the first use and then
    answer at once."""

    def __init__(
        self, settings: ModelSettings | None = None, host: EngineHost | None = None
    ) -> None:
        self._settings = settings or ModelSettings()
        self._host = host or EngineHost()
        self._near: dict[tuple[str, str, Role], Near] = {}
        self._left: list[Near] = []
        self._opening = asyncio.Lock()

    @property
    def pid(self) -> int | None:
        """The process id of the engine host, or None where it does not run."""
        return self._host.pid

    async def policy(self, engine: str, model: str | None = None) -> Engine:
        """A language model by engine and name, path or Hub name; None is the default. Raises
        `BadInput` that names the engines there are, or `EngineFailure`."""
        return cast(Engine, await self._model(ENGINES[engine], "policy", model))

    async def reward(self, engine: str, model: str | None = None) -> RewardModel:
        """A process reward model for a run on `engine`: its own, or one of the engine that scores
        its runs (completions servers serve none)."""
        entry = ENGINES[engine]
        home = ENGINES[entry.scored_by] if entry.scored_by else entry
        return cast(RewardModel, await self._model(home, "reward", model))

    def use_servers(self, servers: Mapping[str, str], allowed: tuple[str, ...] | None) -> set[str]:
        """Know these completions servers by name from now on, of which those in `allowed` may be
        asked (None: all). Returns the names whose address has changed or that are gone; models that
        were opened there are opened anew at the next use."""
        before = self._settings.servers
        gone = {name for name, url in before.items() if servers.get(name) != url}
        self._settings = replace(self._settings, servers=dict(servers), allowed_servers=allowed)
        for key in [key for key in self._near if key[1].rpartition("@")[2] in gone]:
            self._left.append(self._near.pop(key))
        return gone

    def offered(self, engine: str) -> tuple[str, ...]:
        """The models that a form offers for an engine."""
        entry = ENGINES[engine]
        return (*entry.models, *entry.named_models(self._settings))

    async def open_anew(self, engine: str, model: str) -> Engine:
        """A model of an engine of this process that nobody else has; whoever asked closes it."""
        entry = ENGINES[engine]
        loaded = await entry.load("policy", model, entry.options(self._settings, "policy"))
        return cast(Engine, loaded)

    def states(self) -> list[ModelState]:
        """Every model asked for since the start: in the engine host, then here."""
        return [*self._host.states(), *(near.state for near in self._near.values())]

    def available(self) -> list[Availability]:
        """Which engines can be used in this installation."""
        return [entry.available(self._settings) for entry in ENGINES.values()]

    async def unload(self, engine: str, model: str, kind: Role) -> None:
        """Free a model of `states`; the next use loads it again."""
        near = self._near.pop((engine, model, kind), None)
        if near is None:
            await self._host.unload(engine, model, kind)
        elif near.model is not None:
            await near.model.close()

    async def close(self) -> None:
        """Close what lives here and end the engine host."""
        for near in (*self._near.values(), *self._left):
            if near.model is not None:
                await near.model.close()
        self._near.clear()
        await self._host.close()

    async def _model(
        self, entry: EngineEntry, role: Role, model: str | None
    ) -> Engine | RewardModel:
        """A model where its engine keeps it, loaded at its first use."""
        entry.require_role(role)
        name = model or entry.default_model(self._settings, role)
        options = entry.options(self._settings, role)
        if entry.place == "here":
            return await self._open(entry, role, name, options)
        load = self._host.engine if role == "policy" else self._host.reward
        return await load(entry.name, self._found(entry, name), name=name, **options)

    def _found(self, entry: EngineEntry, name: str) -> str:
        """Where a local model is: a folder, or a Hub name for an engine that takes those."""
        settings = self._settings
        if (
            settings.allowed is not None
            and name not in settings.names
            and name not in settings.allowed
        ):
            accepted = ", ".join([*settings.names, *settings.allowed])
            raise BadInput("model", given=name, accepted=accepted)
        folder = settings.names.get(name, Path(name))
        if (folder / "config.json").is_file():
            return str(folder)
        on_hub = name not in settings.names and name.count("/") == 1 and name[0] not in "./~"
        if entry.hub_names and on_hub:
            return name
        remedy = (
            "Run `make classroom`"
            if name in settings.names
            else f"Give a model folder, or one of {', '.join(settings.names)}"
        )
        raise EngineFailure(f"model {name!r} is missing: no config.json in {folder}", remedy)

    async def _open(
        self, entry: EngineEntry, role: Role, model: str, options: Options
    ) -> Engine | RewardModel:
        """A model of this process, made at its first use."""
        described = (model or entry.name, entry.name, model, role)
        async with self._opening:
            near = self._near.get((entry.name, model, role))
            if near is None or near.model is None:
                near = Near(ModelState(*described, HostState.LOADING, 0.0, 0))
                self._near[entry.name, model, role] = near
                try:
                    near.model = await entry.load(role, model, options)
                except ArboretumError as error:
                    near.state = ModelState(*described, HostState.FAILED, 0.0, 0, str(error))
                    raise
                near.state = ModelState(*described, HostState.READY, 0.0, 0)
            return near.model


__all__ = [
    "Availability",
    "EngineHost",
    "HostState",
    "HostedEngine",
    "HostedRewardModel",
    "ModelSettings",
    "ModelState",
    "Models",
    "model_settings",
]
