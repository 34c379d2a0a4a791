"""A reader's SQL on a copy of the store, in a process of its own that may do nothing else. Run as a
script, never imported by the service.

The process takes one order from its input (JSON: query, format, limits), opens the copy read-only
with files, extensions and settings shut off, and writes two lines of JSON: `ready`, then the answer
or the mistake with its place. A file that was asked for follows the second line. Memory, processor
time, files that can be written and the time itself are bounded by the system; who started it may
kill it at any moment.
"""

from __future__ import annotations

import csv
import io
import json
import os
import resource
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime, timedelta
from datetime import time as daytime
from decimal import Decimal
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple
from uuid import UUID

import duckdb
from duckdb.func import FunctionNullHandling

ASKING_FOR_ANSWERS = ("solution", "extract_answer")
"""Words of a query that needs the reader of answers, which is loaded before its time counts."""
READ = (duckdb.StatementType.SELECT, duckdb.StatementType.EXPLAIN)
BATCH_ROWS = 256
ROOT = str(Path(__file__).resolve().parents[2])
SPARE_MEMORY_BYTES = 768 * 2**20
"""What the interpreter and the libraries take beside the memory that DuckDB counts."""

VIEWS = {
    "cost": """
        SELECT id AS run_id, strategy, model,
               CAST(ledger->>'$.generated_tokens' AS BIGINT) AS generated_tokens,
               CAST(ledger->>'$.model_calls' AS BIGINT) AS model_calls,
               CAST(ledger->>'$.verifier_calls' AS BIGINT) AS verifier_calls,
               CAST(ledger->>'$.rounds' AS BIGINT) AS rounds,
               CAST(ledger->>'$.seconds' AS DOUBLE) AS seconds,
               CAST(ledger->>'$.flops' AS DOUBLE) AS flops
        FROM run""",
    "verdict": """
        SELECT run.id AS run_id, run.answer, problem.answer AS right_answer, run.correct,
               CASE WHEN run.correct THEN 'right'
                    WHEN NOT run.correct THEN 'wrong'
                    WHEN problem.answer IS NULL OR run.chosen_node IS NULL THEN 'not graded'
                    WHEN coalesce(source->>'$.format', 'jsonl') NOT IN ('jsonl', 'parquet')
                         AND source->>'$.graded_by' IS NULL THEN 'not graded'
                    ELSE 'undecided' END AS grade
        FROM (SELECT *, coalesce(manifest->'$.imported.before', manifest->'$.imported') AS source
              FROM run) run
        LEFT JOIN problem ON problem.key = run.problem_key""",
    "step_score": """
        SELECT run_id, node_id, seq, round, label AS verifier, value FROM event
        WHERE kind = 'score'""",
    "pruning": """
        SELECT run_id, CAST(unnest(CAST(data->'$.nodes' AS BIGINT[])) AS INTEGER) AS node_id, seq,
               round, track, data->>'$.reason' AS reason,
               CAST(data->>'$.cut' AS DOUBLE) AS cut
        FROM event WHERE kind = 'pruned'""",
    "chosen_answer": """
        SELECT run_id, node_id, seq, t_ms, data->>'$.answer' AS answer,
               CAST(data->>'$.correct' AS BOOLEAN) AS correct,
               CAST(data->>'$.ledger.generated_tokens' AS BIGINT) AS generated_tokens
        FROM event WHERE kind = 'answer'""",
    "solution": r"""
        SELECT run_id, id AS node_id, depth,
               coalesce(nullif(extract_answer(text), ''),
                        trim(regexp_extract(text, '([^\n]*)\s*$', 1))) AS written_answer
        FROM node WHERE done AND finish = 'end'""",
}
"""What is kept as JSON in the log, as tables that a query can join."""


class QueryOrder(NamedTuple):
    """What is asked for. `seconds` bounds the query, `memory_mb` DuckDB's memory; at most `rows`
    rows and about `bytes` bytes come back."""

    copy: str
    query: str
    format: str
    seconds: float
    memory_mb: int
    threads: int
    rows: int
    bytes: int
    quoted: bool = True


class Wrong(Exception):
    """A query that is refused, with what is accepted and, where it is known, the place in bytes."""

    def __init__(self, error: str, accepted: str = "", position: int | None = None) -> None:
        super().__init__(error)
        self.accepted, self.position = accepted, position


class Rows(NamedTuple):
    """What a query gave: columns with their types, rows, and why not all of them are here (empty:
    they are)."""

    names: list[str]
    types: list[str]
    rows: list[tuple[Any, ...]]
    cut: str


