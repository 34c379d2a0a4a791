"""`verify-run`, `export` and `import`: whole runs, in and out of the store."""

from __future__ import annotations

import asyncio
import json
import os
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from backend.core.errors import BadInput
from backend.core.settings import Settings
from backend.exchange import Given
from backend.service.assembly import Services, open_services
from backend.service.exchange import content_of, take_in, write_out

DONE, NOT_SOUND = 0, 3
T = TypeVar("T")


def verify_run(run: str, db: Path | None, *, as_json: bool) -> int:
    """Print what is wrong with a stored run or an export file; exit status 3 if anything is."""
    if run.isdecimal():
        found = within(db, lambda services: services.store.verify(int(run)))
        return report(found, as_json=as_json)
    path = Path(run)
    if not path.exists():
        raise BadInput(
            "export file", given=str(path), accepted="a file that exists, or the id of a stored run"
        )
    with tempfile.TemporaryDirectory() as folder:
        found = within(
            Path(folder) / "verify.duckdb",
            lambda services: services.store.verify(services.store.import_run(path)),
        )
    return report(found, as_json=as_json)


def report(found: list[str], *, as_json: bool) -> int:
    if as_json:
        print(json.dumps({"sound": not found, "findings": found}, ensure_ascii=False))
    else:
        print("\n".join(found) or "sound")
    return NOT_SOUND if found else DONE


def export_run(
    run_id: int,
    place: Path | None,
    out: Path | None,
    format: str,
    db: Path | None,
    *,
    as_json: bool,
) -> int:
    """Write a run as a file, at `place` or `out`, of which one is given."""
    path = out or place
    if path is None or (out and place):
        raise BadInput(
            "--out",
            given=place and [str(place), str(out)],
            accepted="the one file to write",
        )
    within(db, lambda services: write_out(services, run_id, path, format))
    written = {"run_id": run_id, "path": str(path), "format": format}
    print(json.dumps(written) if as_json else f"run {run_id} written to {path}")
    return DONE


def import_run(
    path: Path,
    format: str,
    question: str | None,
    answer: str | None,
    db: Path | None,
    *,
    as_json: bool,
) -> int:
    """Take in a file, or a folder of Parquet tables."""
    content, given = content_of(path), Given(question, answer)
    taken = within(
        db,
        lambda services: take_in(services, content, path.name, format, given),
    )
    print(
        json.dumps(taken._asdict())
        if as_json
        else "\n".join(f"run {run_id} ({taken.format})" for run_id in taken.run_ids)
    )
    return DONE


def within(db: Path | None, work: Callable[[Services], T]) -> T:
    """The result of `work` on the store of the option or of the environment."""

    async def worked() -> T:
        settings = replace(
            Settings.from_environment(os.environ, db=db, host="127.0.0.1"), samples=None
        )
        async with open_services(settings) as services:
            return await asyncio.to_thread(work, services)

    return asyncio.run(worked())


__all__ = ["export_run", "import_run", "verify_run"]
