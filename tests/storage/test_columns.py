"""Reading with and without Arrow."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from backend.core.records import EventRow
from storage import Store
from storage.rows import NodeFull, SeriesScore
from tests.storage.traces import finished_run

ROOT = Path(__file__).resolve().parents[2]
SCORES = [SeriesScore(0, 0.5, (0.25, 0.5), None), SeriesScore(1, None, (), "no score")]
READ = """
import sys
from pathlib import Path
from storage import Store, database
database.FEW_ROWS = int(sys.argv[2])
store = Store.open(Path(sys.argv[1]))
print(len(store.read_paid_nodes(1)), len(store.event_rows(1, limit=None)), store.verify(1))
print("pyarrow" in sys.modules)
"""


def read(store: Store, run_id: int) -> tuple[list[NodeFull], list[EventRow], list[SeriesScore]]:
    return (
        list(store.read_paid_nodes(run_id)),
        list(store.event_rows(run_id, limit=None)),
        list(store.series_scores(run_id, "later")),
    )


def test_rows_are_the_same_without_arrow_as_through_it(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = finished_run(store)
    store.keep_series(run_id, "later", SCORES)
    through = read(store, run_id)
    monkeypatch.delitem(sys.modules, "pyarrow")
    assert read(store, run_id) == through
    assert through[0] and through[1] and through[2] == SCORES


@pytest.mark.parametrize(("few", "imported"), [(10_000, False), (1, True)])
def test_arrow_is_imported_for_many_rows_only(tmp_path: Path, few: int, imported: bool) -> None:
    store = Store.open(tmp_path / "a.duckdb")
    finished_run(store)
    store.close()
    done = subprocess.run(
        [sys.executable, "-c", READ, str(tmp_path / "a.duckdb"), str(few)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    [counts, last] = done.stdout.splitlines()
    assert counts.endswith("[]") and not counts.startswith("0 ")
    assert last == str(imported)