def main() -> None:
    """Carry out the order on standard input."""
    order = QueryOrder(**json.loads(sys.stdin.buffer.read()))
    out = sys.stdout.buffer
    confine(order)
    connection = open_copy(Path(order.copy), order.memory_mb, order.threads)
    if any(name in order.query.casefold() for name in ASKING_FOR_ANSWERS):
        connection.execute("SELECT extract_answer('')").fetchall()  # what is loaded for the first
    out.write(b'{"ready":true}\n')
    out.flush()
    signal.setitimer(signal.ITIMER_REAL, order.seconds + 1.0)
    started = time.monotonic()
    body = b""
    try:
        found = answer(connection, order)
        reply: dict[str, Any] = {
            "columns": [list(pair) for pair in zip(found.names, found.types, strict=True)],
            "cut": found.cut,
        }
        if order.format == "json":
            reply["rows"] = [[plain(value) for value in row] for row in found.rows]
        else:
            quote = load_quoting(order.quoted)
            body = as_csv(found, quote) if order.format == "csv" else as_parquet(found)
            reply["count"] = len(found.rows)
    except Wrong as wrong:
        reply = {"error": str(wrong), "accepted": wrong.accepted} | (
            place_in_query(order.query, wrong.position)
        )
    except MemoryError:
        reply = {
            "error": "the query needs too much memory",
            "accepted": f"at most {order.memory_mb} MB: ask for fewer rows or columns",
        }
    reply["seconds"] = round(time.monotonic() - started, 4)
    out.write(json.dumps(reply, allow_nan=False).encode() + b"\n" + body)
    out.flush()
    os._exit(0)  # a large result is not worth tidying up


def confine(order: QueryOrder) -> None:
    """Bounds that hold whatever the query does: memory, processor seconds, no byte written to any
    file, an end by the clock."""
    memory = order.memory_mb * 2**20 + SPARE_MEMORY_BYTES
    seconds = int(order.threads * order.seconds) + 10
    bounds = (
        (resource.RLIMIT_DATA, memory),
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    )
    for kind, bound in bounds:
        resource.setrlimit(kind, (bound, bound))
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, 60.0)
    os.nice(5)


def open_copy(copy: Path, memory_mb: int, threads: int) -> duckdb.DuckDBPyConnection:
    """The copy, read-only: no files, no network, no extensions, no settings, no variables of this
    program; views of the log on top."""
    config: dict[str, Any] = {
        "enable_external_access": False,
        "autoload_known_extensions": False,
        "autoinstall_known_extensions": False,
        "allow_community_extensions": False,
        "allow_unsigned_extensions": False,
        "python_enable_replacements": False,
        "temp_directory": "",
        "memory_limit": f"{memory_mb}MB",
        "threads": threads,
        "errors_as_json": True,
    }
    connection = duckdb.connect(str(copy), read_only=True, config=config)
    connection.create_function(
        "extract_answer",
        extract_answer,
        ["VARCHAR"],
        "VARCHAR",
        null_handling=FunctionNullHandling.SPECIAL,
    )
    for name, statement in VIEWS.items():
        connection.execute(f"CREATE TEMP VIEW {name} AS {statement}")
    connection.execute("SET lock_configuration = true")
    return connection


def extract_answer(text: str | None) -> str | None:
    """The answer that a text gives, by the reader that runs and graders use."""
    return None if text is None else load_reader()(text)


def load_quoting(quoted: bool) -> Callable[[str], str]:
    """How a text stands in a cell of CSV."""
    if not quoted:
        return str
    enter_bare("backend", "backend.core")
    from backend.core.cells import quote_cell

    return quote_cell


@cache
def load_reader() -> Callable[[str], str | None]:
    """The reader of answers."""
    enter_bare("backend", "backend.problems", "backend.problems.extraction")
    from backend.problems.extraction.reader import extract

    return lambda text: extract(text).answer


def enter_bare(*names: str) -> None:
    """Enter packages of the project without what they say about themselves, which would load all
    problem sets and graders: eight times as much as the reader, in a process that lives for one
    query."""
    sys.dont_write_bytecode = True  # no byte may be written
    for name in names:
        if name not in sys.modules:
            bare = ModuleType(name)
            bare.__path__ = [str(Path(ROOT, *name.split(".")))]
            sys.modules[name] = bare


def answer(connection: duckdb.DuckDBPyConnection, order: QueryOrder) -> Rows:
    """The rows of the query, as many as are wanted. Raises `Wrong`."""
    try:
        statements = connection.extract_statements(order.query)
        if len(statements) != 1:
            raise Wrong(f"{len(statements)} statements", "one statement")
        if statements[0].type not in READ:
            raise Wrong(
                f"a statement of type {statements[0].type.name}",
                "a query: SELECT, WITH, FROM, VALUES, DESCRIBE, SUMMARIZE, SHOW, EXPLAIN",
            )
        result = connection.execute(statements[0])
        names, types = (
            [str(one[0]) for one in result.description or ()],
            [str(one[1]) for one in result.description or ()],
        )
        return Rows(names, types, *take_rows(result, order))
    except (duckdb.Error, RuntimeError, ValueError, OverflowError) as problem:
        raise explain(problem) from problem


