"""The store: runs, their nodes and their append-only event logs in one DuckDB file, owned by one
process.

`Store` is the only thing the rest of the project uses. Nobody outside this package knows SQLAlchemy
or DuckDB.

Reading order: `tables` (what is stored), `queries` (every SQL statement by name; those of
annotations are in `queries_annotations`), `database` (the file), `writer` (how events get in, a few
times a second, in one transaction), `runs`, `events`, `series` and `annotations` (how rows become
plain values), `verify` (what must hold), `files` with `export` and `parquet` (runs as files, which
whoever needs them imports).
"""

from backend.core.records import EventRow
from storage.annotations import AnnotationRow, Annotations, EditRow, WaitingRun
from storage.rows import NodeFull, NodeRow, RunPage, RunRow, ScoreRow, SeriesScore
from storage.store import Store
from storage.writer import RunWriter

__all__ = [
    "AnnotationRow",
    "Annotations",
    "EditRow",
    "EventRow",
    "NodeFull",
    "NodeRow",
    "RunPage",
    "RunRow",
    "RunWriter",
    "ScoreRow",
    "SeriesScore",
    "Store",
    "WaitingRun",
]
