"""Migrations: alembic's, without its command line and without a configuration file. A store that is
up to date is opened without alembic, whose import takes as long as the rest of a command."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa

from backend.core.errors import StorageFailure
from storage import queries

MIGRATIONS = Path(__file__).parent / "migrations"


def newest_revision() -> str:
    """The revision that the newest file of migrations leads to: its name is `rREVISION_what.py`."""
    newest = max(path.stem for path in (MIGRATIONS / "versions").glob("r[0-9]*.py"))
    return newest.partition("_")[0].removeprefix("r")


def migrate(connection: sa.Connection, path: Path) -> bool:
    """Bring the tables a step nearer to today's inside the caller's transaction; whether anything
    was changed. Raises `StorageFailure` for a file from a newer version, or of another program.

    A step is a whole set of tables for an empty file, and one revision for a file that has some:
    DuckDB cannot alter a table whose rows the same transaction has changed, as two revisions may.
    """
    stored = read_revision(connection)
    if stored == newest_revision():
        return False
    foreign = None if stored is not None else connection.execute(queries.any_table()).scalar()
    if foreign is not None:
        raise StorageFailure(
            f"{path} belongs to another program (it holds a table {foreign!r} and none that says "
            "which version of this program made it): choose another file"
        )
    _upgrade(connection, path, stored, "head" if stored is None else "+1")
    return True


def read_revision(connection: sa.Connection) -> str | None:
    """The revision of the tables in the file; None for a file without tables."""
    if connection.execute(queries.revision_table()).scalar() is None:
        return None
    revision: str | None = connection.execute(queries.revision()).scalar()
    return revision


def _upgrade(connection: sa.Connection, path: Path, stored: str | None, target: str) -> None:
    import duckdb_sqlalchemy.alembic_impl  # noqa: F401  (teaches alembic DuckDB)
    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    scripts = ScriptDirectory.from_config(config)
    known = {script.revision for script in scripts.walk_revisions()}
    if stored is not None and stored not in known:
        raise StorageFailure(
            f"the store {path} was written by a newer version of this program (tables at revision "
            f"{stored}, "
            f"accepted: up to {scripts.get_current_head()}): update the program or choose another "
            "file"
        )
    command.upgrade(config, target)
