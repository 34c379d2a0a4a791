"""Where queries are taken in: the copy they see, how many run at a time, what tables there are."""

from __future__ import annotations

import asyncio
from typing import NamedTuple

from backend.core.errors import Conflict
from storage.questions.child import FILE_LIMITS, Format, QueryAnswer, SqlLimits, ask
from storage.questions.copies import CopyInfo, StoreCopy

AT_ONCE = 2
PATIENCE_S = 30.0
"""How long a query waits for others to end."""

SCHEMA = """
SELECT c.table_name, c.column_name, c.data_type FROM duckdb_columns() AS c
WHERE NOT c.internal AND c.table_name <> 'alembic_version'
ORDER BY c.table_name, c.column_index"""

MEANINGS = {
    "run": (
        "one row a run: what was asked, how it ended, what it cost (spec, manifest and ledger "
        "are JSON)"
    ),
    "problem": "questions and right answers, joined by run.problem_key = problem.key",
    "node": "one row a node: text, parent, depth, tokens with log-probabilities",
    "event": "the log of each run in order of seq; data is JSON",
    "score": "scores that other verifiers gave after a run, by series",
    "link": "relations between nodes that are not parentage",
    "annotation": "what people say of runs, steps and stretches of text",
    "category": "the codebook: names of errors that labels use",
    "edit": "every change of an annotation or of the codebook, with who, when, before and after",
    "sight": "which author was shown which run's scores and verdicts, and when",
    "setting": "settings of the service",
    "cost": "view: the ledger of each run as numbers",
    "step_score": "view: the scores that each search went by, one row a scored node",
    "pruning": (
        "view: one row a pruned node, with the reason and the value that it would have needed"
    ),
    "verdict": (
        "the answer of each run beside the right one, and its grade: right, wrong, undecided (the "
        "grader could not tell) or not graded (it was never asked)"
    ),
    "chosen_answer": (
        "view: each change of the answer while a run went on, with the tokens spent until then"
    ),
    "solution": "view: finished nodes with the answer they write, read by a simple rule",
}


class StoreTable(NamedTuple):
    """A table or view with its columns (name, type) and what it holds."""

    name: str
    meaning: str
    columns: list[tuple[str, str]]


QUERY_LIMITS = SqlLimits()


class SqlDesk:
    """Answers queries; one for each store."""

    def __init__(
        self,
        copy: StoreCopy,
        limits: SqlLimits = QUERY_LIMITS,
        file_limits: SqlLimits = FILE_LIMITS,
    ) -> None:
        self.copy, self.limits, self.file_limits = copy, limits, file_limits
        self._places = asyncio.Semaphore(AT_ONCE)
        self._tables: tuple[CopyInfo, list[StoreTable]] | None = None

    async def ask(
        self, query: str, format: Format = "json", *, quoted: bool = True
    ) -> tuple[QueryAnswer, CopyInfo]:
        """What a query gives, and of which copy. Raises `Refusal`, and `Conflict` where too many
        others are running."""
        info = await asyncio.to_thread(self.copy.there)
        try:
            await asyncio.wait_for(self._places.acquire(), PATIENCE_S)
        except TimeoutError:
            raise Conflict(
                f"{AT_ONCE} other queries are running: try again when they have ended"
            ) from None
        try:
            limits = self.limits if format == "json" else self.file_limits
            return await ask(info.path, query, limits, format, quoted=quoted), info
        finally:
            self._places.release()

    async def tables(self) -> list[StoreTable]:
        """The tables and views that a query can name."""
        info = await asyncio.to_thread(self.copy.there)
        if self._tables is None or self._tables[0] != info:
            answer, info = await self.ask(SCHEMA)
            columns: dict[str, list[tuple[str, str]]] = {}
            for table, column, kind in answer.rows:
                columns.setdefault(str(table), []).append((str(column), str(kind)))
            order = [
                *(name for name in MEANINGS if name in columns),
                *(name for name in columns if name not in MEANINGS),
            ]
            self._tables = (
                info,
                [StoreTable(name, MEANINGS.get(name, ""), columns[name]) for name in order],
            )
        return self._tables[1]


__all__ = ["MEANINGS", "SqlDesk", "StoreTable"]
