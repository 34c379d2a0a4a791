"""Which models a server has and how long their context is, in the shapes in which servers tell."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

CONTEXT_FIELDS: Final = (
    "max_model_len",
    "n_ctx",
    "loaded_context_length",
    "context_length",
    "max_context_length",
    "context_window",
)
"""How vLLM and SGLang, llama.cpp, LM Studio and others name the context, most exact first."""
UNNAMED: Final = "default"
"""The model's name toward a server that lists none, where none was named."""


class ModelCard(NamedTuple):
    """A model's name, who serves it, and its context in tokens (0 where the server does not
    tell)."""

    name: str
    server: str
    context: int


def cards_in(listed: object) -> list[ModelCard]:
    """The models of an answer to `/models`: `data` of OpenAI's shape, `models` of Ollama's, or a
    plain list. Raises `ValueError` for anything else."""
    entries = listed
    if isinstance(listed, Mapping):
        entries = listed.get("data") or listed.get("models")
        entries = [] if entries is None and ("data" in listed or "models" in listed) else entries
    if not isinstance(entries, list):
        raise ValueError("no list of models in it")
    return [card_of(entry) for entry in entries]


def card_of(entry: object) -> ModelCard:
    """One model. Raises `ValueError` for an entry without a name."""
    if isinstance(entry, str):
        return ModelCard(entry, "", 0)
    if isinstance(entry, Mapping):
        names = (entry.get(key) for key in ("id", "name", "model"))
        if name := next((str(name) for name in names if name), ""):
            return ModelCard(name, str(entry.get("owned_by") or ""), context_in(entry))
    raise ValueError("a model without a name")


def context_in(entry: object) -> int:
    """The context in tokens that a mapping tells, itself or in `meta`, `details` or
    `default_generation_settings`; 0 where it tells none."""
    tables = list(tables_in(entry))
    found = (table.get(name) for name in CONTEXT_FIELDS for table in tables)
    return next((size for value in found if (size := positive(value))), 0)


def tables_in(entry: object) -> Iterator[Mapping[str, object]]:
    """The mapping itself and those inside that may tell the context."""
    if isinstance(entry, Mapping):
        yield entry
        for name in ("meta", "details", "default_generation_settings"):
            if isinstance(inner := entry.get(name), Mapping):
                yield inner


def positive(value: object) -> int:
    """A count as a whole number above 0, else 0."""
    try:
        number = int(value) if isinstance(value, (int, float, str)) else 0
    except (ValueError, OverflowError):
        return 0
    return number if 0 < number < 2**31 else 0
