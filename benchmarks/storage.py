"""Milliseconds to read a run of 10,000 nodes and 20,000 events out of the store, beside a plain
`select` of the same rows.

The store answers through SQLAlchemy and Arrow and decodes JSON; the plain one is DuckDB's own
`fetchall` on a copy of the file, which gives bare tuples with undecoded JSON. Both are timed in
processor time of this thread, in turn and in the same sitting, best of several; the ratio is what
to compare between machines. Run: `python -m benchmarks.storage`.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import duckdb

from backend.core.events import NodeAdded, ScoreGiven
from backend.core.records import EventRecord, NodeRecord
from storage import Store

NODES = 10_000
TURNS = 15
TEXT = "There are 7 jars left in the box, so that makes 7 + 5 = 12 jars in all.\n\n"
LIGHT = (
    "id, parent_id, depth, kind, role, text, finish, done, key, seq, len(token_ids), "
    "list_avg(logprobs)"
)


class ReadTiming(NamedTuple):
    """One way to read the run, through the store and plainly."""

    name: str
    rows: int
    store: Callable[[], Sequence[object]]
    plain: Callable[[], Sequence[object]]


def fill(store: Store) -> int:
    """A run with one score a node; returns its id."""
    run_id = store.create_run({}, problem=None, strategy="beam_search", model="none", seed=0)
    ids, logprobs = tuple(range(30)), tuple(-0.1 * index / 3 for index in range(30))
    nodes = [
        NodeRecord(
            i,
            (i - 1) // 4 if i else None,
            0,
            "step",
            "policy",
            f"{TEXT}{i}",
            ids,
            logprobs,
            "step",
            False,
            f"call {i}",
            2 * i,
        )
        for i in range(NODES)
    ]
    events: list[EventRecord] = []
    for i in range(NODES):
        events.append(
            EventRecord(
                2 * i, i * 1.234, 0, "", "", NodeAdded(i, prompt_tokens=12, cached_tokens=3)
            )
        )
        given = ScoreGiven(i, "prm", i / NODES, (0.1, 0.2, i / NODES), 30, 5)
        events.append(EventRecord(2 * i + 1, i * 1.25, 0, "", "", given))
    writer = store.writer(run_id)
    writer.append(nodes, events)
    writer.close()
    return run_id


def reads(store: Store, plain: duckdb.DuckDBPyConnection, run_id: int) -> list[ReadTiming]:
    def select(columns: str, table: str, order: str) -> Callable[[], Sequence[object]]:
        return lambda: plain.execute(
            f"SELECT {columns} FROM {table} WHERE run_id = ? ORDER BY {order}", [run_id]
        ).fetchall()

    return [
        ReadTiming("nodes()", NODES, lambda: store.nodes(run_id), select(LIGHT, "node", "id")),
        ReadTiming(
            "paid()", NODES, lambda: store.read_paid_nodes(run_id), select("*", "node", "id")
        ),
        ReadTiming(
            "events()",
            2 * NODES,
            lambda: store.events(run_id, limit=None),
            select("*", "event", "seq"),
        ),
    ]


def milliseconds(read: Callable[[], Sequence[object]], rows: int) -> float:
    started = time.thread_time()
    assert len(read()) == rows
    return 1000.0 * (time.thread_time() - started)


def main() -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory() as folder:
        store = Store.open(Path(folder) / "store.duckdb")
        run_id = fill(store)
        store.snapshot(Path(folder) / "copy.duckdb")
        with duckdb.connect(str(Path(folder) / "copy.duckdb"), read_only=True) as plain:
            print(f"{'read':<10}{'rows':>8}{'store ms':>10}{'plain ms':>10}{'ratio':>8}")
            for read in reads(store, plain, run_id):
                turns = [
                    (milliseconds(read.store, read.rows), milliseconds(read.plain, read.rows))
                    for _ in range(TURNS)
                ]
                own, bare = (min(times) for times in zip(*turns, strict=True))
                print(
                    f"{read.name:<10}{read.rows:>8}{own:>10.1f}{bare:>10.1f}{own / bare:>8.2f}",
                    flush=True,
                )
        store.close()


if __name__ == "__main__":
    main()
