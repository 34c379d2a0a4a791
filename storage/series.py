"""Series of scores that came after a run: another verifier's opinions of the nodes that are stored.

The log of a run is closed when it ends, and what it says of scores is what the search went by. So a
later verifier speaks beside it.
"""

from __future__ import annotations

from collections.abc import Sequence

from backend.core.errors import BadInput
from storage import queries
from storage.database import Database
from storage.rows import SeriesScore


class SeriesTable:
    """The table of later scores."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def names(self, run_id: int) -> dict[str, int]:
        """The series of a run with the number of their scores, by name."""
        return {row.series: row.scores for row in self._database.rows(queries.all_series(run_id))}

    def scores(self, run_id: int, series: str) -> list[SeriesScore]:
        """In order of node; empty where there is no such series."""
        columns = self._database.columns(queries.one_series(run_id, series))
        rows = zip(
            columns["node_id"], columns["value"], columns["steps"], columns["reason"], strict=True
        )
        return [
            SeriesScore(node_id, value, tuple(steps), reason)
            for node_id, value, steps, reason in rows
        ]

    def keep(self, run_id: int, series: str, scores: Sequence[SeriesScore]) -> None:
        """Write a whole series, in place of an older one of that name. Raises `BadInput` unless it
        has a name, and one score a node."""
        if not series or len({score.node_id for score in scores}) < len(scores):
            raise BadInput(
                "series of scores", given=series, accepted="a name, and one score a node"
            )
        from storage.arrow import append_scores

        rows = [{"run_id": run_id, "series": series, **score._asdict()} for score in scores]
        with self._database.writing() as connection:
            connection.execute(queries.drop_series(run_id, series))
            append_scores(connection, rows)


__all__ = ["SeriesTable"]
