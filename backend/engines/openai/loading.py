"""How a completions server is opened as an engine of this process."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import NamedTuple

from backend.core.errors import BadInput, EngineFailure
from backend.engines.openai.engine import OpenAiEngine


class Chosen(NamedTuple):
    """A model (None: the server's first), the server's address, and its key."""

    model: str | None
    url: str
    key: str | None


async def load_policy(
    model: str,
    *,
    base_url: str | None,
    api_key_env: str,
    tokenizer: str | None,
    delimiter: str,
    timeout_seconds: float,
    servers: str = "{}",
    allowed: str = "null",
) -> OpenAiEngine:
    """The model of that name on the server, or the server's first where the name is empty;
    `MODEL@SERVER` and `@SERVER` name another server than the one at `base_url`.

    `servers` are the addresses of servers by name, `allowed` the addresses that may be asked (null:
    any), both as JSON. Raises `EngineFailure` where no server is named, it may not be asked, or it
    does not answer.
    """
    chosen = choose(model, base_url, json.loads(servers), api_key_env)
    permitted = json.loads(allowed)
    if permitted is not None and base_url is not None:
        permitted.append(base_url)
    own = tokenizer if chosen.url == base_url else None
    return await OpenAiEngine.connect(
        chosen.url,
        chosen.model,
        api_key=chosen.key,
        tokenizer=None if own is None else Path(own),
        delimiter=delimiter,
        timeout_seconds=timeout_seconds,
        allowed=permitted,
    )


def choose(model: str, base_url: str | None, servers: dict[str, str], api_key_env: str) -> Chosen:
    """Which server a model's name means. A key goes to its own server only: the server `name` has
    its own variable, `api_key_env` and `_NAME`."""
    wanted, at, name = model.rpartition("@")
    if at and name in servers:
        variable = f"{api_key_env}_{name.upper().replace('-', '_')}"
        return Chosen(wanted or None, servers[name], os.environ.get(variable))
    if at and not wanted:
        known = (
            ", ".join(f"@{each}" for each in servers) or "no server is named on the settings page"
        )
        raise BadInput("model", given=model, accepted=known)
    if base_url is not None:
        return Chosen(model or None, base_url, os.environ.get(api_key_env))
    if servers and not model:
        first = next(iter(servers))
        return choose(f"@{first}", None, servers, api_key_env)
    raise EngineFailure(
        "no completions server is named",
        "Set ARBORETUM_OPENAI_URL to its address, for example http://localhost:8000/v1, or add it "
        "on the settings page and name it behind the model, as in MODEL@SERVER",
    )
