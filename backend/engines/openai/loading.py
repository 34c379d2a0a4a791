"""How a completions server is opened as an engine of this process."""

from __future__ import annotations

from pathlib import Path

from backend.core.errors import EngineFailure
from backend.engines.openai.engine import OpenAiEngine


async def load_policy(
    model: str,
    *,
    base_url: str | None,
    api_key: str | None,
    tokenizer: str | None,
    delimiter: str,
    timeout_seconds: float,
) -> OpenAiEngine:
    """The model of that name on the server, or the server's first where the name is empty. Raises
    `EngineFailure` where no server is named, or it does not answer."""
    if base_url is None:
        raise EngineFailure(
            "no completions server is named",
            "Set ARBORETUM_OPENAI_URL to its address, for example http://localhost:8000/v1",
        )
    return await OpenAiEngine.connect(
        base_url,
        model or None,
        api_key=api_key,
        tokenizer=None if tokenizer is None else Path(tokenizer),
        delimiter=delimiter,
        timeout_seconds=timeout_seconds,
    )
