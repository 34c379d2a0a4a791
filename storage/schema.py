"""Migrations, run at every open: alembic's, without its command line and without a configuration
file."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from backend.core.errors import StorageFailure

MIGRATIONS = Path(__file__).parent / "migrations"


def migrate(connection: sa.Connection, path: Path) -> bool:
    """Bring the tables up to date inside the caller's transaction; whether anything was changed.
    Raises `StorageFailure` for a file from a newer version."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    scripts = ScriptDirectory.from_config(config)
    known = {script.revision for script in scripts.walk_revisions()}
    stored = MigrationContext.configure(connection).get_current_revision()
    if stored is not None and stored not in known:
        raise StorageFailure(
            f"the store {path} was written by a newer version of this program (tables at revision "
            f"{stored}, "
            f"accepted: up to {scripts.get_current_head()}): update the program or choose another "
            "file"
        )
    changed = bool(stored != scripts.get_current_head())
    if changed:
        command.upgrade(config, "head")
    return changed
