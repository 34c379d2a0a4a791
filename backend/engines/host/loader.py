"""Inside the engine host: from a model's specification to a loaded model. Heavy imports happen
here, at the first use of each engine."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar, cast

from backend.core.errors import BadInput, EngineFailure
from backend.core.ports import Engine, RewardModel
from backend.engines.host.wire import ModelSpec

Model = TypeVar("Model")


async def load(spec: ModelSpec) -> Engine | RewardModel:
    """Load the model; what it can raise is told to the parent."""
    options = cast("dict[str, Any]", spec.options())
    match spec.engine, spec.role:
        case "torch", "policy":
            from backend.engines.torch.engine import TorchEngine

            return await in_thread(TorchEngine.load, spec.model, options)
        case "torch", "reward":
            from backend.engines.torch.engine import TorchRewardModel

            return await in_thread(TorchRewardModel.load, spec.model, options)
        case "vllm", "policy":
            from backend.engines.vllm.engine import VllmEngine

            return await VllmEngine.load(spec.model, **options)
        case "vllm", "reward":
            from backend.engines.vllm.reward import VllmRewardModel

            return await VllmRewardModel.load(spec.model, **options)
        case _:
            raise BadInput("engine of a local model", given=spec.engine, accepted="torch, vllm")


async def in_thread(load: Callable[..., Model], model: str, options: dict[str, Any]) -> Model:
    """Torch's blocking load, in a thread so that models already loaded keep answering. Raises
    `EngineFailure` for a device it cannot use."""
    try:
        return await asyncio.to_thread(load, model, **options)
    except (
        AssertionError,
        RuntimeError,
    ) as error:  # torch without CUDA asserts, with CUDA but without the card it raises
        if options.get("device", "cpu") == "cpu":
            raise
        remedy = (
            "Set ARBORETUM_DEVICE to a card of this machine, or leave it unset for the processor"
        )
        raise EngineFailure(
            f"torch cannot load the model on device {options['device']!r}: {error}", remedy
        ) from error
