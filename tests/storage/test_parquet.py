"""A run leaves as Parquet tables and comes back the same in every column; tables that are not sound
leave nothing behind."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.core.errors import BadInput, Conflict, StorageFailure
from backend.core.types import JSON
from storage import Store
from storage.database import Database
from storage.parquet import EVENTS, NAMES, NODES, RUN, archive
from tests.storage.test_export import FACTS, MAYBE, TEXT, contents, grown
from tests.storage.traces import Trace, finished_run, new_run, trace


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Database:
    return Database.open(tmp_path_factory.mktemp("parquet") / "store.duckdb")


@pytest.fixture(scope="module")
def shared(database: Database) -> Iterator[Store]:
    store = Store(database, lambda: datetime.now(UTC))
    yield store
    store.close()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tables")


def stored(database: Database, table: str, run_id: int) -> list[tuple[Any, ...]]:
    """Every column of a run in a table, but its number, in order."""
    with database.reading() as connection:
        rows = connection.execute(
            sa.text(f"SELECT * EXCLUDE (run_id) FROM {table} WHERE run_id = {run_id} ORDER BY 1")
        ).fetchall()
    return [tuple(row) for row in rows]


@settings(max_examples=15, deadline=None)
@given(whole=grown(), texts=st.tuples(MAYBE, MAYBE, MAYBE), data=st.data())
@pytest.mark.parametrize("format_", ["jsonl", "parquet"])
def test_every_column_comes_back(
    shared: Store,
    database: Database,
    folder: Path,
    format_: str,
    whole: Trace,
    texts: tuple[str | None, ...],
    data: st.DataObject,
) -> None:
    question: dict[str, JSON] = {
        "id": data.draw(TEXT),
        "question": data.draw(TEXT),
        "answer": data.draw(MAYBE),
        **data.draw(FACTS),
    }
    forked = data.draw(st.none() | st.fixed_dictionaries({"run": st.integers(1, 9)}))
    run_id = new_run(shared, problem=question, model=data.draw(TEXT), forked_from=forked)
    writer = shared.writer(run_id)
    writer.append(whole.nodes, whole.events)
    writer.close()
    ended = data.draw(
        st.none() | st.datetimes(datetime(1970, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC))
    )
    answer, reason, error = texts
    shared.update_run(
        run_id,
        status="finished",
        answer=answer,
        reason=reason,
        error=error,
        finished_at=ended,
        correct=data.draw(st.none() | st.booleans()),
        manifest=data.draw(FACTS),
        ledger={**data.draw(FACTS), **whole.ledger},
    )
    path, again = folder / "run.zip", folder / "again.zip"
    shared.export_run(run_id, path, format_)
    copy = shared.import_run(path)
    assert stored(database, "node", copy) == stored(database, "node", run_id)
    assert stored(database, "event", copy) == stored(database, "event", run_id)
    assert shared.verify(copy) == []
    taken, original = shared.run(copy), shared.run(run_id)
    new = ("id", "origin", "stored_at", "manifest", "forked_from")
    assert taken._replace(**{name: getattr(original, name) for name in new}) == original
    assert taken.forked_from == (None if forked is None else {"elsewhere": forked})
    assert list(taken.manifest) == [*original.manifest, "imported"]
    assert {
        name: value for name, value in taken.manifest.items() if name != "imported"
    } == original.manifest
    shared.export_run(copy, again, format_)
    assert again.read_bytes() == path.read_bytes()


def test_a_fork_with_tokens_that_its_origin_paid_is_still_sound_elsewhere(
    shared: Store, folder: Path
) -> None:
    run_id, whole = new_run(shared, forked_from={"run": 3}), trace()
    writer = shared.writer(run_id)
    writer.append(whole.nodes, whole.events)
    writer.close()
    # a fork counts what it paid itself
    shared.update_run(run_id, status="finished", ledger={"generated_tokens": 2})
    for format_ in ("jsonl", "parquet"):
        shared.export_run(run_id, folder / f"fork.{format_}.zip", format_)
        assert shared.verify(shared.import_run(folder / f"fork.{format_}.zip")) == []


def test_tables_are_written_as_a_folder_that_others_read_too(
    shared: Store, database: Database, folder: Path
) -> None:
    run_id = finished_run(shared)
    shared.export_run(run_id, folder / "tables", "parquet")
    assert sorted(path.name for path in (folder / "tables").iterdir()) == sorted(NAMES)
    with database.reading() as connection:
        counted = connection.execute(
            sa.text(f"SELECT count(*), sum(len(token_ids)) FROM '{folder / 'tables' / NODES}'")
        ).one()
    assert tuple(counted) == (7, 15)
    copy = shared.import_run(folder / "tables")
    assert shared.read_paid_nodes(copy) == shared.read_paid_nodes(run_id)
    with pytest.raises(BadInput, match="a folder that does not exist yet"):
        shared.export_run(run_id, folder / "tables", "parquet")


def test_a_run_under_way_and_a_bad_path_say_why(shared: Store, folder: Path) -> None:
    with pytest.raises(Conflict, match="is queued"):
        shared.export_run(new_run(shared), folder / "early", "parquet")
    with pytest.raises(StorageFailure, match="cannot be written"):
        shared.export_run(finished_run(shared), folder / "no folder" / "run", "parquet")
    with pytest.raises(BadInput, match="jsonl, parquet"):
        shared.export_run(finished_run(shared), folder / "run", "csv")
    (folder / "half").mkdir()
    with pytest.raises(BadInput, match=r"run\.parquet"):
        shared.import_run(folder / "half")


Files = dict[str, bytes]


def rows(name: str, change: Callable[[list[dict[str, Any]]], object]) -> Callable[[Files], object]:
    """Change the rows of a table."""

    def edit(files: Files) -> None:
        table = pq.read_table(io.BytesIO(files[name]))
        found = table.to_pylist()
        change(found)
        rewrite(files, name, pa.Table.from_pylist(found, schema=table.schema))

    return edit


def rewrite(files: Files, name: str, table: pa.Table) -> None:
    sink = io.BytesIO()
    pq.write_table(table, sink)
    files[name] = sink.getvalue()


def retyped(files: Files) -> None:
    table = pq.read_table(io.BytesIO(files[NODES]))
    rewrite(
        files,
        NODES,
        table.set_column(
            table.schema.get_field_index("depth"), "depth", table["depth"].cast(pa.string())
        ),
    )


def many(files: Files) -> None:
    """A table of few bytes that unpacks to two gigabytes of text."""
    table = pq.read_table(io.BytesIO(files[NODES]))
    count = 2_000
    columns = [
        pa.array([table[field.name][0].as_py()] * count, field.type) for field in table.schema
    ]
    columns[table.schema.get_field_index("text")] = pa.DictionaryArray.from_arrays(
        pa.array([0] * count, pa.int32()), pa.array(["x" * 2**20])
    )
    names = table.schema.names
    sink = io.BytesIO()
    pq.write_table(pa.table(columns, names=names), sink, store_schema=False)
    files[NODES] = sink.getvalue()


BROKEN: dict[str, tuple[Callable[[Files], object], str]] = {
    "a table missing": (lambda files: files.pop(EVENTS), "without events.parquet"),
    "a stranger": (lambda files: files.update({"../run.parquet": b""}), "no other members"),
    "a table cut off": (lambda files: files.update({NODES: files[NODES][:-20]}), "nodes.parquet"),
    "no table": (lambda files: files.update({EVENTS: b"PAR1"}), "events.parquet"),
    "a column too few": (
        lambda files: rewrite(
            files, NODES, pq.read_table(io.BytesIO(files[NODES])).drop_columns(["key"])
        ),
        "column 'key' of nodes",
    ),
    "a column of another type": (
        retyped,
        "column 'depth' of nodes.parquet: got 'string', accepted: int32",
    ),
    "a wrong depth": (
        rows(NODES, lambda found: found[3].update(depth=9)),
        "row 3 of nodes.parquet.*depth 9",
    ),
    "an orphan": (
        rows(NODES, lambda found: found[3].update(parent_id=66)),
        "row 3 of nodes.parquet.*parent 66",
    ),
    "no id": (rows(NODES, lambda found: found[3].update(id=None)), "id in row 3 of nodes.parquet"),
    "bad JSON": (
        rows(EVENTS, lambda found: found[2].update(data="{")),
        "data in row 2 of events.parquet",
    ),
    "deep JSON": (
        rows(EVENTS, lambda found: found[2].update(data="[" * 100_000)),
        "data in row 2 of events.parquet",
    ),
    "NaN in JSON": (
        rows(EVENTS, lambda found: found[2].update(data='{"a":NaN}')),
        "data in row 2 of events.parquet",
    ),
    "NaN": (
        rows(EVENTS, lambda found: found[2].update(value=float("nan"))),
        "value in row 2 of events.parquet",
    ),
    "JSON of another kind": (
        rows(RUN, lambda found: found[0].update(ledger="[]")),
        "ledger in row 0 of run.parquet",
    ),
    "two runs": (
        rows(RUN, lambda found: found.append(dict(found[0]))),
        "run.parquet: got '2 rows'",
    ),
    "another version": (
        rows(RUN, lambda found: found[0].update(version=9)),
        "run.parquet.*version 1",
    ),
    "a run under way": (
        rows(RUN, lambda found: found[0].update(status="running")),
        "run.parquet.*a run that is over",
    ),
    "endless text": (many, "nodes.parquet: got '.* bytes of text'"),
}


@pytest.fixture(scope="module")
def sound(shared: Store, folder: Path) -> Files:
    shared.export_run(finished_run(shared), folder / "sound", "parquet")
    return {name: (folder / "sound" / name).read_bytes() for name in NAMES}


@pytest.mark.parametrize("name", BROKEN)
def test_broken_tables_are_refused_by_table_and_row_and_leave_nothing_behind(
    shared: Store, database: Database, folder: Path, sound: Files, name: str
) -> None:
    breaking, words = BROKEN[name]
    files, before, path = dict(sound), contents(database), folder / "broken.zip"
    breaking(files)
    assert files != sound
    path.write_bytes(archive(files))
    with pytest.raises(BadInput, match=words):
        shared.import_run(path)
    assert contents(database) == before


def test_an_archive_cut_anywhere_is_refused(
    shared: Store, database: Database, folder: Path, sound: Files
) -> None:
    whole, before = archive(sound), contents(database)
    for end in range(0, len(whole), 701):
        (folder / "cut.zip").write_bytes(whole[:end])
        with pytest.raises(BadInput):
            shared.import_run(folder / "cut.zip")
    assert contents(database) == before


def test_a_file_that_came_from_another_program_keeps_its_source_through_every_export(
    shared: Store, folder: Path
) -> None:
    run_id = finished_run(shared)
    shared.update_run(
        run_id, manifest={"imported": {"format": "treequest", "sha256": "ab"}, "label": "x"}
    )
    for format_ in ("jsonl", "parquet"):
        shared.export_run(run_id, folder / f"source.{format_}.zip", format_)
        copy = shared.import_run(folder / f"source.{format_}.zip")
        mark = shared.run(copy).manifest["imported"]
        assert isinstance(mark, dict)
        assert (mark["format"], mark["before"]) == (
            format_,
            {"format": "treequest", "sha256": "ab"},
        )
        shared.export_run(copy, folder / f"source-again.{format_}.zip", format_)
        assert (folder / f"source-again.{format_}.zip").read_bytes() == (
            folder / f"source.{format_}.zip"
        ).read_bytes()
        assert json.dumps(shared.run(copy).manifest).startswith('{"imported"')
