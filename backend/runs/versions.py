"""The versions by which texts are read: which are the newest, and which are known."""

from __future__ import annotations

from backend.core.errors import BadInput
from backend.core.spec import NEWEST, RunSpec
from backend.problems.extraction import READERS


def with_versions(spec: RunSpec) -> RunSpec:
    """The spec of a new run: with the newest versions where it names none. Raises `BadInput` for a
    version that is unknown."""
    for name, given in spec.read_with.model_dump().items():
        known = READERS if name == "reader" else range(1, getattr(NEWEST, name) + 1)
        if given not in known:
            accepted = ", ".join(map(str, known))
            raise BadInput(f"version of the {name}", given=given, accepted=accepted)
    return spec if spec.versions is not None else spec.model_copy(update={"versions": NEWEST})


__all__ = ["with_versions"]
