"""A checkpoint that DuckDB refuses because of another transaction is tried again, and costs nobody
a run."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa

from backend.core.errors import StorageFailure
from storage import Store, queries
from storage.database import CHECKPOINT_BUSY, CHECKPOINT_TRIES

BUSY = f"Cannot CHECKPOINT: there are {CHECKPOINT_BUSY}"


def refusing(times: int, message: str, asked: list[str]) -> sa.Executable:
    """What DuckDB is asked instead of a checkpoint: an error of its own so many times, then the
    checkpoint."""
    asked.append(message)
    return sa.text(f"SELECT error('{message}')" if len(asked) <= times else "CHECKPOINT")


@pytest.mark.parametrize("times", [2, CHECKPOINT_TRIES])
def test_a_refused_checkpoint_is_tried_again_and_then_put_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, times: int
) -> None:
    asked: list[str] = []
    store = Store.open(tmp_path / "runs.duckdb")
    store.set_setting("runs at once", 3)
    with monkeypatch.context() as patched:
        patched.setattr(queries, "checkpoint", lambda: refusing(times, BUSY, asked))
        store._database.checkpoint()
    assert len(asked) == min(times + 1, CHECKPOINT_TRIES)
    store.close()
    again = Store.open(tmp_path / "runs.duckdb")
    assert again.settings() == {"runs at once": 3}
    again.close()


def test_any_other_failure_of_a_checkpoint_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store.open(tmp_path / "runs.duckdb")
    with monkeypatch.context() as patched:
        patched.setattr(queries, "checkpoint", lambda: refusing(1, "the disk is on fire", []))
        with pytest.raises(StorageFailure, match="on fire"):
            store._database.checkpoint()
    store.close()
