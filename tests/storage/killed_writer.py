"""A program that writes runs until it is killed. Every line it prints is a fact its killer can hold
the store to.

`open`, then for each run: `appending RUN SEQ` before records up to SEQ are handed over, `stored RUN
SEQ` when `flush` returned or a watcher was told, `finished RUN` when the status was set. Run:
`python -m tests.storage.killed_writer FILE SEED [N]`. With N it kills itself, with the nodes of a
transaction inserted, before it inserts events for the Nth time: a moment that a killer from outside
seldom meets.
"""

from __future__ import annotations

import os
import random
import signal
import sys
from pathlib import Path

from storage import Store
from storage import arrow as codec
from storage.tables import Event
from tests.storage.traces import new_run, pieces, trace


def say(*words: object) -> None:
    """One write a line, so that a line is never cut by the kill."""
    os.write(1, (" ".join(map(str, words)) + "\n").encode())


def write_run(store: Store, rng: random.Random) -> None:
    run_id, whole = new_run(store), trace(rng.randint(20, 120))
    store.update_run(run_id, status="running")
    writer = store.writer(run_id)
    with store.watch(run_id, lambda seq: say("stored", run_id, seq)):
        for piece in pieces(whole, lambda: rng.randint(1, 12)):
            say("appending", run_id, piece.events[-1].seq)
            writer.append(piece.nodes, piece.events)
            if rng.random() < 0.3:
                writer.flush()
                say("stored", run_id, piece.events[-1].seq)
        writer.close()
    say("stored", run_id, whole.events[-1].seq)
    store.update_run(run_id, status="finished", ledger=whole.ledger)
    say("finished", run_id)


def die_at_insert(number: int) -> None:
    """Let the insertion of events number `number` (from 1) be the end."""
    insert, left = codec.insert_from_arrow, [number]

    def last(connection: object, table: object, rows: object) -> object:
        if table is Event.__table__:
            left[0] -= 1
            if not left[0]:
                os.kill(os.getpid(), signal.SIGKILL)
        return insert(connection, table, rows)

    codec.insert_from_arrow = last


def main(path: Path, seed: int, dies_at: int | None = None) -> None:
    if dies_at is not None:
        die_at_insert(dies_at)
    store = Store.open(path)
    say("open")
    rng = random.Random(seed)
    while True:
        write_run(store, rng)


if __name__ == "__main__":
    main(Path(sys.argv[1]), *map(int, sys.argv[2:]))
