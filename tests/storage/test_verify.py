"""`verify_run` finds what is wrong with a stored run, whoever put it there."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from backend.core.errors import StorageFailure
from storage import Store
from storage.database import Database
from tests.storage.traces import finished_run, new_run, trace

LAST = max(event.seq for event in trace().events)
STEP = next(event.seq for event in trace().events if event.kind == "step")
SCORE = next(event.seq for event in trace().events if event.kind == "score")
BACKED = next(event.seq for event in trace().events if event.kind == "backed")

DEFECTS = {  # name: (SQL, words of the finding)
    "seq gap": (
        f"DELETE FROM event WHERE seq = {STEP}",
        f"sequence numbers have a gap: found {STEP + 1}, expected {STEP}",
    ),
    "log without a beginning": (
        "DELETE FROM event WHERE seq = 0",
        "sequence numbers have a gap: found 1, expected 0",
    ),
    "id gap": ("DELETE FROM node WHERE id = 3", "node ids have a gap: found 4, expected 3"),
    "orphan": (
        "UPDATE node SET parent_id = 77 WHERE id = 4",
        "node 4 has the parent 77, which does not exist",
    ),
    "parent after child": (
        "UPDATE node SET parent_id = 5 WHERE id = 2",
        "node 2 has the parent 5, which is not older",
    ),
    "own parent": (
        "UPDATE node SET parent_id = 2 WHERE id = 2",
        "node 2 has the parent 2, which is not older",
    ),
    "wrong depth": ("UPDATE node SET depth = 9 WHERE id = 6", "node 6 has depth 9, expected 2"),
    "root with depth": (
        "UPDATE node SET depth = 1 WHERE id = 0",
        "node 0 has no parent but depth 1, expected 0",
    ),
    "event names missing node": (
        f"UPDATE event SET node_id = 99 WHERE seq = {SCORE}",
        f"event {SCORE} (score) names node 99, which does not exist",
    ),
    "data names missing node": (
        f"""UPDATE event SET data = '{{"path":[0,98],"value":0.5}}' WHERE seq = {BACKED}""",
        f"event {BACKED} (backed) names node 98, which does not exist",
    ),
    "event before its node": (
        f"UPDATE event SET node_id = 6 WHERE seq = {SCORE}",
        f"event {SCORE} (score) names node 6, which came later",
    ),
    "node nobody announced": (
        "UPDATE node SET seq = 0 WHERE id = 3",
        "node 3 says that event 0 announced it, which is not so",
    ),
    "node missing at the end": (
        "DELETE FROM node WHERE id = 6",
        "7 nodes were announced, 6 are stored",
    ),
    "NaN score": (
        f"UPDATE event SET value = 'nan' WHERE seq = {SCORE}",
        f"event {SCORE} (score) holds a number that is not finite",
    ),
    "infinite time": (
        "UPDATE event SET t_ms = 'inf' WHERE seq = 2",
        "event 2 (score) holds a number that is not finite",
    ),
    "NaN in data": (
        f"""UPDATE event SET data = '{{"stats":{{"ess":[NaN]}}}}' WHERE seq = {STEP}""",
        f"event {STEP} (step) holds a number that is not finite",
    ),
    "infinite log-probability": (
        "UPDATE node SET logprobs = ['-inf'::DOUBLE, 0.0] WHERE id = 2",
        "node 2 has a log-probability that is not a finite number",
    ),
    "infinite alternative": (
        """UPDATE node SET alternatives = '[[[4,"x",-Infinity]]]' WHERE id = 2""",
        "node 2 has an alternative that is not a finite number",
    ),
    "missing log-probability": (
        "UPDATE node SET logprobs = [-0.5] WHERE id = 2",
        "node 2 has 2 tokens but 1 log-probabilities",
    ),
    "too many tokens claimed": (
        """UPDATE run SET ledger = '{"generated_tokens":13}'""",
        "the ledger says generated_tokens = 13, but 12 sampled tokens are stored",
    ),
    "too few tokens claimed": (
        """UPDATE run SET ledger = '{"generated_tokens":11}'""",
        "the ledger says generated_tokens = 11, but 12 sampled tokens are stored",
    ),
    "token lost": (
        "UPDATE node SET token_ids = [1], logprobs = [-0.5] WHERE id = 2",
        "the ledger says generated_tokens = 12, but 11 sampled tokens",
    ),
    "score lost": (
        f"UPDATE event SET kind = 'lost' WHERE seq = {SCORE}",
        "the ledger says verifier_calls = 6, but 5 scores are stored",
    ),
    "verifier calls": (
        """UPDATE run SET ledger = '{"verifier_calls":5}'""",
        "the ledger says verifier_calls = 5, but 6 scores are stored",
    ),
    "choice": ("UPDATE run SET chosen_node = 50", "the run chose node 50, which does not exist"),
}


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """A store without the constraint that would keep a defect out."""
    database = Database.open(tmp_path_factory.mktemp("verify") / "store.duckdb")
    with database.writing() as connection:
        for statement in (
            "CREATE TABLE copied AS FROM node",
            "DROP TABLE node",
            "ALTER TABLE copied RENAME TO node",
        ):
            connection.execute(sa.text(statement))
    yield database


@pytest.fixture(scope="module")
def shared(database: Database) -> Iterator[Store]:
    store = Store(database, lambda: datetime.now(UTC))
    yield store
    store.close()


@pytest.mark.parametrize("name", DEFECTS)
def test_a_planted_defect_is_found(shared: Store, database: Database, name: str) -> None:
    statement, words = DEFECTS[name]
    run_id = finished_run(shared)
    neighbour = finished_run(shared)
    assert shared.verify(run_id) == []
    column = "id" if statement.startswith("UPDATE run") else "run_id"
    narrowed = f"{statement} {'AND' if 'WHERE' in statement else 'WHERE'} {column} = {run_id}"
    with database.writing() as connection:
        assert connection.exec_driver_sql(narrowed).fetchall() == [(1,)], (
            "the defect was planted once"
        )
    assert any(words in finding for finding in shared.verify(run_id)), shared.verify(run_id)
    assert shared.verify(neighbour) == []


def test_a_crashed_run_may_lack_its_ledger_but_nothing_else(
    shared: Store, database: Database
) -> None:
    run_id = finished_run(shared)
    shared.update_run(run_id, status="crashed", ledger={"generated_tokens": 5, "verifier_calls": 1})
    assert shared.verify(run_id) == []
    with database.writing() as connection:
        connection.execute(
            sa.text("UPDATE node SET depth = 9 WHERE id = 6 AND run_id = :run"), {"run": run_id}
        )
    assert len(shared.verify(run_id)) == 1


def test_a_fork_may_hold_more_than_it_paid_but_never_less(shared: Store) -> None:
    whole = trace()
    for tokens, problems in ((3, 0), (12, 0), (13, 1)):
        run_id = new_run(shared, forked_from={"run": 1, "node": 2})
        writer = shared.writer(run_id)
        writer.append(whole.nodes, whole.events)
        writer.close()
        shared.update_run(run_id, status="finished", ledger={"generated_tokens": tokens})
        assert len(shared.verify(run_id)) == problems


def test_the_file_itself_keeps_a_parent_older_than_its_child(tmp_path: Path) -> None:
    database = Database.open(tmp_path / "store.duckdb")
    store = Store(database, lambda: datetime.now(UTC))
    run_id = finished_run(store)
    with pytest.raises(StorageFailure, match="CHECK constraint"), database.writing() as connection:
        connection.execute(sa.text("UPDATE node SET parent_id = 5 WHERE id = 2"))
    assert store.verify(run_id) == []
    store.close()
