"""Problem files that users brought: kept whole, under safe names, and gone when removed."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from backend.core.errors import Conflict, NotFound, StorageFailure, UnreadableProblems
from backend.problems import file as file_module
from backend.problems import shelf as shelf_module
from backend.problems.equivalence import Equivalence
from backend.problems.library import Library
from backend.problems.shelf import Shelf, name_of_file

ROW = b'{"question": "1 + 1?", "answer": 2}\n'


def test_a_file_is_found_by_its_name_until_it_is_removed(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path / "problems")
    library = Library(Equivalence(), {}, shelf)
    assert list(shelf) == [] and not shelf.folder.exists()
    shelf.add(ROW, "mine")
    assert [path.name for path in shelf.folder.iterdir()] == ["mine.jsonl"]
    assert library.find("file:mine/1").answer == "2"
    assert [each.name for each in library.sets][-1] == "file:mine"
    shelf.remove("mine")
    assert library.file_set("file:mine") is None and list(shelf.folder.iterdir()) == []
    with pytest.raises(NotFound):
        shelf.remove("mine")


def test_what_another_process_adds_and_changes_is_seen(tmp_path: Path) -> None:
    shelf, other = Shelf(tmp_path), Shelf(tmp_path)
    other.add(ROW, "mine")
    assert len(shelf["file:mine"].problems) == 1
    (tmp_path / "mine.jsonl").write_bytes(ROW * 3)
    assert len(shelf["file:mine"].problems) == 3
    other.remove("mine")
    assert "file:mine" not in shelf and shelf.get("file:mine") is None


@pytest.mark.parametrize("name", ["../up", "a/b", "a\\b", "", ".hidden", "a b", "x" * 65, "a\0b"])
def test_a_name_that_leads_elsewhere_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(UnreadableProblems, match="cannot be called"):
        Shelf(tmp_path / "problems").add(ROW, name)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("file_name", "name"),
    [
        ("gsm8k.jsonl", "gsm8k"),
        ("../../etc/passwd", "passwd"),
        ("C:\\sets\\AIME 2024.CSV", "AIME-2024"),
        ("..", "problems"),
        ("<img src=x>.json", "img-src-x"),
        ("数学.parquet", "problems"),
        ("x" * 300 + ".jsonl", "x" * 64),
    ],
)
def test_a_set_is_called_after_its_file_as_far_as_that_is_safe(file_name: str, name: str) -> None:
    assert name_of_file(file_name) == name


def test_a_name_that_is_taken_stays_with_its_file(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    shelf.add(ROW, "Mine")
    for name in ("Mine", "mine"):
        with pytest.raises(Conflict, match="remove it, or choose another name"):
            shelf.add(b'[{"question": "other"}]', name)
    assert shelf["file:Mine"].problem(1).question == "1 + 1?"


def test_what_cannot_be_read_is_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shelf = Shelf(tmp_path)
    with pytest.raises(UnreadableProblems, match="line 2: question"):
        shelf.add(ROW + b"{}", "mine")
    monkeypatch.setattr(file_module, "LARGEST_FILE_BYTES", 20)
    with pytest.raises(UnreadableProblems, match="36 bytes; accepted: up to 20"):
        shelf.add(ROW, "mine")
    assert list(tmp_path.iterdir()) == []


def test_the_number_of_files_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shelf_module, "MOST_SETS", 2)
    shelf = Shelf(tmp_path)
    for name in ("a", "b"):
        shelf.add(ROW, name)
    with pytest.raises(Conflict, match="accepted: up to 2"):
        shelf.add(ROW, "c")


def test_a_half_written_file_is_never_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shelf, seen = Shelf(tmp_path), list[list[str]]()
    written = os.fsync

    def watch(number: int) -> None:
        seen.append(list(shelf))
        written(number)

    monkeypatch.setattr(os, "fsync", watch)
    shelf.add(ROW, "mine")
    assert seen == [[]] and list(shelf) == ["file:mine"]


def test_a_full_disk_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(number: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageFailure, match="No space left"):
        Shelf(tmp_path).add(ROW, "mine")
    assert list(tmp_path.iterdir()) == []


def test_what_a_process_left_half_written_is_removed_at_the_next_file(tmp_path: Path) -> None:
    left, fresh = tmp_path / ".old.jsonl.1.part", tmp_path / ".new.jsonl.2.part"
    for part in (left, fresh):
        part.write_bytes(b"{")
    before = time.time() - 7200
    os.utime(left, (before, before))
    Shelf(tmp_path).add(ROW, "mine")
    assert not left.exists() and fresh.exists()


def test_of_many_at_once_one_gets_the_name(tmp_path: Path) -> None:
    shelf, ended = Shelf(tmp_path), list[Any]()

    def add() -> None:
        try:
            ended.append(shelf.add(ROW, "mine").name)
        except Conflict:
            ended.append(None)

    threads = [threading.Thread(target=add) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(ended, key=str) == [None] * 7 + ["file:mine"]


def test_a_file_that_was_spoilt_does_not_hide_the_others(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    shelf.add(ROW, "good")
    (tmp_path / "bad.jsonl").write_text("{")
    assert list(shelf.readable()) == ["file:good"]
