"""Labels as files: for the route and for the command. Everything here blocks for reading."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

from backend.core.errors import BadInput
from backend.core.types import JSON
from backend.messages.annotations import EXPORT_FORMATS, ExportFormat
from backend.review.annotate.shapes import LabelledPath, Place, prm800k, processbench
from backend.review.annotate.tables import csv_bytes, parquet_bytes
from backend.service.annotations_tree import RunReading
from backend.service.assembly import Services
from storage import AnnotationRow

FILES: dict[ExportFormat, tuple[str, str]] = {
    "csv": ("annotations.csv", "text/csv; charset=utf-8"), "parquet": ("annotations.parquet", "application/vnd.apache.parquet"),
    "processbench": ("processbench.jsonl", "application/x-ndjson"), "prm800k": ("prm800k.jsonl", "application/x-ndjson"),
}  # fmt: skip
"""Name and media type of each format's file."""


def write_labels(
    services: Services,
    format: str,
    author: str | None = None,
    strategy: str | None = None,
    problem: str | None = None,
    blind_only: bool = False,
    quoted: bool = True,
) -> bytes:
    """The labels that match, as a file. In CSV, texts that a spreadsheet would compute are quoted
    unless `quoted` is off. Raises `BadInput` for the format."""
    if format not in EXPORT_FORMATS:
        raise BadInput(
            "format of an export of labels", given=format, accepted=", ".join(EXPORT_FORMATS)
        )
    rows = services.store.annotations.find(author=author, strategy=strategy, problem=problem)
    rows = [row for row in rows if row.blind or not blind_only]
    if format in ("csv", "parquet"):
        lines = list(flat(services, rows))
        return csv_bytes(lines, quoted=quoted) if format == "csv" else parquet_bytes(lines)
    paths = list(collect_paths(services, rows))
    return json_lines(processbench(paths) if format == "processbench" else prm800k(paths))


def json_lines(records: Iterator[dict[str, JSON]]) -> bytes:
    return "".join(
        json.dumps(record, ensure_ascii=False, allow_nan=False) + "\n" for record in records
    ).encode()


def flat(services: Services, rows: Sequence[AnnotationRow]) -> Iterator[dict[str, Any]]:
    """A line a label, with the text that it is about."""
    names = {category.key: category.name for category in services.store.annotations.codebook()}
    for run_id, labels in groupby(rows, lambda row: row.run_id):
        reading = RunReading(services.store, services.store.run(run_id))
        for row in labels:
            span, text = row.span, ""
            if span is not None:
                text = span.quote
            elif row.kind != "first_error" and row.node is not None and row.step is not None:
                text = reading.step(row.node, row.step).text
            yield {
                **row._asdict(),
                "category_name": names.get(row.label) if row.kind == "category" else None,
                "text": text,
                "span_start": None if span is None else span.start,
                "span_end": None if span is None else span.end,
                "span_tokens": None if span is None else json.dumps(span.json()["tokens"]),
            }


def collect_paths(services: Services, rows: Sequence[AnnotationRow]) -> Iterator[LabelledPath]:
    """The paths that each author labelled, run by run: those with a first wrong step, the chosen
    one, and those that only verdicts lie on."""
    for run_id, found in groupby(rows, lambda row: row.run_id):
        labels = list(found)
        reading = RunReading(services.store, services.store.run(run_id))
        for author in sorted({row.author for row in labels}):
            own = [row for row in labels if row.author == author]
            yield from (
                collect_path(services, reading, own, node) for node in path_ends(reading, own)
            )


def path_ends(reading: RunReading, labels: Sequence[AnnotationRow]) -> list[int]:
    """The last nodes of an author's paths. A verdict on another branch's step that follows one of
    them is an alternative there and needs no path."""
    ends = [row.node for row in labels if row.kind == "first_error" and row.node is not None]
    ends += (
        [] if reading.chosen.node is None or reading.chosen.node in ends else [reading.chosen.node]
    )
    rated = sorted(
        {row.node for row in labels if row.kind == "verdict" and row.node is not None}, reverse=True
    )
    for node in rated:
        covered = any(
            node in {each.id for each in reading.path(end)} or follows(reading, node, end)
            for end in ends
        )
        ends += [] if covered else [node]
    return ends


def follows(reading: RunReading, node: int, end: int) -> bool:
    """Whether the steps that end in `node` come right after steps of the path to `end`."""
    on_path, steps = places(reading, end), places(reading, node)
    before = [place for place in steps if place[0] != node]
    return (
        len(steps) == len(before) + 1
        and before == on_path[: len(before)]
        and len(before) < len(on_path)
    )


def places(reading: RunReading, node: int) -> list[Place]:
    return [(step.node, step.number) for step in reading.steps(node)]


def collect_path(
    services: Services, reading: RunReading, labels: Sequence[AnnotationRow], node: int
) -> LabelledPath:
    """The path to a node with all that its author said of it."""
    row, steps = reading.row, reading.steps(node)
    first = next(
        (each.step for each in labels if each.kind == "first_error" and each.node == node), None
    )
    ratings = {
        (each.node, each.step): each.label
        for each in labels
        if each.kind == "verdict" and each.node is not None and each.step is not None
    }
    on_path = {(step.node, step.number) for step in steps}
    others = [
        (number, reading.step(at, number).text, label)
        for (at, number), label in sorted(ratings.items())
        if (at, number) not in on_path and follows(reading, at, node)
    ]
    return LabelledPath(
        run_id=row.id,
        node=node,
        author=labels[0].author,
        at=max(each.updated_at for each in labels),
        generator=row.model,
        problem=reading.question,
        right_answer=reading.problem.answer,
        answer=reading.answer(node),
        correct=reading.correct(node, services.library),
        score=reading.score(node),
        steps=[step.text for step in steps],
        places=[(step.node, step.number) for step in steps],
        ratings=ratings,
        first_error=first,
        categories=frozenset(each.label for each in labels if each.kind == "category"),
        others=others,
        whole=not reading.goes_on(node),
    )


__all__ = ["FILES", "write_labels"]
