"""Why a run failed, in words a user can act on.

A failure has a kind (what a page can recognise), a reason (a sentence) and a remedy. Engines say
what happened in their message; the kinds that users meet most often are recognised there.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from backend.core.errors import (
    ArboretumError,
    BadInput,
    EngineFailure,
    MissingCapability,
    StorageFailure,
    VerifierFailure,
)

CONTEXT_FULL = "context full"
OUT_OF_MEMORY = "out of memory"
MODEL_MISSING = "model missing"
ENGINE_DIED = "engine died"

_MARKS = (
    (
        CONTEXT_FULL,
        ("context full", "context length", "longer than the context", "maximum context"),
    ),
    (OUT_OF_MEMORY, ("out of memory", "outofmemory", "cannot allocate memory")),
    (MODEL_MISSING, ("does not exist", "no such", "not found", "is missing", "no model")),
    (ENGINE_DIED, ("died", "killed", "signal", "exit code", "exited", "ended with", "connection")),
)
"""What engines write when it happens, most specific first."""

_REMEDIES = {
    CONTEXT_FULL: (
        "Lower the depth or the tokens of a step, or choose a model with a longer context"
    ),
    OUT_OF_MEMORY: (
        "Unload a model on the settings page, choose a smaller one, or search with fewer branches"
    ),
    MODEL_MISSING: "Check the model's name or path; the catalogue lists the models that come along",
    ENGINE_DIED: (
        "Resume the run: the engine is started again and what was generated is not paid for twice"
    ),
}


_DISK_FULL = re.compile(r"disk of the store .* (is full|MiB left)|no space left", re.IGNORECASE)


class Failure(NamedTuple):
    """What a failed run shows."""

    kind: str
    reason: str
    remedy: str


def failure(error: Exception) -> Failure:
    """Kind, reason and remedy of what ended a run; always text that can be stored."""
    return Failure(*(text.encode(errors="backslashreplace").decode() for text in _failure(error)))


def _failure(error: Exception) -> Failure:
    match error:
        case MissingCapability():
            return Failure("missing capability", error.reason, error.remedy)
        case EngineFailure():
            kind = _engine_kind(error.reason)
            return Failure(
                kind,
                error.reason,
                error.remedy
                or _REMEDIES.get(
                    kind, "Look at the engine's state on the settings page and resume"
                ),
            )
        case VerifierFailure():
            return Failure(
                "verifier failed",
                str(error),
                "Choose another verifier, or look at the reward model on the settings page",
            )
        case StorageFailure():
            return Failure("store failed", str(error), _store_remedy(str(error)))
        case BadInput():
            return Failure("bad input", str(error), f"Accepted: {error.accepted}")
        case ArboretumError():
            return Failure("refused", str(error), "")
    return Failure(
        "internal error",
        f"{type(error).__name__}: {error}",
        "This is a defect of the program; its log holds the details",
    )


def is_disk_full(reason: str) -> bool:
    """Whether a store failed for want of room."""
    return _DISK_FULL.search(reason) is not None


def _store_remedy(reason: str) -> str:
    """What helps a store: room only where the disk is full."""
    if is_disk_full(reason):
        return "Make room on the disk or delete old runs on the settings page, then resume"
    if "cannot be stored" in reason:
        return "This is a defect of the program: the reason names what it could not store"
    return "Look at the reason, see that the store can be written, then resume"


def _engine_kind(reason: str) -> str:
    lowered = reason.lower()
    return next(
        (kind for kind, marks in _MARKS if any(mark in lowered for mark in marks)), "engine failed"
    )


__all__ = [
    "CONTEXT_FULL",
    "ENGINE_DIED",
    "MODEL_MISSING",
    "OUT_OF_MEMORY",
    "Failure",
    "failure",
    "is_disk_full",
]
