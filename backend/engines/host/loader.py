"""Inside the engine host: from a model's specification to a loaded model, by the entry of its
engine. Heavy imports happen here, at the first use of each engine."""

from __future__ import annotations

from backend.core.ports import Engine, RewardModel
from backend.engines.entry import ENGINES
from backend.engines.host.wire import ModelSpec


async def load(spec: ModelSpec) -> Engine | RewardModel:
    """Load the model. Whatever it raises is reported to the parent."""
    return await ENGINES[spec.engine].load(spec.role, spec.model, spec.options())