def take_rows(
    result: duckdb.DuckDBPyConnection, order: QueryOrder
) -> tuple[list[tuple[Any, ...]], str]:
    """Rows until one of the two limits is reached, and which one it was."""
    rows: list[tuple[Any, ...]] = []
    size = 0
    while batch := result.fetchmany(BATCH_ROWS):
        for row in batch:
            if len(rows) == order.rows:
                return rows, f"only the first {order.rows} rows are shown"
            size += sum(weight(value) for value in row)
            if size > order.bytes:
                return (
                    rows,
                    (
                        f"only the first {len(rows)} rows are shown: more than "
                        f"{order.bytes // 2**20} MB"
                    ),
                )
            rows.append(row)
    return rows, ""


def weight(value: object) -> int:
    """About how many bytes a value takes when it is written."""
    if isinstance(value, str | bytes):
        return 8 + len(value)
    if isinstance(value, list | tuple):
        return 8 + sum(weight(one) for one in value)
    return (
        8 + sum(weight(one) for pair in value.items() for one in pair)
        if isinstance(value, dict)
        else 16
    )


def explain(problem: Exception) -> Wrong:
    """What DuckDB says, in its words, with the place in the query."""
    text = str(problem)
    try:
        found = json.loads(text[text.index("{") :])
    except ValueError:
        found = {}
    if not isinstance(found, dict):
        found = {}
    position = found.get("position")
    message = str(found.get("exception_message", text)).strip()
    accepted = {
        "Permission": "what is in the store: files, networks and extensions are shut off"
    }.get(found.get("exception_type", ""), "")
    if found.get("exception_type") == "Out of Memory":
        message, accepted = (
            "the query needs too much memory",
            "less at a time: fewer rows or columns, or a LIMIT further inside",
        )
    return Wrong(
        message,
        accepted,
        int(position) if position is not None and str(position).isdecimal() else None,
    )


def place_in_query(query: str, position: int | None) -> dict[str, int]:
    """Line and column, both from 1, of a place that is counted in bytes."""
    if position is None:
        return {}
    before = query.encode()[:position].decode(errors="ignore")
    return {"line": before.count("\n") + 1, "column": len(before) - (before.rfind("\n") + 1) + 1}


def plain(value: object) -> Any:
    """A value as JSON: what JSON has no form for becomes text."""
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, int):
        return value if abs(value) <= 2**53 else str(value)
    if isinstance(value, float):
        return value if value - value == 0 else str(value)
    if isinstance(value, Decimal) and len(value.as_tuple().digits) <= 15 and value.is_finite():
        return float(value)
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    if isinstance(value, dict):
        return {str(name): plain(one) for name, one in value.items()}
    return format_value(value)


def format_value(value: object) -> str:
    """Moments, numbers and bytes as people read them."""
    if isinstance(value, datetime | date | daytime):
        return value.isoformat()
    if isinstance(value, bytes):
        return value.hex()
    return str(value) if isinstance(value, Decimal | UUID | timedelta) else repr(value)


def as_csv(found: Rows, quote: Callable[[str], str]) -> bytes:
    """Comma-separated text with a line of names; lists and structures as JSON, nothing for NULL.
    `quote` says how a text stands in its cell."""
    sink = io.StringIO()
    writer = csv.writer(sink, lineterminator="\n")
    writer.writerow([quote(name) for name in found.names])
    writer.writerows(_cells(found.rows, quote))
    return sink.getvalue().encode()


def _cells(rows: Sequence[tuple[Any, ...]], quote: Callable[[str], str]) -> Iterator[list[object]]:
    for row in rows:
        yield [_cell(plain(value), quote) for value in row]


def _cell(value: object, quote: Callable[[str], str]) -> object:
    if isinstance(value, list | dict):
        return json.dumps(value, ensure_ascii=False)
    return quote(value) if isinstance(value, str) else value


def as_parquet(found: Rows) -> bytes:
    """A Parquet table; names that come twice get a number, what Arrow has no type for becomes
    text.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns: dict[str, Any] = {}
    for index, name in enumerate(found.names):
        values = [row[index] for row in found.rows]
        try:
            column = pa.array(values)
        except (pa.ArrowException, OverflowError):
            column = pa.array([None if value is None else str(plain(value)) for value in values])
        columns[name if name not in columns else f"{name}_{index}"] = column
    sink = io.BytesIO()
    pq.write_table(pa.table(columns), sink, compression="zstd")
    return sink.getvalue()


if __name__ == "__main__":
    main()
