"""`Store`: everything the project asks of its database, as methods with plain values.

Safe to use from any thread. Methods block for milliseconds (a flush, a checkpoint or a removal for
longer), so an event loop calls them in a thread; only `RunWriter.append` may be called from the
loop itself.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from backend.core.errors import BadInput, Conflict, NotFound, StorageFailure
from backend.core.events import Body, ScoreGiven, kind_of
from backend.core.records import EventRecord, EventRow
from backend.core.types import JSON
from backend.exchange.base import Imported
from storage import beside, queries
from storage import events as codec
from storage.annotations import Annotations
from storage.database import Database
from storage.rows import NodeFull, NodeRow, RunPage, RunRow, ScoreRow, SeriesScore
from storage.runs import Runs, valid_json
from storage.series import SeriesTable
from storage.verify import findings
from storage.writer import Flusher, RunWriter


class Store:
    """One per process and file; made by `open`. Errors are `StorageFailure`, `NotFound`, `BadInput`
    and `Conflict`."""

    def __init__(self, database: Database, now: Callable[[], datetime]) -> None:
        self._database = database
        self._runs = Runs(database, now)
        self._series = SeriesTable(database)
        self._flusher = Flusher(database)
        self.annotations = Annotations(database, now)

    @classmethod
    def open(
        cls, path: Path | str, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> Store:
        """Open or create the file, migrate it and mark runs that an earlier process left unfinished
        as `crashed`.

        Raises `StorageFailure` naming the process that holds the file (this one too), or what is
        wrong with it.
        """
        database = Database.open(Path(path))
        try:
            with database.writing() as connection:
                connection.execute(queries.mark_crashed())
        except StorageFailure:
            database.close()
            raise
        return cls(database, now)

    def close(self) -> None:
        """Flush all writers, checkpoint and let the file go."""
        try:
            self._flusher.close()
        finally:
            self._database.close()

    # runs

    def create_run(
        self,
        spec: dict[str, JSON],
        *,
        problem: dict[str, JSON] | None,
        strategy: str,
        model: str,
        seed: int,
        origin: str = "own",
        forked_from: JSON = None,
        links: Sequence[tuple[int, int, str]] = (),
    ) -> int:
        """A new run with status `queued`; returns its id. `problem` needs `id` and `question`;
        `links` are (node, other node, kind). Raises `StorageFailure` on a full disk."""
        self._database.require_space()
        values: dict[str, Any] = {
            "spec": spec,
            "strategy": strategy,
            "model": model,
            "seed": seed,
            "origin": origin,
            "forked_from": forked_from,
        }
        with self._database.writing() as connection:
            run_id = self._runs.insert(connection, problem, values)
            if links:
                connection.execute(queries.keep_links(run_id, links))
            return run_id

    def update_run(self, run_id: int, **fields: Any) -> None:
        """Set fields of a run: status, model, manifest, ledger, answer, correct, chosen_node,
        reason, limit_axis, limit_value, error, remedy, finished_at (aware time).

        Close the run's writer before the status says that it is over, so that who sees the status
        finds the whole log.
        """
        self._runs.change(run_id, fields)

    def run(self, run_id: int) -> RunRow:
        """One run. Raises `NotFound`."""
        return self._runs.one(run_id)

    def runs(
        self,
        *,
        status: str | None = None,
        strategy: str | None = None,
        problem: str | None = None,
        text: str | None = None,
        limit: int = 100,
        offset: int = 0,
    ) -> RunPage:
        """Runs, newest first. `problem` is a problem id or the name of a set; `text` is found in
        question, answer, model or spec."""
        return self._runs.page(status, strategy, problem, text, limit, offset)

    def forks(self, run_id: int) -> list[RunRow]:
        """The runs of this store that were forked from a run, or continue it, oldest first."""
        return self._runs.forks(run_id)

    def delete_run(self, run_id: int) -> None:
        """Remove a run and its log. Raises `Conflict` while somebody works on it."""
        self._runs.require_over(run_id, to="delete")
        if self._flusher.is_open(run_id):
            raise Conflict(f"run {run_id} is being written: wait for its end before you delete it")
        self._runs.remove([run_id])

    def delete_older(self, days: float) -> int:
        """Remove runs that are over and came into this store more than `days` days ago; returns how
        many."""
        ids = [
            run_id for run_id in self._runs.older_than(days) if not self._flusher.is_open(run_id)
        ]
        if ids:
            self._runs.remove(ids)
        return len(ids)

    def size_bytes(self) -> int:
        """Bytes on disk."""
        return self._database.size_bytes()

    # writing a trace

    def writer(self, run_id: int) -> RunWriter:
        """The sink of a run, continuing where its stored log ends. Raises `NotFound`, or `Conflict`
        if one is open."""
        self._runs.status(run_id)
        return self._flusher.writer(run_id)

    def watch(self, run_id: int, callback: Callable[[int], None]) -> AbstractContextManager[None]:
        """While inside, `callback(last stored seq)` is called after each commit, from the writing
        thread: it must return at once."""
        return self._flusher.watch(run_id, callback)

    # reading a trace

    def nodes(self, run_id: int, *, after_id: int = -1, limit: int | None = None) -> list[NodeRow]:
        """Nodes without token arrays, in order of id."""
        return codec.node_rows(self._database.columns(queries.nodes_after(run_id, after_id, limit)))

    def node(self, run_id: int, node_id: int) -> NodeFull:
        """A node with tokens, log-probabilities and alternatives. Raises `NotFound`."""
        found = self._some(run_id, [node_id])
        if not found:
            raise NotFound(f"run {run_id} has no node {node_id}")
        return found[0]

    def path(self, run_id: int, node_id: int) -> list[NodeFull]:
        """The nodes from the root to this one. Raises `NotFound`."""
        columns = self._database.columns(queries.parents(run_id, node_id))
        parents = dict(zip(columns["id"], columns["parent_id"], strict=True))
        ids: list[int] = []
        current: int | None = node_id
        while current is not None:
            if current not in parents:
                raise NotFound(f"run {run_id} has no node {current}")
            ids.append(current)
            current = parents[current]
        return self._some(run_id, ids)

    def _some(self, run_id: int, ids: Sequence[int]) -> list[NodeFull]:
        return codec.node_fulls(self._database.columns(queries.some_nodes(run_id, ids)))

    def read_paid_nodes(self, run_id: int) -> list[NodeFull]:
        """All nodes with everything, in order of id: what a rerun of the run need not pay again."""
        return codec.node_fulls(self._database.columns(queries.all_nodes(run_id)))

    def events(
        self,
        run_id: int,
        *,
        after: int = -1,
        limit: int | None = 200,
        of: Sequence[type[Body]] | None = None,
        node_id: int | None = None,
    ) -> list[EventRecord]:
        """Events with seq > `after`, in order; of some classes or of all, about one node or
        whatever they are about."""
        kinds = None if of is None else [kind_of(each) for each in of]
        found = self.event_rows(run_id, after=after, limit=limit, kinds=kinds, node_id=node_id)
        return [row.record() for row in found]

    def event_rows(
        self,
        run_id: int,
        *,
        after: int = -1,
        limit: int | None = 200,
        kinds: Sequence[str] | None = None,
        node_id: int | None = None,
    ) -> list[EventRow]:
        """The same as it is stored, for whoever sends or copies it; `kinds` are the words for
        classes of events."""
        return codec.event_rows(
            self._database.columns(queries.events_after(run_id, after, limit, kinds, node_id))
        )

    def scores(self, run_id: int, node_id: int | None = None) -> list[ScoreRow]:
        """All opinions of verifiers, in order of seq; of one node or of all."""
        return codec.score_rows(self.events(run_id, limit=None, of=[ScoreGiven], node_id=node_id))

    def last_seq(self, run_id: int) -> int:
        """The last stored sequence number, -1 for an empty log."""
        last = self._database.value(queries.last_seq(run_id))
        return -1 if last is None else int(last)

    def node_count(self, run_id: int) -> int:
        return int(self._database.value(queries.node_count(run_id)))

    # scores that came after a run

    def series(self, run_id: int) -> dict[str, int]:
        """The series of later scores by name, with how many scores each has."""
        return self._series.names(run_id)

    def series_scores(self, run_id: int, series: str) -> list[SeriesScore]:
        """The scores of a series in order of node; empty where there is no such series."""
        return self._series.scores(run_id, series)

    def keep_series(self, run_id: int, series: str, scores: Sequence[SeriesScore]) -> None:
        """Write a whole series, in place of an older one of that name. Raises `NotFound` for the
        run."""
        self._runs.status(run_id)
        self._series.keep(run_id, series, scores)

    # settings

    def settings(self) -> dict[str, JSON]:
        """All settings by name."""
        return {row.name: row.value for row in self._database.rows(queries.all_settings())}

    def set_setting(self, name: str, value: JSON) -> None:
        """Keep a setting; None forgets it. Raises `BadInput` for what is not JSON."""
        if not name:
            raise BadInput("name of a setting", given=name, accepted="a text")
        valid_json(f"setting {name}", value)
        with self._database.writing() as connection:
            connection.execute(
                queries.drop_setting(name) if value is None else queries.keep_setting(name, value)
            )

    # whole runs and the whole store

    def verify(self, run_id: int) -> list[str]:
        """What is wrong with a stored run, one sentence each; empty when it is sound. Raises
        `NotFound`."""
        run = self.run(run_id)
        found = findings(run, self.read_paid_nodes(run_id), self.event_rows(run_id, limit=None))
        return [finding.text for finding in found]

    def export_run(self, run_id: int, path: Path | str, format: str = "jsonl") -> None:
        """Write a run that is over as JSON lines (`jsonl`) or as Parquet tables (`parquet`: a
        folder, or an archive where the path ends in `.zip`).

        Raises `Conflict` for a run that somebody works on.
        """
        from storage.files import WRITERS  # heavier than what most commands do

        if format not in WRITERS:
            raise BadInput("format of an export", given=format, accepted=", ".join(WRITERS))
        self._runs.require_over(run_id, to="export")
        WRITERS[format](
            Path(path),
            self.run(run_id),
            self.read_paid_nodes(run_id),
            self.event_rows(run_id, limit=None),
            beside.read_beside(self._database, run_id),
        )

    def import_run(self, path: Path | str) -> int:
        """Read a run from an export (a file, an archive or a folder) and return its new id. Raises
        `BadInput` with the place; then nothing was stored."""
        from storage.files import own_run, read_content

        path = Path(path)
        return self.import_runs([own_run(read_content(path), path.name)])[0]

    def import_runs(self, runs: Sequence[Imported]) -> list[int]:
        """Store runs that were read from a file, all or none, and return their new ids."""
        from storage.arrow import append, encode

        self._database.require_space()
        with self._database.writing() as connection:
            run_ids = [self._runs.insert(connection, run.problem, run.values) for run in runs]
            for run_id, run in zip(run_ids, runs, strict=True):
                append(connection, encode(run_id, run.nodes, run.events))
                beside.append(connection, run_id, beside.Beside(run.scores, run.links))
        self._database.checkpoint()
        return run_ids

    def snapshot(self, path: Path | str) -> None:
        """Copy the store, as it is stored now, into a new file while it is in use. Raises
        `BadInput` if the file exists."""
        self._database.snapshot(Path(path))
