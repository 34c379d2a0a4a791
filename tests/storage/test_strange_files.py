"""A file that is no store of this version is refused in one sentence, and left as it is."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping
from pathlib import Path

import duckdb
import pytest

from backend.core.errors import StorageFailure
from storage import Store

BLOCK = 4096


def store_at(path: Path) -> bytes:
    Store.open(path).close()
    return path.read_bytes()


def make_text(path: Path) -> None:
    path.write_text("no database\n" * 1000)


def make_sqlite(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE music (name)")
    connection.close()


def make_foreign(path: Path) -> None:
    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE TABLE music (name VARCHAR)")


def make_namesake(path: Path) -> None:
    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE TABLE run (id INTEGER)")


def make_newer(path: Path) -> None:
    store_at(path)
    with duckdb.connect(str(path)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '0999'")


def make_short(path: Path) -> None:
    content = store_at(path)
    path.write_bytes(content[: len(content) // 2])


def make_garbled(path: Path) -> None:
    content = bytearray(store_at(path))
    content[3 * BLOCK :: 97] = bytes(len(content[3 * BLOCK :: 97]))
    path.write_bytes(content)


def make_folder(path: Path) -> None:
    path.mkdir()


STRANGE: Mapping[str, tuple[Callable[[Path], None], str]] = {
    "text": (make_text, "is not a DuckDB file: choose another file"),
    "sqlite": (make_sqlite, "is not a DuckDB file: choose another file"),
    "foreign": (make_foreign, "belongs to another program (it holds a table 'music'"),
    "namesake": (make_namesake, "belongs to another program (it holds a table 'run'"),
    "newer": (make_newer, "was written by a newer version of this program"),
    "short": (make_short, "is damaged: put a copy of it back"),
    "garbled": (make_garbled, "is damaged: put a copy of it back"),
    "folder": (make_folder, "is a folder: choose a file"),
}
"""Files by kind: how each is made, and what is said of it."""


@pytest.mark.parametrize("kind", STRANGE)
def test_a_strange_file_is_refused_in_one_sentence(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "store.duckdb"
    make, said = STRANGE[kind]
    make(path)
    before = path.read_bytes() if path.is_file() else None
    with pytest.raises(StorageFailure) as refused:
        Store.open(path)
    assert said in str(refused.value) and str(path) in str(refused.value)
    assert "\n" not in str(refused.value)
    assert before is None or path.read_bytes() == before


def test_a_file_in_the_place_of_a_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "folder").write_text("a file")
    with pytest.raises(StorageFailure, match=r"cannot be made \(File exists\)"):
        Store.open(tmp_path / "folder" / "store.duckdb")
