"""Later scores and links leave with a run and come back the same; a file in which they are not
sound leaves nothing behind."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from backend.core.errors import BadInput
from backend.exchange.base import LaterScore, LinkRecord
from storage import SeriesScore, Store
from storage.beside import Beside, append, read_beside
from storage.database import Database
from tests.storage.traces import finished_run

LINKS = [LinkRecord(2, 1, "about"), LinkRecord(2, 1, "sees"), LinkRecord(3, 0, "é")]


@pytest.fixture
def database(tmp_path: Path) -> Database:
    return Database.open(tmp_path / "beside.duckdb")


@pytest.fixture
def run(database: Database) -> tuple[Store, int]:
    """A run with two series and three links."""
    store = Store(database, lambda: datetime.now(UTC))
    run_id = finished_run(store)
    store.keep_series(
        run_id,
        "prm: é",
        [SeriesScore(2, 0.1 + 0.2, (1 / 3, 0.5), None), SeriesScore(1, None, (), "too long")],
    )
    store.keep_series(run_id, "Exact", [SeriesScore(6, 1.0, (), None)])
    with database.writing() as connection:
        append(connection, run_id, Beside(links=LINKS))
    return store, run_id


@pytest.mark.parametrize("name", ["run.jsonl", "run.parquet.zip", "folder"])
def test_scores_and_links_come_back_the_same(
    run: tuple[Store, int], database: Database, tmp_path: Path, name: str
) -> None:
    store, run_id = run
    path, again = tmp_path / name, tmp_path / f"again-{name}"
    store.export_run(run_id, path, "jsonl" if name.endswith("jsonl") else "parquet")
    copy = store.import_run(path)
    found = read_beside(database, copy)
    assert found == read_beside(database, run_id)
    assert found.links == LINKS
    assert found.scores == [
        LaterScore("Exact", 6, 1.0, (), None),
        LaterScore("prm: é", 1, None, (), "too long"),
        LaterScore("prm: é", 2, 0.1 + 0.2, (1 / 3, 0.5), None),
    ]
    if path.is_file():
        store.export_run(copy, again, "jsonl" if name.endswith("jsonl") else "parquet")
        assert again.read_bytes() == path.read_bytes()
    store.close()


def test_a_run_with_nothing_beside_it_is_written_as_before(store: Store, tmp_path: Path) -> None:
    store.export_run(finished_run(store), tmp_path / "run.jsonl")
    header = json.loads((tmp_path / "run.jsonl").read_text("utf-8").splitlines()[0])
    assert header["version"] == 1 and list(header) == [
        "format",
        "version",
        "run",
        "problem",
        "nodes",
        "events",
    ]


BROKEN: dict[str, tuple[Callable[[list[dict[str, object]]], None], str]] = {
    "a score of no node": (
        lambda lines: lines[-6].update(node_id=7),
        r"got 'node 7, which is not there'",
    ),
    "a score that is none": (lambda lines: lines[-6].update(value=1.5), r"got 'score 1.5'"),
    "a score without a series": (
        lambda lines: lines[-6].update(series=""),
        r"a series without a name",
    ),
    "the same score twice": (
        lambda lines: lines[-4].update(lines[-5]),
        r"\('prm: é', 1\) after \('prm: é', 1\)",
    ),
    "a link to no node": (lambda lines: lines[-1].update(dst=7), r"a link from 3 to 7"),
    "links out of order": (lambda lines: lines[-1].update(src=0), r"after \(2, 1, 'sees'\)"),
    "too few links": (lambda lines: lines.pop() and None, r"a file of \d+ lines"),  # type: ignore[func-returns-value]
    "an older number": (lambda lines: lines[0].update(version=0), r"version: 1 to 3"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_not_sound_is_refused_with_its_line(
    run: tuple[Store, int], tmp_path: Path, name: str
) -> None:
    store, run_id = run
    store.export_run(run_id, tmp_path / "run.jsonl")
    lines = [json.loads(line) for line in (tmp_path / "run.jsonl").read_text("utf-8").splitlines()]
    count = len(lines)
    breaking, words = BROKEN[name]
    breaking(lines)
    (tmp_path / "run.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
    with pytest.raises(BadInput, match=words) as refusal:
        store.import_run(tmp_path / "run.jsonl")
    place = int(refusal.value.what.split()[1])
    assert place == {"an older number": 1, "too few links": count - 1}.get(name, place) and (
        place == 1 or count - 6 < place <= count
    )
    assert store.runs().total == 1
    store.close()
