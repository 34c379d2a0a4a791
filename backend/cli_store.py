"""`verify-run`, `export` and `import`: whole runs, in and out of the store."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from backend.api.services import Services, open_services
from backend.errors import BadInput
from backend.settings import Settings

DONE, NOT_SOUND = 0, 3
T = TypeVar("T")


def verify_run(options: argparse.Namespace) -> int:
    """Print what is wrong with a stored run or an export file; exit status 3 if anything is."""
    if options.run.isdecimal():
        return report(within(options.db, lambda services: services.store.verify(int(options.run))), as_json=options.json)
    path = existing(Path(options.run))
    with tempfile.TemporaryDirectory() as folder:
        found = within(Path(folder) / "verify.duckdb", lambda services: services.store.verify(services.store.import_run(path)))
    return report(found, as_json=options.json)


def report(found: list[str], *, as_json: bool) -> int:
    if as_json:
        print(json.dumps({"sound": not found, "findings": found}, ensure_ascii=False))
    else:
        print("\n".join(found) or "sound")
    return NOT_SOUND if found else DONE


def export_run(options: argparse.Namespace) -> int:
    """Write a run as a file of JSON lines."""
    within(options.db, lambda services: services.store.export_run(options.run_id, options.path))
    print(json.dumps({"run_id": options.run_id, "path": str(options.path)}) if options.json else f"run {options.run_id} written to {options.path}")
    return DONE


def import_run(options: argparse.Namespace) -> int:
    """Take in an export file."""
    path = existing(options.path)
    run_id = within(options.db, lambda services: services.store.import_run(path))
    print(json.dumps({"run_id": run_id}) if options.json else f"run {run_id}")
    return DONE


def within(db: Path | None, work: Callable[[Services], T]) -> T:
    """The result of `work` on the store of the option or of the environment."""

    async def worked() -> T:
        settings = replace(Settings.from_environment(os.environ, db=db, host="127.0.0.1"), samples=None)
        async with open_services(settings) as services:
            return await asyncio.to_thread(work, services)

    return asyncio.run(worked())


def existing(path: Path) -> Path:
    if not path.is_file():
        raise BadInput("export file", given=str(path), accepted="a file that exists, or the id of a stored run")
    return path


__all__ = ["export_run", "import_run", "verify_run"]
