"""The tables of a file are those of the models, however old the file is; a newer file is left
alone."""

from __future__ import annotations

import lzma
from pathlib import Path

import duckdb
import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from backend.core.errors import StorageFailure
from storage.database import Database
from storage.schema import MIGRATIONS, newest_revision
from storage.tables import Base
from tests.storage.traces import new_run, opened

STORES = Path(__file__).parent / "stores"
"""Stores of earlier versions, packed."""


def execute(path: Path, statement: str) -> list[tuple[object, ...]]:
    """Run a statement on a file that no store has open."""
    with duckdb.connect(str(path)) as connection:
        return connection.execute(statement).fetchall()


def test_an_empty_folder_becomes_a_store_with_every_table(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "store.duckdb"
    Database.open(path).close()
    tables = {row[0] for row in execute(path, "SELECT table_name FROM duckdb_tables()")}
    assert tables == {*Base.metadata.tables, "alembic_version"}


def test_the_migrations_lead_to_exactly_the_models(tmp_path: Path) -> None:
    database = Database.open(tmp_path / "store.duckdb")
    with database.reading() as connection:
        assert (
            compare_metadata(
                MigrationContext.configure(connection, opts={"compare_type": True}), Base.metadata
            )
            == []
        )
    database.close()


def test_the_comparison_with_the_models_sees_a_missing_column(tmp_path: Path) -> None:
    database = Database.open(tmp_path / "store.duckdb")
    with database.writing() as connection:
        connection.execute(sa.text("ALTER TABLE setting DROP COLUMN value"))
    with database.reading() as connection:
        assert (
            compare_metadata(
                MigrationContext.configure(connection, opts={"compare_type": True}), Base.metadata
            )
            != []
        )
    database.close()


def test_opening_again_changes_nothing(tmp_path: Path) -> None:
    store = opened(tmp_path)
    run_id = new_run(store)
    store.update_run(run_id, status="finished")
    run = store.run(run_id)
    store.close()
    store = opened(tmp_path)
    assert store.run(run_id) == run
    store.close()


def test_a_newer_file_is_refused_with_both_revisions_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "store.duckdb"
    store = opened(tmp_path)
    run_id = new_run(store)
    store.close()
    execute(path, "UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(
        StorageFailure,
        match=(
            r"newer version of this program \(tables at revision 9999, accepted: up to 0005\): "
            r"update the program"
        ),
    ):
        opened(tmp_path)
    assert execute(path, "SELECT status FROM run") == [("queued",)], (
        "the refused store marked a run of the newer program"
    )
    execute(path, "UPDATE alembic_version SET version_num = '0005'")
    store = opened(tmp_path)
    assert store.run(run_id).status == "crashed"
    store.close()


def test_a_migration_that_fails_leaves_nothing_behind(tmp_path: Path) -> None:
    path = tmp_path / "store.duckdb"
    execute(path, "CREATE TABLE node (somebody VARCHAR)")
    with pytest.raises(StorageFailure, match="node"):
        opened(tmp_path)
    assert execute(path, "SELECT table_name FROM duckdb_tables()") == [("node",)]


FIRST_ANNOTATION = (
    "CREATE TABLE annotation (id BIGINT DEFAULT nextval('annotation_id_sequence') PRIMARY KEY, "
    "run_id BIGINT NOT NULL, label VARCHAR)"
)


def test_a_file_of_the_first_tables_gets_the_later_ones_and_keeps_its_runs(tmp_path: Path) -> None:
    path = tmp_path / "store.duckdb"
    store = opened(tmp_path)
    run_id = new_run(store)
    store.close()
    for table in ("score", "annotation", "category", "edit", "sight"):
        execute(path, f"DROP TABLE {table}")
    for column in ("origin_run", "limit_axis", "limit_value"):
        execute(path, f"ALTER TABLE run DROP COLUMN {column}")
    execute(path, "DROP SEQUENCE edit_id_sequence")
    execute(path, FIRST_ANNOTATION)
    execute(path, "UPDATE alembic_version SET version_num = '0001'")
    store = opened(tmp_path)
    assert store.run(run_id).status == "crashed"
    assert store.series(run_id) == {} and store.annotations.find() == []
    assert store.annotations.codebook()[0].key == "misread"
    store.close()


def test_a_store_of_before_the_origin_column_opens_with_its_forks(tmp_path: Path) -> None:
    """Kept from revision 0003: run 1, a fork of it (2), a fork of that (3), and run 2 imported
    again (4), whose origin is a run of another store."""
    path = tmp_path / "store.duckdb"
    path.write_bytes(lzma.decompress((STORES / "revision_0003.duckdb.xz").read_bytes()))
    store = opened(tmp_path)
    assert [[fork.id for fork in store.forks(run_id)] for run_id in (1, 2, 3, 4)] == [
        [2],
        [3],
        [],
        [],
    ]
    assert [run.status for run in store.runs().rows] == ["finished"] * 4
    assert len(store.nodes(1)) == 3 and store.run(3).forked_from["run"] == 2
    store.close()
    assert execute(path, "SELECT id, origin_run FROM run ORDER BY id") == [
        (1, None),
        (2, 1),
        (3, 2),
        (4, None),
    ]


def test_the_newest_file_of_migrations_is_the_one_that_alembic_ends_at() -> None:
    """A store is opened without alembic where its tables are at that revision."""
    assert newest_revision() == ScriptDirectory(str(MIGRATIONS)).get_current_head()
