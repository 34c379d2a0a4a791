"""Run rows: made, changed, found and removed. The only module that writes them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from backend.core.errors import BadInput, Conflict, NotFound
from backend.core.types import JSON
from storage import queries
from storage.database import Database, Row
from storage.rows import RunPage, RunRow
from storage.tables import json_text

NULLABLE = frozenset(
    {
        "answer",
        "correct",
        "chosen_node",
        "reason",
        "limit_axis",
        "limit_value",
        "error",
        "remedy",
        "finished_at",
    }
)
CHANGEABLE = NULLABLE | {"status", "model", "manifest", "ledger"}
TYPES: Mapping[str, type | tuple[type, ...]] = {
    "manifest": dict,
    "ledger": dict,
    "spec": dict,
    "correct": bool,
    "chosen_node": int,
    "limit_value": float,
    "seed": int,
    "created_at": datetime,
    "stored_at": datetime,
    "finished_at": datetime,
    "forked_from": (dict, list, int, str),
}
BITS: Mapping[str, int] = {"seed": 63, "chosen_node": 31}
PROBLEM_COLUMNS = ("id", "dataset", "question", "answer")


class Runs:
    """The table of runs. `now` tells the time (UTC)."""

    def __init__(self, database: Database, now: Callable[[], datetime]) -> None:
        self._database, self._now = database, now

    def insert(
        self, connection: sa.Connection, problem: dict[str, JSON] | None, values: dict[str, Any]
    ) -> int:
        """Insert a run (and its problem) inside the caller's transaction and return its id."""
        moment = self._now()
        row = {
            "status": "queued",
            "manifest": {},
            "ledger": {},
            "forked_from": None,
            "created_at": moment,
            "stored_at": moment,
            **values,
        }
        row = {name: check_value(name, value) for name, value in row.items()}
        row["problem_key"], row["origin_run"] = None, origin_run(row["forked_from"])
        if problem is not None:
            stored = problem_values(problem)
            connection.execute(queries.keep_problem(stored))
            row["problem_key"] = stored["key"]
        return int(connection.execute(queries.new_run(row)).scalar_one())

    def change(self, run_id: int, fields: Mapping[str, Any]) -> None:
        for name in fields:
            if name not in CHANGEABLE:
                raise BadInput("field of a run", given=name, accepted=", ".join(sorted(CHANGEABLE)))
        values = {name: check_value(name, value) for name, value in fields.items()}
        with self._database.writing() as connection:
            if connection.execute(queries.run_exists(run_id)).first() is None:
                raise NotFound(f"there is no run {run_id}")
            if values:
                connection.execute(queries.change_run(run_id, values))

    def status(self, run_id: int) -> str:
        """The status of a run. Raises `NotFound`."""
        status = self._database.value(queries.run_exists(run_id))
        if status is None:
            raise NotFound(f"there is no run {run_id}")
        return str(status)

    def one(self, run_id: int) -> RunRow:
        rows = self._decode(self._database.rows(queries.one_run(run_id)))
        if not rows:
            raise NotFound(f"there is no run {run_id}")
        return rows[0]

    def page(
        self,
        status: str | None,
        strategy: str | None,
        problem: str | None,
        text: str | None,
        limit: int,
        offset: int,
    ) -> RunPage:
        rows = self._database.rows(
            queries.found_runs(status, strategy, problem, text, limit, offset)
        )
        total = self._database.value(queries.found_runs_count(status, strategy, problem, text))
        return RunPage(self._decode(rows), int(total))

    def forks(self, run_id: int) -> list[RunRow]:
        return self._decode(self._database.rows(queries.forks_of(run_id)))

    def remove(self, run_ids: Sequence[int]) -> None:
        """Remove the runs with all that belongs to them in one transaction, and give the room
        back.
        """
        with self._database.writing() as connection:
            for statement in queries.removal(run_ids):
                connection.execute(statement)
        self._database.checkpoint()

    def require_over(self, run_id: int, *, to: str) -> None:
        """Raises `NotFound`, or `Conflict` for a run that somebody works on."""
        status = self.status(run_id)
        if status in queries.UNFINISHED:
            raise Conflict(
                f"run {run_id} is {status}: wait for its end or stop it before you {to} it"
            )

    def older_than(self, days: float) -> list[int]:
        if not days >= 0:
            raise BadInput("age in days", given=days, accepted="0 or more")
        return [
            int(row[0])
            for row in self._database.rows(
                queries.find_finished_before(self._now() - timedelta(days=days))
            )
        ]

    def _decode(self, rows: Sequence[Row]) -> list[RunRow]:
        ids = [row.id for row in rows]
        nodes = (
            {row[0]: row[1] for row in self._database.rows(queries.node_counts(ids))} if ids else {}
        )
        events = (
            {row[0]: row[1] for row in self._database.rows(queries.event_counts(ids))}
            if ids
            else {}
        )
        return [run_row(row, nodes.get(row.id, 0), events.get(row.id, 0)) for row in rows]


