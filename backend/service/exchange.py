"""Runs as files, in and out: for the routes and for the commands."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from msgspec import structs

from backend.core.errors import BadInput, Conflict
from backend.core.events import AnswerChanged, Kept, Pruned, Resampled, ScoreGiven, kind_of
from backend.core.grades import GRADED_BY
from backend.core.records import EventRow
from backend.core.types import JSON
from backend.exchange.archive import is_archive
from backend.exchange.base import REMARKS, Imported, ImportHints
from backend.exchange.formats import check_readable, formats_in_order, parse_file, recognise
from backend.exchange.html import page
from backend.exchange.svg import drawing
from backend.messages.runs import OVER
from backend.problems.answers.grader import GRADER_VERSION
from backend.problems.base import Grade, Problem
from backend.problems.library import Library
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
ANSWER = kind_of(AnswerChanged)


class TakenIn(NamedTuple):
    """What an import made, and what is to be said of the file."""

    format: str
    run_ids: list[int]
    remarks: list[str]


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
    if found not in OWN_IMPORTS:
        runs = [grade_run(run, services.library) for run in runs]
    return TakenIn(found, services.store.import_runs(runs), remarks_on(runs))


def grade_run(run: Imported, library: Library) -> Imported:
    """The run with a verdict on its answer, where the right one is known and the file has none of
    its own. May block for a second."""
    source, problem = run.values["manifest"].get("imported", {}), run.problem or {}
    right = problem.get("answer")
    if run.values["chosen_node"] is None or not isinstance(right, str):
        return run
    if run.values["correct"] is not None:
        source[GRADED_BY] = "the file"
        return run
    meta = problem.get("meta")
    grade = library.grade(
        Problem(
            "",
            f"imported {problem.get('dataset')}",
            None,
            None,
            str(problem.get("question") or ""),
            right,
            meta if isinstance(meta, dict) else {},
        ),
        run.values["answer"],
    )
    source[GRADED_BY] = f"grader {GRADER_VERSION}"
    events = [_judge(event, grade) if event.kind == ANSWER else event for event in run.events]
    return run._replace(values={**run.values, "correct": grade.correct}, events=events)


def _judge(event: EventRow, grade: Grade) -> EventRow:
    """The event of an answer with the verdict on it."""
    record = event.record()
    assert isinstance(record.body, AnswerChanged)
    body = structs.replace(
        record.body,
        correct=grade.correct,
        reason=record.body.reason or grade.reason,
        grader=GRADER_VERSION,
    )
    return structs.replace(record, body=body).row()


def remarks_on(runs: Sequence[Imported]) -> list[str]:
    """What is to be said of the file of these runs, each remark once."""
    said = dict[str, None]()
    for run in runs:
        source = run.values["manifest"].get("imported")
        for remark in source.get("remarks", ()) if isinstance(source, dict) else ():
            said[remark] = None
    return list(said)[:REMARKS]


def format_of(content: bytes) -> str:
    """The format of a file, by what it holds. Raises `BadInput` where it is of none, with the place
    where it cannot be read at all."""
    found = (
        "jsonl"
        if looks_own(content)
        else recognise(content) or ("parquet" if is_archive(content) else None)
    )
    if found is not None:
        return found
    if content.strip():
        check_readable(content)
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
