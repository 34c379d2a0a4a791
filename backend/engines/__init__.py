"""Engines: where text comes from. Importing this package registers all of them: every folder in it
that declares an `ENGINE`."""

from backend.core.registry import import_modules
from backend.engines.entry import ENGINES, EngineEntry

READING_ORDER = ("torch", "vllm", "openai", "scripted")
"""The order of the catalogue; an engine that is not named here comes after these."""

for _folder in import_modules(__name__, first=READING_ORDER, folders=True):
    if isinstance(_entry := getattr(_folder, "ENGINE", None), EngineEntry):
        ENGINES.add(_entry.name, _entry)
