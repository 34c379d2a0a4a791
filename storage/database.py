"""The DuckDB file: opened by one process, migrated at open, with the mistakes of a file system
turned into sentences.

Every thread takes its own connection from the pool (a shared one returns another thread's rows).
All writing goes through one lock, because two transactions that change one row fail each other.
After a fatal error (disk full, for example) DuckDB refuses everything until all connections are
closed; `Database` then reopens by itself, and the caller reads what was stored before it tries
again.

DuckDB locks the file against other processes only. Within one process it would share the file, so
every `Database` connects under a name of its own: DuckDB refuses a second one, because its
configuration differs.
"""

from __future__ import annotations

import logging
import re
import shutil
import sys
import threading
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias

import duckdb
import sqlalchemy as sa

from backend.core.errors import BadInput, StorageFailure
from storage import queries
from storage.schema import migrate

Row: TypeAlias = sa.Row[*tuple[Any, ...]]

FEW_ROWS = 5_000
"""Rows that are read without Arrow where it is not imported."""
REOPEN_SECONDS = 2.0
LEAST_FREE_BYTES = 64 * 2**20
log = logging.getLogger("arboretum.database")
CHECKPOINT_TRIES, CHECKPOINT_WAIT_S, CHECKPOINT_BUSY = 20, 0.05, "other write transactions active"
"""A run is not started with less room than this on the disk."""


