"""`annotations export`, run as a user runs it."""

from __future__ import annotations

import json
from pathlib import Path

from backend.review.annotate.labels import Label
from storage import Store
from tests.cli.test_commands import answer, command
from tests.storage.traces import finished_run


def test_labels_are_written_as_a_file_or_the_format_is_refused_with_those_there_are(
    tmp_path: Path,
) -> None:
    db, out = tmp_path / "a.duckdb", tmp_path / "bench.jsonl"
    store = Store.open(db)
    run_id = finished_run(store)
    store.annotations.save(run_id, Label("first_error", "1", 6, 1), "Ada")
    store.annotations.save(run_id, Label("first_error", "-1", 6, -1), "Bo")
    store.close()
    done = command(
        "annotations",
        "export",
        "--format",
        "processbench",
        "--author",
        "Ada",
        "--out",
        str(out),
        "--db",
        str(db),
        "--json",
    )
    assert done.returncode == 0, done.stderr
    assert answer(done) == {"path": str(out), "format": "processbench", "bytes": out.stat().st_size}
    (line,) = [json.loads(line) for line in out.read_text("utf-8").splitlines()]
    assert (line["label"], line["final_answer_correct"], line["generator"]) == (
        1,
        True,
        "classroom",
    ) and len(line["steps"]) > 1
    refused = command(
        "annotations", "export", "--format", "xlsx", "--out", str(out), "--db", str(db), "--json"
    )
    assert (
        refused.returncode == 2
        and answer(refused)["accepted"] == "csv, parquet, processbench, prm800k"
    )
