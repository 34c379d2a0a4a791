"""Failures say what a user can do."""

from __future__ import annotations

import pytest

from backend.core.errors import (
    BadInput,
    EngineFailure,
    MissingCapability,
    StorageFailure,
    VerifierFailure,
)
from backend.service.jobs import failure


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (EngineFailure("context full: 4100 of 4096 tokens"), "context full"),
        (EngineFailure("CUDA out of memory while loading"), "out of memory"),
        (EngineFailure("model folder /nowhere does not exist"), "model missing"),
        (EngineFailure("the engine host died (signal 9)"), "engine died"),
        (EngineFailure("something else"), "engine failed"),
        (MissingCapability("needs log-probabilities"), "missing capability"),
        (VerifierFailure("no score in round 3"), "verifier failed"),
        (StorageFailure("disk full"), "store failed"),
        (BadInput("seed", given=-1, accepted="0 or more"), "bad input"),
        (ZeroDivisionError("division by zero"), "internal error"),
    ],
)
def test_every_failure_has_a_kind_a_reason_and_a_remedy(error: Exception, kind: str) -> None:
    found = failure(error)
    assert found.kind == kind
    assert found.reason
    assert found.remedy or kind == "missing capability"


@pytest.mark.parametrize(
    ("reason", "room"),
    [
        ("the disk of the store /a is full: make room. DuckDB says: No space left on device", True),
        ("the disk of the store has 3 MiB left, a run needs at least 64 MiB: delete", True),
        ("node 3 of run 4 cannot be stored: 'utf-8' codec can't encode", False),
        ("the store /a refused: Constraint Error: duplicate key", False),
        ("the writer of run 4 is closed", False),
    ],
)
def test_room_is_asked_for_only_where_the_disk_is_full(reason: str, room: bool) -> None:
    assert ("room" in failure(StorageFailure(reason)).remedy) is room


def test_the_remedy_of_the_engine_counts_more_than_ours() -> None:
    assert (
        failure(EngineFailure("out of memory", "Use fewer particles")).remedy
        == "Use fewer particles"
    )
