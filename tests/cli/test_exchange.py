"""`export` and `import` as a user calls them."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.test_commands import answer, command
from tests.exchange.files import DATA, THOUGHT


def test_a_file_of_another_program_is_imported_exported_in_every_format_and_imported_again(
    tmp_path: Path,
) -> None:
    db = ["--db", str(tmp_path / "a.duckdb"), "--json"]
    done = command("import", str(DATA / "treequest-mcts.json"), "--question", "How many?", *db)
    taken = answer(done)
    assert (done.returncode, taken.pop("format"), taken.pop("run_ids")) == (0, "treequest", [1])
    assert list(taken) == ["remarks"] and taken["remarks"][0].startswith("not read: ")
    for format_, name in (
        ("jsonl", "run.jsonl"),
        ("parquet", "tables"),
        ("parquet", "tables.zip"),
        ("html", "run.html"),
    ):
        path = tmp_path / name
        assert answer(command("export", "1", "--format", format_, "--out", str(path), *db)) == {
            "run_id": 1,
            "path": str(path),
            "format": format_,
        }
        assert path.exists()
    for run_id, name in enumerate(("run.jsonl", "tables", "tables.zip"), 2):
        assert answer(command("import", str(tmp_path / name), *db))["run_ids"] == [run_id]
        told = answer(command("verify-run", str(run_id), *db))
        assert told["sound"] is True and told["findings"] == []
    assert answer(command("verify-run", str(tmp_path / "tables"), "--json"))["sound"] is True
    assert "How many?" in (tmp_path / "run.html").read_text("utf-8")


def test_bad_files_and_names_exit_with_2_and_leave_nothing(tmp_path: Path) -> None:
    db = ["--db", str(tmp_path / "a.duckdb"), "--json"]
    (tmp_path / "cut.json").write_bytes((DATA / "its_hub-best-of-n.json").read_bytes()[:200])
    (tmp_path / "thought.txt").write_text(THOUGHT)
    for arguments, words in (
        (["import", str(tmp_path / "cut.json")], "line "),
        (["import", str(tmp_path / "none")], "No such file"),
        (["import", str(tmp_path / "thought.txt"), "--format", "pickle"], "thinking"),
        (["export", "1"], "--out"),
        (["export", "1", "--format", "html", "--out", str(tmp_path / "x")], "no run 1"),
    ):
        done = command(*arguments, *db)
        assert done.returncode == 2
        assert words in json.dumps(answer(done))
    assert answer(command("import", str(tmp_path / "thought.txt"), *db)) == {
        "format": "thinking",
        "run_ids": [1],
    }
