"""Inside the engine host: from a model's specification to a loaded model. Heavy imports happen here, at the first use of each engine."""

from __future__ import annotations

import asyncio
from typing import Any, cast

from backend.errors import BadInput
from backend.host_wire import ModelSpec
from backend.ports import Engine, RewardModel


async def load(spec: ModelSpec) -> Engine | RewardModel:
    """Load the model; torch's blocking load runs in a thread so that models already loaded keep answering."""
    options = cast("dict[str, Any]", spec.options())
    match spec.engine, spec.role:
        case "torch", "policy":
            from backend.engines.torch import TorchEngine

            return await asyncio.to_thread(TorchEngine.load, spec.model, **options)
        case "torch", "reward":
            from backend.engines.torch import TorchRewardModel

            return await asyncio.to_thread(TorchRewardModel.load, spec.model, **options)
        case "vllm", "policy":
            from backend.engines.vllm import VllmEngine

            return await VllmEngine.load(spec.model, **options)
        case "vllm", "reward":
            from backend.engines.vllm_reward import VllmRewardModel

            return await VllmRewardModel.load(spec.model, **options)
        case _:
            raise BadInput("engine of a local model", given=spec.engine, accepted="torch, vllm")
