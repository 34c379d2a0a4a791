"""The texts of a node's tokens, asked of the model that wrote them."""

from __future__ import annotations

import asyncio

from backend.core.errors import ArboretumError
from backend.engines.entry import ENGINES
from backend.service.jobs import ModelHost
from storage import NodeFull, RunRow

WAIT_S = 15.0


async def token_texts(
    models: ModelHost, run: RunRow, node: NodeFull, loaded: bool = False
) -> list[str]:
    """One text a token id, special tokens visible; empty where the model is not at hand or is no
    longer the one that wrote them."""
    name = str(run.spec.get("engine", ""))
    entry = ENGINES.find(name)
    quick = entry is not None and entry.quick
    if not node.token_ids or not (quick or loaded):
        return []
    model = run.spec.get("model")
    try:
        async with asyncio.timeout(WAIT_S):
            engine = await models.policy(name, model if isinstance(model, str) else None)
            texts = await engine.tokens(node.token_ids)
    except (ArboretumError, TimeoutError):
        return []
    return texts if fits(texts, node.text) else []


def fits(texts: list[str], text: str) -> bool:
    """Whether the texts spell the node: what may be left over is one end token, and characters
    split over tokens may look broken."""
    joined = "".join(texts)
    return joined.startswith(text) or "\ufffd" in joined or "".join(texts[:-1]) == text


__all__ = ["fits", "token_texts"]
