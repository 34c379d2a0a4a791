"""The models of a stored run, as its manifest describes them."""

from __future__ import annotations

from pydantic import TypeAdapter, ValidationError

from backend.core.ports import Capabilities, EngineInfo
from backend.core.types import JSON

UNKNOWN = EngineInfo("", "", "", "", 0, 0, "\n\n", Capabilities())
_DESCRIBED = TypeAdapter(EngineInfo)


def info_of(described: JSON) -> EngineInfo:
    """Return a model as the manifest of a run describes it. A model that the manifest does not
    describe counts as able to do everything."""
    try:
        return _DESCRIBED.validate_python(described)
    except ValidationError:
        return UNKNOWN


__all__ = ["UNKNOWN", "info_of"]
