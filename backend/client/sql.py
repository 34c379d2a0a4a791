"""SQL of the typed client: `client.sql("SELECT ...")`, and what belongs to it.

>>> client.sql("SELECT strategy, count(*) FROM run GROUP BY strategy").rows
[['beam_search', 2]]
"""

from __future__ import annotations

from typing import Literal

from backend.client.http import Http
from backend.messages.sql import (
    SqlAnswer,
    SqlAsk,
    SqlCopy,
    SqlQueries,
    SqlQuery,
    SqlTable,
    SqlTables,
)

QUERY_TIMEOUT_S = 120.0


class SqlClient:
    """Queries on a copy of the store. Call it for rows; `tables` says what there is, `renew` makes
    the copy anew."""

    def __init__(self, http: Http) -> None:
        self._http = http

    def __call__(self, query: str) -> SqlAnswer:
        """The first rows of a query."""
        return SqlAnswer.model_validate_json(self._post("/sql", query))

    def file(
        self, query: str, format: Literal["csv", "parquet"] = "csv", *, quoted: bool = True
    ) -> bytes:
        """Many more rows, as a file. In CSV, texts that a spreadsheet would compute begin with an
        apostrophe, unless `quoted` is off."""
        more = {} if quoted else {"quoted": "false"}
        return self._post("/sql/file", query, format=format, **more)

    def copy(self) -> SqlCopy:
        """How old the copy is."""
        return self._http.get("/sql/copy", SqlCopy)

    def renew(self) -> SqlCopy:
        """Make the copy anew."""
        return SqlCopy.model_validate_json(
            self._http.request("POST", "/sql/copy", timeout_s=QUERY_TIMEOUT_S).content
        )

    def tables(self) -> list[SqlTable]:
        return self._http.get("/sql/tables", SqlTables).tables

    def queries(self) -> SqlQueries:
        """Examples and kept queries."""
        return self._http.get("/sql/queries", SqlQueries)

    def keep(self, name: str, query: str) -> SqlQueries:
        """Keep a query in the store, in place of an older one of that name."""
        return self._http.send("PUT", "/sql/queries", SqlQueries, SqlQuery(name=name, query=query))

    def forget(self, name: str) -> SqlQueries:
        response = self._http.request("DELETE", "/sql/queries", params={"name": name})
        return SqlQueries.model_validate_json(response.content)

    def _post(self, path: str, query: str, **params: str) -> bytes:
        content, headers = (
            SqlAsk(query=query).model_dump_json().encode(),
            {"Content-Type": "application/json"},
        )
        return self._http.request(
            "POST", path, params=params, content=content, headers=headers, timeout_s=QUERY_TIMEOUT_S
        ).content


__all__ = ["SqlClient"]
