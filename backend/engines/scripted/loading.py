"""How the scripted engine is opened: it has one table, whatever model is named."""

from __future__ import annotations

from backend.engines.scripted.engine import ScriptedEngine, ScriptedRewardModel


async def load_policy(model: str) -> ScriptedEngine:
    """The engine over the toy table that ships."""
    return ScriptedEngine()


async def load_reward(model: str) -> ScriptedRewardModel:
    """Step scores by the toy problem that ships."""
    return ScriptedRewardModel()
