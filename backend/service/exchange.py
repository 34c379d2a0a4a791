"""Runs as files, in and out: for the routes and for the commands."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import NamedTuple

from backend.core.errors import BadInput, Conflict
from backend.core.events import Kept, Pruned, Resampled, ScoreGiven
from backend.core.types import JSON
from backend.exchange.archive import is_archive
from backend.exchange.base import Imported, ImportHints
from backend.exchange.formats import formats_in_order, parse_file, recognise
from backend.exchange.html import page
from backend.exchange.svg import drawing
from backend.messages.runs import OVER
from backend.review.stored_run import StoredRun
from backend.service import present
from backend.service.assembly import VERSION, Services
from storage import Store
from storage.files import looks_own, own_run

OWN_EXPORTS = {
    "jsonl": (".jsonl", "application/x-ndjson"), "parquet": (".parquet.zip", "application/zip"), "html": (".html", "text/html"),
    "svg": (".svg", "image/svg+xml"),
}  # fmt: skip
"""Formats of an export with the end of a file's name and the media type."""

OWN_IMPORTS = ("jsonl", "parquet")
AUTO = "auto"


class TakenIn(NamedTuple):
    """What an import made."""

    format: str
    run_ids: list[int]


def import_formats() -> list[str]:
    """The formats that an import can be asked to read; `auto` recognises the format itself."""
    return [AUTO, *OWN_IMPORTS, *(each.name for each in formats_in_order())]


NOTHING_GIVEN = ImportHints()


def take_in(
    services: Services,
    content: bytes,
    name: str,
    format: str = AUTO,
    given: ImportHints = NOTHING_GIVEN,
) -> TakenIn:
    """Store the runs of a file called `name`, all of them or none. Blocks. Raises `BadInput` with
    the place of what is wrong."""
    if format not in import_formats():
        raise BadInput("format of an import", given=format, accepted=", ".join(import_formats()))
    found = format_of(content) if format == AUTO else format
    runs = (
        [own_run(content, name)]
        if found in OWN_IMPORTS
        else foreign_runs(found, content, name, given)
    )
    return TakenIn(found, services.store.import_runs(runs))


def format_of(content: bytes) -> str:
    """The format that a file begins like. Raises `BadInput` where it begins like none."""
    found = (
        "jsonl"
        if looks_own(content)
        else recognise(content) or ("parquet" if is_archive(content) else None)
    )
    if found is not None:
        return found
    raise BadInput(
        "format of the file", given=content[:40], accepted=", ".join(import_formats()[1:])
    )


def foreign_runs(format: str, content: bytes, name: str, given: ImportHints) -> list[Imported]:
    """The runs of another program's file, each with its source in the manifest."""
    source: dict[str, JSON] = {
        "sha256": hashlib.sha256(content).hexdigest(),
        "bytes": len(content),
        "file": name,
        "read_by": VERSION,
    }
    runs = parse_file(format, content, given)
    for run in runs:
        run.values["manifest"]["imported"] |= source
    return runs


def write_out(services: Services, run_id: int, path: Path, format: str = "jsonl") -> None:
    """Write a run as a file. Blocks. Raises `BadInput`, `NotFound`, or `Conflict` for a run that
    somebody works on."""
    if format == "png":
        raise BadInput(
            "format of an export",
            given=format,
            accepted="svg here; a PNG is drawn by the browser: menu Export of the page Trace",
        )
    if format not in OWN_EXPORTS:
        raise BadInput("format of an export", given=format, accepted=", ".join(OWN_EXPORTS))
    if format not in ("html", "svg"):
        services.store.export_run(run_id, path, format)
        return
    text = (
        page_of(services.store, run_id) if format == "html" else drawing_of(services.store, run_id)
    )
    part = path.with_name(path.name + ".part")
    try:
        part.write_text(text, encoding="utf-8", newline="\n")
        part.replace(path)
    except OSError as problem:
        raise BadInput(
            "file of the export",
            given=str(path),
            accepted=f"a path that can be written ({problem.strerror})",
        ) from problem


def page_of(store: Store, run_id: int) -> str:
    """A run as a page that needs nothing else."""
    return page(
        _over(store, run_id),
        present.event_fields(store, run_id, store.event_rows(run_id, limit=None)),
    )


def drawing_of(store: Store, run_id: int) -> str:
    """The tree of a run as SVG."""
    return drawing(
        _over(store, run_id),
        store.nodes(run_id),
        store.events(run_id, limit=None, of=(ScoreGiven, Pruned, Kept, Resampled)),
    )


def _over(store: Store, run_id: int) -> dict[str, JSON]:
    """The fields of a run that is over. Raises `Conflict`."""
    row = store.run(run_id)
    shown = present.run_message(row, grade_reason=StoredRun(row, store).grade_reason)
    if shown.status not in OVER:
        raise Conflict(
            f"run {run_id} is {shown.status}: wait for its end or stop it before you export it"
        )
    return shown.model_dump(mode="json")


__all__ = [
    "AUTO",
    "OWN_EXPORTS",
    "TakenIn",
    "drawing_of",
    "import_formats",
    "page_of",
    "take_in",
    "write_out",
]