def origin_run(forked_from: JSON) -> int | None:
    """The run of this store that provenance names; None where it names none."""
    run = forked_from.get("run") if isinstance(forked_from, dict) else None
    return run if isinstance(run, int) and not isinstance(run, bool) else None


def run_row(row: Row, nodes: int, events: int) -> RunRow:
    """A joined row as plain values."""
    found = row._asdict()
    times = {name: aware(found[name]) for name in ("created_at", "stored_at", "finished_at")}
    plain = {name: found[name] for name in RunRow._fields if name in found}
    return RunRow(
        **{**plain, **times, "problem": _problem(found), "nodes": nodes, "events": events}
    )


def _problem(found: Mapping[str, Any]) -> dict[str, JSON] | None:
    if found["problem_id"] is None:
        return None
    columns = {
        "id": found["problem_id"],
        "dataset": found["dataset"],
        "question": found["question"],
        "answer": found["right_answer"],
    }
    return {**columns, **found["meta"]}


def aware(moment: datetime | None) -> datetime | None:
    """Times are stored in UTC without saying so."""
    return None if moment is None else moment.replace(tzinfo=UTC)


def problem_values(problem: dict[str, JSON]) -> dict[str, Any]:
    """The columns of a problem. Raises `BadInput` unless it has a text `id` and a text
    `question`.
    """
    for name in ("id", "question"):
        if not isinstance(problem.get(name), str):
            raise BadInput(f"{name} of a problem", given=problem.get(name), accepted="a text")
    whole: dict[str, JSON] = {
        "dataset": str(problem["id"]).split("/")[0],
        "answer": None,
        **problem,
    }
    text = valid_json("problem", dict(sorted(whole.items())))
    values = {
        name: check_value(name, whole[name]) for name in PROBLEM_COLUMNS if whole[name] is not None
    }
    meta = {name: value for name, value in whole.items() if name not in PROBLEM_COLUMNS}
    return {
        "answer": None,
        **values,
        "key": hashlib.sha256(text.encode()).hexdigest(),
        "meta": meta,
    }


def check_value(name: str, value: Any) -> Any:
    """The value as it goes into its column. Raises `BadInput` for a wrong type or for what cannot
    be stored."""
    accepted = TYPES.get(name, str)
    if value is None and (name in NULLABLE or name == "forked_from"):
        return None
    if not isinstance(value, accepted) or (accepted is int and isinstance(value, bool)):
        words = accepted.__name__ if isinstance(accepted, type) else "JSON"
        raise BadInput(
            f"{name} of a run",
            given=value,
            accepted=words + (" or None" if name in NULLABLE else ""),
        )
    if isinstance(value, datetime):
        return in_utc(name, value)
    if name in BITS and not -(2 ** BITS[name]) <= value < 2 ** BITS[name]:
        raise BadInput(
            f"{name} of a run", given=value, accepted=f"a whole number of {BITS[name] + 1} bits"
        )
    if isinstance(value, str | dict | list | float):
        valid_json(name, value)
    return value


def in_utc(name: str, moment: datetime) -> datetime:
    """The moment as it is stored: in UTC, without saying so."""
    try:
        return moment.astimezone(UTC).replace(tzinfo=None)
    except OverflowError as problem:
        raise BadInput(
            f"{name} of a run",
            given=moment.isoformat(),
            accepted="a time within the years 1 to 9999 in UTC",
        ) from problem


def valid_json(name: str, value: JSON) -> str:
    try:
        return json_text(value)
    except (ValueError, TypeError) as problem:
        raise BadInput(
            f"{name} of a run",
            given=ascii(value)[:80],
            accepted=f"valid Unicode and finite numbers ({problem})",
        ) from problem
