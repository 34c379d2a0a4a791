"""`verify-run`: whether a stored run, or an export file, holds together. It needs the store
alone."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from backend.core.environment import read_settings
from backend.core.errors import BadInput
from storage import Store

DONE, NOT_SOUND = 0, 3


def verify_run(run: str, db: Path | None, *, as_json: bool) -> int:
    """Print what is wrong with a stored run or an export file; exit status 3 if anything is."""
    found = find_faults(int(run), db) if run.isdecimal() else file_faults(Path(run))
    if as_json:
        print(json.dumps({"sound": not found, "findings": found}, ensure_ascii=False))
    else:
        print("\n".join(found) or "sound")
    return NOT_SOUND if found else DONE


def find_faults(run_id: int, db: Path | None) -> list[str]:
    """What is wrong with a run of the store of the option or of the environment."""
    settings = read_settings(os.environ, db=db, host="127.0.0.1")
    with open_store(settings.db) as store:
        return store.verify(run_id)


def file_faults(path: Path) -> list[str]:
    """What is wrong with the run of a file, which is read into a store of its own. Raises
    `BadInput` for a file that cannot be read."""
    if not path.exists():
        raise BadInput(
            "export file", given=str(path), accepted="a file that exists, or the id of a stored run"
        )
    with (
        tempfile.TemporaryDirectory() as folder,
        open_store(Path(folder) / "verify.duckdb") as store,
    ):
        return store.verify(store.import_run(path))


@contextmanager
def open_store(db: Path) -> Iterator[Store]:
    """The store in a file, closed at the end."""
    store = Store.open(db)
    try:
        yield store
    finally:
        store.close()


__all__ = ["verify_run"]
