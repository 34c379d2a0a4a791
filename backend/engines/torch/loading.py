"""How the engine host loads models of the embedded engine: in a thread, so that models already
loaded keep answering."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar

from backend.core.errors import EngineFailure
from backend.engines.torch.engine import TorchEngine, TorchRewardModel

Model = TypeVar("Model")


async def load_policy(model: str, **options: Any) -> TorchEngine:
    """A language model from its folder; keywords as in `TorchEngine.load`. Raises `BadInput`, and
    `EngineFailure` for a device it cannot use."""
    return await in_thread(TorchEngine.load, model, options)


async def load_reward(model: str, **options: Any) -> TorchRewardModel:
    """A process reward model from its folder; keywords as in `TorchRewardModel.load`."""
    return await in_thread(TorchRewardModel.load, model, options)


async def in_thread(load: Callable[..., Model], model: str, options: dict[str, Any]) -> Model:
    """A blocking load. Raises `EngineFailure` for a device that torch cannot use."""
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
