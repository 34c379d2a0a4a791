"""`export` and `import`: whole runs, out of the store and into it."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from backend.core.environment import read_settings
from backend.core.errors import BadInput
from backend.exchange.base import ImportHints
from backend.service.assembly import Services, open_services
from backend.service.exchange import take_in, write_out
from storage.files import read_content

DONE = 0
T = TypeVar("T")


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
    content, given = read_content(path), ImportHints(question, answer)
    taken = within(
        db,
        lambda services: take_in(services, content, path.name, format, given),
    )
    print(
        json.dumps({name: each for name, each in taken._asdict().items() if each})
        if as_json
        else "\n".join(
            [
                *(f"run {run_id} ({taken.format})" for run_id in taken.run_ids),
                *(f"  {remark}" for remark in taken.remarks),
            ]
        )
    )
    return DONE


def within(db: Path | None, work: Callable[[Services], T]) -> T:
    """The result of `work` on the store of the option or of the environment."""

    async def work_within() -> T:
        settings = replace(read_settings(os.environ, db=db, host="127.0.0.1"), samples=None)
        async with open_services(settings) as services:
            return await asyncio.to_thread(work, services)

    return asyncio.run(work_within())


__all__ = ["export_run", "import_run", "within"]
