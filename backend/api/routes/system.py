"""Health, settings, store and engines."""

from __future__ import annotations

import asyncio
import time

from fastapi import APIRouter

from backend.api.deps import Needs
from backend.core.errors import BadInput, NotFound
from backend.core.settings import Preferences
from backend.messages import runs as schemas
from backend.service.assembly import VERSION, Services

router = APIRouter()


@router.get("/health", tags=["system"])
async def health(services: Needs) -> schemas.Health:
    """Answers at once, whatever the runs are doing: neither store nor models are touched."""
    counts = services.jobs.counts
    return schemas.Health(
        status="closing" if services.closing.is_set else "ok",
        version=VERSION,
        uptime_s=round(time.monotonic() - services.started, 3),
        runs=schemas.RunCounts(queued=counts.queued, running=counts.running),
        engines=states(services),
    )


@router.get("/settings", tags=["system"])
async def read_settings(services: Needs) -> Preferences:
    """The settings that can be changed while the service runs."""
    return services.preferences.current


@router.put("/settings", tags=["system"])
async def write_settings(preferences: Preferences, services: Needs) -> Preferences:
    """Change settings. The lists that guard a service which is open to others can only be changed
    while it is not."""
    current = services.preferences.current
    if services.settings.public and preferences.lists() != current.lists():
        accepted = "unchanged lists: start the service on loopback to change them"
        raise BadInput(
            "allowed_models, allow_imports, allowed_servers", given="a change", accepted=accepted
        )
    await asyncio.to_thread(services.preferences.save, preferences)
    services.servers.tell(preferences)
    services.jobs.resize(preferences.runs_at_once)
    return preferences


@router.get("/store", tags=["system"])
def store(services: Needs) -> schemas.StoreInfo:
    """How much the store holds."""
    return schemas.StoreInfo(
        bytes=services.store.size_bytes(), runs=services.store.runs(limit=1).total
    )


@router.post("/store/prune", tags=["system"])
def prune(body: schemas.Prune, services: Needs) -> schemas.PrunedRuns:
    """Delete runs that are older than some days and over."""
    return schemas.PrunedRuns(deleted=services.store.delete_older(body.days))


@router.get("/engines", tags=["engines"])
async def engines(services: Needs) -> schemas.EngineStates:
    """Models in memory or on their way."""
    return schemas.EngineStates(models=states(services))


@router.post("/engines/load", tags=["engines"])
async def load(choice: schemas.ModelChoice, services: Needs) -> schemas.EngineStates:
    """Load a model; the answer comes when it is ready, and `/engines` shows how far it is
    meanwhile."""
    services.admission.model(choice.model)
    await services.closing.guard(_load(choice, services))
    return schemas.EngineStates(models=states(services))


@router.post("/engines/unload", tags=["engines"])
async def unload(choice: schemas.ModelChoice, services: Needs) -> schemas.EngineStates:
    """Free a model's memory; runs that are using it fail with the reason."""
    loaded = (
        state.name
        for state in services.models.states()
        if (state.engine, state.kind) == (choice.engine, choice.kind)
    )
    name = choice.model or next(loaded, None)
    if name is None:
        raise NotFound(f"no {choice.kind} model of {choice.engine} is loaded")
    await services.closing.guard(services.models.unload(choice.engine, name, choice.kind))
    return schemas.EngineStates(models=states(services))


async def _load(choice: schemas.ModelChoice, services: Services) -> None:
    if choice.kind == "policy":
        await services.models.policy(choice.engine, choice.model)
    else:
        await services.models.reward(choice.engine, choice.model)


def states(services: Services) -> list[schemas.ModelState]:
    return [
        schemas.ModelState(
            engine=state.engine,
            model=state.name,
            kind=state.kind,
            state=state.state,
            seconds_loading=round(state.seconds_loading, 2),
            memory_bytes=state.memory_bytes,
            reason=state.reason or "",
        )
        for state in services.models.states()
    ]


__all__ = ["router", "states"]
