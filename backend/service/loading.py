"""The models of a run, loaded when it begins or ahead of it. This module imports no store, so that
models can load while what opens one is imported."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, NamedTuple

from backend.core.errors import ArboretumError
from backend.core.ports import Engine, RewardModel
from backend.core.spec import RunSpec
from backend.engines.entry import ENGINES
from backend.judging.scorers import VERIFIERS

if TYPE_CHECKING:
    from backend.service.jobs.ports import ModelHost


class RunModels(NamedTuple):
    """The language model, and the reward model where the verifier needs one."""

    engine: Engine
    reward: RewardModel | None


async def load_models(models: ModelHost, spec: RunSpec) -> RunModels:
    """The models that a run names, loaded. Raises `BadInput` or `EngineFailure`."""
    engine = await models.policy(spec.engine, spec.model)
    if not VERIFIERS[spec.verifier].needs_reward_model:
        return RunModels(engine, None)
    return RunModels(engine, await models.reward(spec.engine, spec.verifier_model))


@asynccontextmanager
async def load_ahead(models: ModelHost, spec: RunSpec | None) -> AsyncIterator[None]:
    """Inside, the local models of a run that will begin soon load already; what goes wrong is said
    when it asks for them."""

    async def load(spec: RunSpec) -> None:
        with suppress(ArboretumError):
            if ENGINES[spec.engine].place == "host":
                await load_models(models, spec)

    loading = None if spec is None else asyncio.create_task(load(spec))
    try:
        yield
    finally:
        if loading is not None:
            loading.cancel()


__all__ = ["RunModels", "load_ahead", "load_models"]
