"""The engine of OpenAI-compatible completions servers."""

import os

from backend.engines.entry import EngineEntry, Options, Role
from backend.engines.settings import ModelSettings


def _options(settings: ModelSettings, role: Role) -> Options:
    tokenizer = settings.openai_tokenizer
    return {
        "base_url": settings.base_url,
        "api_key": os.environ.get(settings.api_key_env),
        "tokenizer": None if tokenizer is None else str(tokenizer),
        "delimiter": settings.delimiter,
        "timeout_seconds": settings.timeout_seconds,
    }


ENGINE = EngineEntry(
    name="openai",
    title="Completions server (OpenAI protocol)",
    policy="backend.engines.openai.loading:load_policy",
    scored_by="torch",
    place="here",
    default_model=lambda settings, role: settings.openai_model or "",
    options=_options,
    why_not=lambda settings: (
        "" if settings.base_url else "no server is named; set ARBORETUM_OPENAI_URL"
    ),
)
