"""The engine of OpenAI-compatible completions servers."""

import json

from backend.engines.entry import EngineEntry, Options, Role
from backend.engines.settings import ModelSettings


def _options(settings: ModelSettings, role: Role) -> Options:
    tokenizer = settings.openai_tokenizer
    return {
        "base_url": settings.base_url,
        "api_key_env": settings.api_key_env,
        "tokenizer": None if tokenizer is None else str(tokenizer),
        "delimiter": settings.delimiter,
        "timeout_seconds": settings.timeout_seconds,
        "servers": json.dumps(dict(settings.servers)),
        "allowed": json.dumps(settings.allowed_servers),
    }


ENGINE = EngineEntry(
    name="openai",
    title="Completions server (OpenAI protocol)",
    policy="backend.engines.openai.loading:load_policy",
    scored_by="torch",
    place="here",
    default_model=lambda settings, role: settings.openai_model or "",
    named_models=lambda settings: tuple(f"@{name}" for name in settings.servers),
    options=_options,
    why_not=lambda settings: (
        ""
        if settings.base_url or settings.servers
        else "no server is named; set ARBORETUM_OPENAI_URL, or add one on the settings page"
    ),
)
