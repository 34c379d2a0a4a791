"""SQL for the routes: who may ask, and the queries that are kept in the store."""

from __future__ import annotations

from pydantic import ValidationError

from backend.core.errors import BadInput, NotFound
from backend.messages.sql import (
    SqlAnswer,
    SqlColumn,
    SqlCopy,
    SqlQueries,
    SqlQuery,
    SqlTable,
    SqlTables,
)
from backend.service.assembly import Services
from storage.questions import EXAMPLES, CopyInfo, SqlDesk

SAVED = "queries"
MOST_SAVED = 200
FILES = {"csv": "text/csv", "parquet": "application/vnd.apache.parquet"}
"""Formats of a result as a file, with the media type."""


def desk(services: Services) -> SqlDesk:
    """Where queries are answered. Raises `BadInput` where they are switched off."""
    if not services.settings.sql:
        raise BadInput(
            "SQL",
            given="a query",
            accepted=(
                "none: queries are switched off at this service (environment variable "
                "ARBORETUM_SQL)"
            ),
        )
    return services.sql


async def answer(services: Services, query: str) -> SqlAnswer:
    """The rows of a query. Raises `Refusal`."""
    found, copy = await desk(services).ask(query)
    return SqlAnswer(
        columns=_columns(found.columns),
        rows=found.rows,
        cut=found.cut,
        seconds=found.seconds,
        copied_at=copy.taken_at.isoformat(),
    )


async def tables(services: Services) -> SqlTables:
    found = await desk(services).tables()
    return SqlTables(
        tables=[
            SqlTable(name=one.name, meaning=one.meaning, columns=_columns(one.columns))
            for one in found
        ]
    )


def copy_message(info: CopyInfo | None) -> SqlCopy:
    return (
        SqlCopy(copied_at=None, bytes=0)
        if info is None
        else SqlCopy(copied_at=info.taken_at.isoformat(), bytes=info.bytes)
    )


def queries(services: Services) -> SqlQueries:
    """Examples and kept queries. Blocks."""
    examples = [SqlQuery(name=one.name, query=one.query) for one in EXAMPLES]
    return SqlQueries(examples=examples, saved=_read_saved(services))


def keep(services: Services, kept: SqlQuery) -> SqlQueries:
    """Keep a query, in place of an older one of that name. Blocks. Raises `BadInput` where there
    are too many."""
    others = [one for one in _read_saved(services) if one.name != kept.name]
    if len(others) >= MOST_SAVED:
        raise BadInput(
            "kept queries",
            given=len(others) + 1,
            accepted=f"at most {MOST_SAVED}: delete one first",
        )
    return _store(services, [*others, kept])


def forget(services: Services, name: str) -> SqlQueries:
    """Delete a kept query. Blocks. Raises `NotFound`."""
    saved = _read_saved(services)
    left = [one for one in saved if one.name != name]
    if len(left) == len(saved):
        raise NotFound(f"no query is kept as {name!r}")
    return _store(services, left)


def _read_saved(services: Services) -> list[SqlQuery]:
    stored = services.store.settings().get(SAVED)
    found = []
    for one in stored if isinstance(stored, list) else []:
        try:
            found.append(SqlQuery.model_validate(one))
        except ValidationError:  # kept by another version: of no use here
            continue
    return found


def _store(services: Services, saved: list[SqlQuery]) -> SqlQueries:
    ordered = sorted(saved, key=lambda one: one.name.casefold())
    services.store.set_setting(SAVED, [one.model_dump() for one in ordered])
    return queries(services)


def _columns(columns: list[tuple[str, str]]) -> list[SqlColumn]:
    return [SqlColumn(name=name, type=kind) for name, kind in columns]


__all__ = ["FILES", "answer", "copy_message", "desk", "forget", "keep", "queries", "tables"]
