"""`verify-run`: whether a stored run, or an export file, holds together. It needs the store
alone."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from backend.core.environment import read_settings
from backend.core.errors import BadInput
from backend.core.events import AnswerChanged
from backend.review.versions import version_differences
from storage import Store

DONE, NOT_SOUND = 0, 3


def verify_run(run: str, db: Path | None, *, as_json: bool) -> int:
    """Print what is wrong with a stored run or an export file; exit status 3 if anything is. That
    it was read by older versions than a new run would be is told, and is no fault."""
    found, older = find_faults(int(run), db) if run.isdecimal() else file_faults(Path(run))
    if as_json:
        told = {"sound": not found, "findings": found, "differences": older}
        print(json.dumps(told, ensure_ascii=False))
    else:
        print("\n".join([*(found or ["sound"]), *(f"difference: {each}" for each in older)]))
    return NOT_SOUND if found else DONE


class Checked(NamedTuple):
    """What is wrong with a run, and in what its versions differ from those of a new run."""

    faults: list[str]
    differences: list[str]


def check_run(store: Store, run_id: int) -> Checked:
    """Raises `NotFound`."""
    events = store.events(run_id, limit=None)  # a choice of kinds would import pandas
    graders = {each.body.grader or 1 for each in events if isinstance(each.body, AnswerChanged)}
    row = store.run(run_id)
    return Checked(store.verify(run_id), version_differences(row.spec.get("versions"), graders))


def find_faults(run_id: int, db: Path | None) -> Checked:
    """What is wrong with a run of the store of the option or of the environment."""
    settings = read_settings(os.environ, db=db, host="127.0.0.1")
    with open_store(settings.db) as store:
        return check_run(store, run_id)


def file_faults(path: Path) -> Checked:
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
        return check_run(store, store.import_run(path))


@contextmanager
def open_store(db: Path) -> Iterator[Store]:
    """The store in a file, closed at the end."""
    store = Store.open(db)
    try:
        yield store
    finally:
        store.close()


__all__ = ["verify_run"]