class Database:
    """Connections to one file. `reading` and `writing` are transactions; leaving them by an
    exception stores nothing."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._engine = _engine(path)
        self._lock = threading.RLock()

    @classmethod
    def open(cls, path: Path) -> Database:
        """Open or create the file and bring its tables up to date. Raises `StorageFailure` saying
        who holds it or what is wrong with it."""
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as problem:
            raise StorageFailure(
                f"the folder of the store {path} cannot be made ({problem.strerror}): choose another "
                "place, or see what stands there"
            ) from problem
        database = cls(path)
        try:
            while database._migrate():
                # DuckDB cannot replay an added column from the log of a table whose ids come from a
                # sequence, so a file that is killed must find it in the file itself.
                database.checkpoint()
        except (sa.exc.SQLAlchemyError, duckdb.Error) as problem:
            database._engine.dispose()
            raise StorageFailure(open_failure(path, str(_origin(problem)))) from problem
        except StorageFailure:
            database._engine.dispose()
            raise
        return database

    def _migrate(self) -> bool:
        with self._engine.begin() as connection:
            return migrate(connection, self.path)

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """A transaction that only reads."""
        with self._translate(), self._engine.connect() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[sa.Connection]:
        """The one transaction that writes; commits at the end."""
        with self._lock, self._translate(), self._engine.begin() as connection:
            yield connection

    def columns(self, statement: queries.Query) -> dict[str, list[Any]]:
        """The answer column by column, through Arrow: four times as fast as row by row. Where Arrow
        is not imported yet, which takes as long as ten thousand rows, a few rows come without."""
        with self.reading() as connection:
            if "pyarrow" not in sys.modules:
                few: Any = connection.execute(statement)
                rows = few.cursor.fetchmany(FEW_ROWS + 1)
                if len(rows) <= FEW_ROWS:
                    columns = zip(*rows, strict=True) if rows else ((),) * len(few.keys())
                    return dict(zip(few.keys(), map(list, columns), strict=True))
            result: Any = connection.execute(statement.execution_options(duckdb_arrow=True))
            found: dict[str, list[Any]] = result.arrow.to_pydict()
        return found

    def rows(self, statement: queries.Query) -> Sequence[Row]:
        with self.reading() as connection:
            return connection.execute(statement).fetchall()

    def value(self, statement: queries.Query) -> Any:
        """The first column of the first row, or None."""
        with self.reading() as connection:
            return connection.execute(statement).scalar()

    def checkpoint(self) -> None:
        """Fold the write-ahead log into the file, so that a damaged log cannot cost a finished run.
        DuckDB refuses while it sees another transaction that writes; after a second of that the log
        stays until the next time, and nothing is lost by it."""
        for _ in range(CHECKPOINT_TRIES):
            try:
                with self._lock, self._translate(), self._autocommit() as connection:
                    connection.execute(queries.checkpoint())
                return
            except StorageFailure as failure:
                if CHECKPOINT_BUSY not in str(failure):
                    raise
            time.sleep(CHECKPOINT_WAIT_S)
        log.warning(
            "the write-ahead log of %s could not be folded in: other transactions were active",
            self.path,
        )

    def snapshot(self, path: Path) -> None:
        """Copy everything into a new file while the store is in use."""
        if path.exists():
            raise BadInput(
                "file of the snapshot", given=str(path), accepted="a file that does not exist yet"
            )
        part = path.with_name(path.name + ".part")
        part.unlink(missing_ok=True)
        attach, detach = queries.copy_to(str(part))
        with self._lock, self._translate(), self._autocommit() as connection:
            connection.execute(attach)
            try:
                name = connection.dialect.identifier_preparer.quote(
                    str(connection.execute(queries.name_of_database()).scalar())
                )
                connection.execute(queries.copy_all(name))
            finally:
                connection.execute(detach)
        part.rename(path)

    def size_bytes(self) -> int:
        """File and write-ahead log together."""
        files = (self.path, self.path.with_name(self.path.name + ".wal"))
        return sum(file.stat().st_size for file in files if file.exists())

    def require_space(self) -> None:
        """Raises `StorageFailure` when the disk is too full to start a run."""
        free = shutil.disk_usage(self.path.parent).free
        if free < LEAST_FREE_BYTES:
            raise StorageFailure(
                f"the disk of the store has {free / 2**20:.0f} MiB left, a run needs at least "
                f"{LEAST_FREE_BYTES // 2**20} MiB: "
                "delete old runs or other files"
            )

    def close(self) -> None:
        """Checkpoint and let the file go."""
        try:
            self.checkpoint()
        finally:
            self._engine.dispose()

    @contextmanager
    def _autocommit(self) -> Iterator[sa.Connection]:
        with self._engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            yield connection

    @contextmanager
    def _translate(self) -> Iterator[None]:
        try:
            yield
        except database_errors() as problem:
            origin = _origin(problem)
            if isinstance(
                origin, duckdb.FatalException | duckdb.InternalException
            ) or "has been invalidated" in str(origin):
                self._reopen()
            raise StorageFailure(failure(self.path, str(origin))) from problem

    def _reopen(self) -> None:
        """Close every connection and connect anew; readers that are under way hold the old instance
        for a moment."""
        deadline = time.monotonic() + REOPEN_SECONDS
        while True:
            self._engine.dispose()
            try:
                with self._engine.connect() as connection:
                    connection.execute(queries.probe())
                return
            except (sa.exc.SQLAlchemyError, duckdb.Error) as problem:
                if time.monotonic() > deadline:
                    raise StorageFailure(
                        f"the store {self.path} could not be reopened: {_origin(problem)}"
                    ) from problem
                time.sleep(0.05)


def _engine(path: Path) -> sa.Engine:
    """A pooled engine. A missing extension is an error at once, not a download; the name is what
    keeps other engines off the file."""
    config = {
        "autoinstall_known_extensions": False,
        "custom_user_agent": f"store-{uuid.uuid4().hex}",
    }
    url = sa.URL.create("duckdb", database=str(path))
    return sa.create_engine(url, connect_args={"config": config}, pool_size=8, max_overflow=56)


def database_errors() -> tuple[type[Exception], ...]:
    """What a statement may raise. Arrow raises nothing where it is not imported."""
    arrow = sys.modules.get("pyarrow")
    errors = (sa.exc.SQLAlchemyError, duckdb.Error)
    return errors if arrow is None else (*errors, arrow.ArrowException)


def _origin(problem: BaseException) -> BaseException:
    """DuckDB's own error behind SQLAlchemy's."""
    origin = getattr(problem, "orig", None)
    return origin if isinstance(origin, BaseException) else problem


def open_failure(path: Path, message: str) -> str:
    """DuckDB's words about a file it cannot open, as a sentence that says what to do."""
    holder = re.search(r"held in (\S+?)(?: \(deleted\))? \(PID (\d+)\)", message)
    if holder is not None:
        program, pid = Path(holder[1]).name, holder[2]
        return (
            f"the store {path} is already open in another process ({program}, PID {pid}): stop "
            "that process or choose another file"
        )
    if "with a different configuration" in message:
        return (
            f"the store {path} is already open in this process: use the store that is open, or "
            "close it first"
        )
    if path.is_dir():
        return f"the store {path} is a folder: choose a file"
    if "not a valid DuckDB database file" in message or 'extension "sqlite' in message.lower():
        return f"{path} is not a DuckDB file: choose another file"
    if "Corrupt" in message or "Could not read enough bytes" in message:
        return (
            f"the store {path} is damaged: put a copy of it back. DuckDB says: {in_a_line(message)}"
        )
    return f"the store {path} cannot be opened: {in_a_line(message)}"


def in_a_line(message: str) -> str:
    """A message without its line ends: it stands in the middle of a sentence."""
    return " ".join(message.split())


def failure(path: Path, message: str) -> str:
    """What went wrong with an open store."""
    if "No space left on device" in message:
        return f"the disk of the store {path} is full: make room. DuckDB says: {message}"
    return f"the store {path} refused: {message}"
