"""The parent's view of the engine host: models that live in a process of their own, behind proxies
that look like any engine.

The process starts at the first use, and so does each model; many callers wait for the same load.
Should the process die, everything open fails with the reason and the next use starts a new one.
Should a model's core die in the living process, that model alone has failed, and its next use loads
it anew. An `EngineHost` belongs to the event loop on which it is first used.
"""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing, contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import cast

from backend.core.errors import ArboretumError, EngineFailure, NotFound
from backend.core.ports import (
    Completion,
    EngineInfo,
    EngineStats,
    Given,
    Likelihood,
    Prompt,
    Request,
    Solution,
    StepScores,
)
from backend.engines.entry import Role, Setting
from backend.engines.host.process import HostProcess
from backend.engines.host.wire import Loaded, ModelDied, ModelSpec
from backend.engines.shared.unclaimed import Unclaimed


class HostState(StrEnum):
    """Where a model stands."""

    UNLOADED = "unloaded"
    LOADING = "loading"
    READY = "ready"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class ModelState:
    """One line of the settings page. `seconds_loading` runs while loading and then keeps the time
    the load took."""

    name: str
    engine: str
    model: str
    kind: Role
    state: HostState
    seconds_loading: float
    memory_bytes: int
    reason: str | None = None


@dataclass(eq=False, slots=True)
class Slot:
    """A model that the host was asked for, whatever process it now lives in. `loaded` is None
    unless it can be used there."""

    number: int
    name: str
    spec: ModelSpec
    state: HostState = HostState.UNLOADED
    reason: str | None = None
    process: HostProcess | None = None
    loading: asyncio.Task[None] | None = None
    since: float = 0.0
    took: float = 0.0
    loaded: Loaded | None = None
    unclaimed: Unclaimed = field(default_factory=Unclaimed)

    def now(self) -> ModelState:
        """The state as of now; a model whose process has died has failed."""
        state, reason = self.state, self.reason
        if state is HostState.READY and self.process is not None and self.process.dead is not None:
            state, reason = HostState.FAILED, str(self.process.dead)
        seconds = time.monotonic() - self.since if state is HostState.LOADING else self.took
        memory = (
            self.loaded.memory_bytes if self.loaded is not None and state is HostState.READY else 0
        )
        return ModelState(
            self.name,
            self.spec.engine,
            self.spec.model,
            self.spec.role,
            state,
            seconds,
            memory,
            reason,
        )

    @contextmanager
    def watch(self) -> Iterator[None]:
        """Inside, the news that the model has died marks it as failed. News of a model that was
        since loaded anew comes too late to do so."""
        used = self.loaded
        try:
            yield
        except ModelDied as death:
            if self.loaded is used:
                self.state, self.reason, self.loaded = HostState.FAILED, str(death), None
            raise


