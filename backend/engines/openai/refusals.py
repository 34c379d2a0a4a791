"""What a server says where it does not answer: when to come back, why not, and whether the context
is full."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Final

MOST_WORDS: Final = 500
LOADING: Final = re.compile(r"\bloading (the )?model\b|\bmodel\b.{0,40}\bloading\b", re.IGNORECASE)
CONTEXT: Final = re.compile(
    r"maximum context"
    r"|context[ _-](length|size|window|overflow)"
    r"|exceed_context|exceeds? (the )?(available |maximum |model'?s )*context"
    r"|(longer|greater) than the (maximum model length|model'?s context|context)"
    r"|maximum model length|max_model_len"
    r"|context the overflows|context shift is disabled|\bn_ctx\b"
    r"|input (is )?too long|prompt (is )?too long"
    r"|max_new_tokens`? must be <=",
    re.IGNORECASE,
)
"""How vLLM, llama.cpp, Ollama, SGLang, LM Studio and TGI say that a prompt does not fit."""


class ServerRefusal(Exception):
    """The server refuses this one request (400, 413, 422); the text is the server's."""


class Busy(Exception):
    """The server asks to come back later; `retry_after` in seconds where it says when. `loading`:
    its model is not there yet."""

    def __init__(self, text: str, retry_after: float | None = None) -> None:
        super().__init__(text)
        self.retry_after, self.loading = retry_after, LOADING.search(text) is not None


def asks_again(status: int, said: str) -> bool:
    """Whether a status is one to come back after: too early, too many, a conflict, a fault of the
    server, a model that is still loading; not a prompt that is too long, whatever its status."""
    if CONTEXT.search(said):
        return False
    return status in (408, 409, 425, 429) or status >= 500 or LOADING.search(said) is not None


def retry_after(headers: Mapping[str, str]) -> float | None:
    """The seconds to wait that a server asks for, in milliseconds, seconds or as a date; None where
    it does not, or not in a way that can be read."""
    for name, factor in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        given = headers.get(name, "").strip()
        try:
            seconds = float(given) * factor
        except ValueError:
            continue
        if math.isfinite(seconds):
            return max(0.0, seconds)
    try:
        moment = parsedate_to_datetime(headers.get("retry-after", ""))
    except ValueError:
        return None
    return max(0.0, moment.timestamp() - time.time())


def words_of(given: object) -> str:
    """The message in an error of any shape."""
    error = given.get("error", given) if isinstance(given, dict) else given
    if not isinstance(error, dict):
        return str(error)[:MOST_WORDS]
    said = str(error.get("message") or error.get("detail") or error)
    kind = error.get("type") or error.get("error_type")
    return (
        f"{said} ({kind})"[:MOST_WORDS]
        if isinstance(kind, str) and kind not in said
        else said[:MOST_WORDS]
    )


def refusal(error: ServerRefusal) -> str:
    """The failure of a request that the server refused; says so if the context is full."""
    full = "context full: " if CONTEXT.search(str(error)) else ""
    return f"{full}the server refused the request: {error}"
