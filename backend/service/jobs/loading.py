"""The models of a run, loaded when it begins or already while the store is opened."""

from __future__ import annotations

from contextlib import suppress
from typing import NamedTuple

from backend.core.errors import ArboretumError
from backend.core.ports import Engine, RewardModel
from backend.core.spec import RunSpec
from backend.judging.scorers import VERIFIERS
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


async def load_ahead(models: ModelHost, spec: RunSpec) -> None:
    """Load the models of a run that will begin soon; what goes wrong is said when it asks for
    them."""
    with suppress(ArboretumError):
        await load_models(models, spec)


__all__ = ["RunModels", "load_ahead", "load_models"]
