"""Questions to the store in SQL, answered from a copy by a process of its own."""

from __future__ import annotations

import asyncio
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Response

from backend.api.deps import Needs
from backend.messages.sql import SqlAnswer, SqlAsk, SqlCopy, SqlQueries, SqlQuery, SqlTables
from backend.service import sql

router = APIRouter(tags=["sql"])


@router.post("/sql")
async def ask(asked: SqlAsk, services: Needs) -> SqlAnswer:
    """Put one query to the copy of the store. It can read the copy and nothing else; time, memory
    and rows are bounded."""
    return await sql.answer(services, asked.query)


@router.post("/sql/file", response_class=Response)
async def ask_file(
    asked: SqlAsk,
    services: Needs,
    format: Literal["csv", "parquet"] = "csv",
    quoted: bool = True,
) -> Response:
    """The same as a file, with many more rows. In CSV, texts that a spreadsheet would compute begin
    with an apostrophe, unless `quoted` is off. The header `X-Cut` says in words why not all rows
    are there, where they are not."""
    found, _ = await sql.desk(services).ask(asked.query, format, quoted=quoted)
    headers = {
        "Content-Disposition": f'attachment; filename="query.{format}"',
        "X-Rows": str(found.total),
    }
    return Response(
        found.content,
        media_type=sql.FILES[format],
        headers=headers | ({"X-Cut": found.cut} if found.cut else {}),
    )


@router.get("/sql/copy")
async def copy(services: Needs) -> SqlCopy:
    """How old the copy is that queries see."""
    return sql.copy_message(sql.desk(services).copy.current)


@router.post("/sql/copy")
async def renew(services: Needs) -> SqlCopy:
    """Make the copy anew."""
    return sql.copy_message(await asyncio.to_thread(sql.desk(services).copy.renew))


@router.get("/sql/tables")
async def tables(services: Needs) -> SqlTables:
    """What a query can name."""
    return await sql.tables(services)


@router.get("/sql/queries")
def queries(services: Needs) -> SqlQueries:
    """Examples and kept queries."""
    return sql.queries(services)


@router.put("/sql/queries")
def keep(kept: SqlQuery, services: Needs) -> SqlQueries:
    """Keep a query, in place of an older one of that name."""
    sql.desk(services)
    return sql.keep(services, kept)


@router.delete("/sql/queries")
def forget(
    services: Needs, name: Annotated[str, Query(min_length=1, max_length=200)]
) -> SqlQueries:
    """Delete a kept query."""
    sql.desk(services)
    return sql.forget(services, name)


__all__ = ["router"]
