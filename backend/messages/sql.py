"""What travels over HTTP about SQL: a query on a copy of the store, what it gives, and the queries
that are kept."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from backend.messages.runs import Answer


class SqlAsk(BaseModel):
    """One query that reads: SELECT, WITH, FROM, VALUES, DESCRIBE, SUMMARIZE, SHOW, EXPLAIN."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    query: str = Field(min_length=1, max_length=20_000)


class SqlColumn(Answer):
    """A column with DuckDB's name of its type."""

    name: str
    type: str


class SqlAnswer(Answer):
    """Rows of a query. What JSON has no form for is text: moments in ISO 8601, bytes in
    hexadecimal, integers beyond 2^53, NaN and infinities.

    `cut` says in words why not all rows are here; empty: they are. `copied_at` is when the copy was
    made that was asked.
    """

    columns: list[SqlColumn]
    rows: list[list[JsonValue]]
    cut: str
    seconds: float
    copied_at: str


class SqlCopy(Answer):
    """The copy of the store that queries see; None: it is made at the first query."""

    copied_at: str | None
    bytes: int


class SqlTable(Answer):
    """A table or view that a query can name, and what it holds."""

    name: str
    meaning: str
    columns: list[SqlColumn]


class SqlTables(Answer):
    tables: list[SqlTable]


class SqlQuery(BaseModel):
    """A query under a name."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(min_length=1, max_length=200)
    query: str = Field(min_length=1, max_length=20_000)


class SqlQueries(Answer):
    """The examples that come with the program, and what was kept in this store, in order of
    name.
    """

    examples: list[SqlQuery]
    saved: list[SqlQuery]


__all__ = [
    "SqlAnswer",
    "SqlAsk",
    "SqlColumn",
    "SqlCopy",
    "SqlQueries",
    "SqlQuery",
    "SqlTable",
    "SqlTables",
]