class EngineHost:
    """Local models in a process of their own. `loader` names the module whose `load(spec)` makes
    them there."""

    def __init__(self, loader: str = "backend.engines.host.loader") -> None:
        self._loader = loader
        self._process: HostProcess | None = None
        self._starting = asyncio.Lock()
        self._slots: dict[ModelSpec, Slot] = {}
        self._numbers = itertools.count()
        self._closed = False

    @property
    def pid(self) -> int | None:
        """The process id of the living host, or None."""
        return (
            self._process.pid if self._process is not None and self._process.dead is None else None
        )

    async def engine(
        self, engine: str, model: str, *, name: str | None = None, **settings: Setting
    ) -> HostedEngine:
        """A proxy for a language model, loaded when this returns. Raises `EngineFailure` with
        reason and remedy."""
        slot = self._slot(engine, "policy", model, name, settings)
        await self.ready(slot)
        return HostedEngine(self, slot)

    async def reward(
        self, engine: str, model: str, *, name: str | None = None, **settings: Setting
    ) -> HostedRewardModel:
        """A proxy for a process reward model, loaded when this returns."""
        slot = self._slot(engine, "reward", model, name, settings)
        await self.ready(slot)
        return HostedRewardModel(self, slot)

    def states(self) -> list[ModelState]:
        """Every model that was asked for since the start, in that order."""
        return [slot.now() for slot in self._slots.values()]

    async def unload(self, engine: str, name: str, kind: Role) -> None:
        """Close a model of `states` and free its memory; runs that still use it fail with the
        reason. The next use loads it again."""
        slot = self._slot_of(engine, name, kind)
        if slot.loading is not None:
            await asyncio.shield(slot.loading)
        if slot.process is not None and slot.process.dead is None:
            await slot.process.unload(slot.number)
        slot.state, slot.reason, slot.process, slot.loaded = HostState.UNLOADED, None, None, None

    async def ready(self, slot: Slot) -> HostProcess:
        """The living process with the slot's model in it: starts the one and loads the other where
        needed."""
        process = await self._living()
        if slot.process is not process or slot.loaded is None:
            if slot.loading is None:
                slot.loading = asyncio.create_task(self._load(slot, process))
            await asyncio.shield(slot.loading)
        return process

    async def close(self) -> None:
        """End the process, waiting until it is gone; the host cannot be used afterwards."""
        self._closed = True
        async with self._starting:
            if self._process is not None:
                loaded = any(slot.loaded is not None for slot in self._slots.values())
                await (self._process.close() if loaded else self._process.abandon())
        await asyncio.gather(
            *(slot.loading for slot in self._slots.values() if slot.loading is not None),
            return_exceptions=True,
        )

    async def _living(self) -> HostProcess:
        async with self._starting:
            if self._closed:
                raise EngineFailure("the engine host was closed")
            if self._process is None or self._process.dead is not None:
                self._process = await HostProcess.start(self._loader)
            return self._process

    async def _load(self, slot: Slot, process: HostProcess) -> None:
        slot.state, slot.reason, slot.loaded, slot.since = (
            HostState.LOADING,
            None,
            None,
            time.monotonic(),
        )
        try:
            slot.loaded = await process.load(slot.number, slot.spec)
            slot.state, slot.process = HostState.READY, process
        except ArboretumError as error:
            slot.state, slot.reason = HostState.FAILED, str(error)
            raise
        finally:
            slot.took, slot.loading = time.monotonic() - slot.since, None

    def _slot(
        self, engine: str, role: Role, model: str, name: str | None, settings: dict[str, Setting]
    ) -> Slot:
        spec = ModelSpec(
            engine,
            role,
            model,
            tuple(sorted({**settings, **({} if name is None else {"name": name})}.items())),
        )
        if spec not in self._slots:
            self._slots[spec] = Slot(next(self._numbers), name or model, spec)
        return self._slots[spec]

    def _slot_of(self, engine: str, name: str, kind: Role) -> Slot:
        for slot in self._slots.values():
            if (slot.spec.engine, slot.name, slot.spec.role) == (engine, name, kind):
                return slot
        known = ", ".join(
            f"{slot.spec.engine} {slot.spec.role} {slot.name}" for slot in self._slots.values()
        )
        raise NotFound(f"{engine} {kind} model {name!r} was never loaded; known: {known or 'none'}")


class Hosted:
    """What both proxies share. Loading again after the host's death is `ready`'s business and
    happens at the next call."""

    def __init__(self, host: EngineHost, slot: Slot) -> None:
        self._host, self._slot = host, slot
        assert slot.loaded is not None
        self._info = slot.loaded.info

    @property
    def info(self) -> EngineInfo:
        return self._info

    @property
    def state(self) -> ModelState:
        """The model's line on the settings page."""
        return self._slot.now()

    async def close(self) -> None:
        """Nothing: the host owns the model, and other runs may be using it. See
        `EngineHost.unload`."""

    async def _call(self, method: str, *arguments: object) -> object:
        process = await self._host.ready(self._slot)
        with self._slot.watch():
            return await process.call(self._slot.number, method, *arguments)


class HostedEngine(Hosted):
    """An `Engine` whose model lives in the host process."""

    async def prompt(self, question: str, system: str | None) -> Prompt:
        return cast(Prompt, await self._call("prompt", question, system))

    async def encode(self, text: str) -> tuple[int, ...]:
        return cast("tuple[int, ...]", await self._call("encode", text))

    async def tokens(self, token_ids: Sequence[int]) -> list[str]:
        return cast("list[str]", await self._call("tokens", list(token_ids)))

    async def generate(self, requests: Sequence[Request]) -> AsyncGenerator[Completion]:
        """As the port says; the host's death raises `EngineFailure` here. Closing waits until the
        host has aborted the rest."""
        process = await self._host.ready(self._slot)
        made = process.stream(
            self._slot.number, tuple(requests), lambda one: self._slot.unclaimed.keep([one])
        )
        with self._slot.watch():
            async with aclosing(made) as completions:
                async for completion in completions:
                    yield completion

    async def take_aborted(self, keys: Sequence[str]) -> list[Completion]:
        """What closed iterators left behind: aborted requests, and finished ones that nobody was
        there to receive."""
        finished = self._slot.unclaimed.claim(keys)
        return finished + cast("list[Completion]", await self._call("take_aborted", list(keys)))

    async def likelihoods(self, asked: Sequence[Given]) -> list[Likelihood]:
        """As the port says; cancelling the call aborts it in the host."""
        return cast("list[Likelihood]", await self._call("likelihoods", list(asked)))

    async def stats(self) -> EngineStats:
        return cast(EngineStats, await self._call("stats"))


class HostedRewardModel(Hosted):
    """A `RewardModel` whose model lives in the host process."""

    async def score(self, solutions: Sequence[Solution]) -> list[StepScores]:
        return cast("list[StepScores]", await self._call("score", list(solutions)))
