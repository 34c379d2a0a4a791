"""One query, one process: started for it, bounded, and killed when its time is over or when nobody
waits any more."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final, Literal, NamedTuple, TypeAlias

from backend.core.errors import ArboretumError, BadInput
from backend.core.settings import ROOT
from backend.core.types import JSON

SANDBOX: Final = ROOT / "storage" / "questions" / "sandbox.py"
START_LIMIT_S: Final = 60.0
SHOWN_LINES: Final = 2
Format: TypeAlias = Literal["json", "csv", "parquet"]


@dataclass(frozen=True)
class SqlLimits:
    """What one query may take: seconds once the copy is open, DuckDB's memory in MB, threads; rows
    and bytes of what it gives."""

    seconds: float = 10.0
    memory_mb: int = 512
    threads: int = 2
    rows: int = 1_000
    bytes: int = 8 * 2**20


FILE_LIMITS: Final = SqlLimits(seconds=30.0, rows=200_000, bytes=64 * 2**20)
"""For a result that is taken along as a file."""


class QueryRefusal(BadInput):
    """A query that gave no rows: what is wrong, what is accepted, and the place in the query (line
    and column from 1) where it is known."""

    def __init__(
        self, error: str, accepted: str = "", line: int | None = None, column: int | None = None
    ) -> None:
        place = "" if line is None else f"line {line}, column {column}: "
        ArboretumError.__init__(self, place + error)
        self.what, self.given, self.accepted, self.line, self.column = (
            "query",
            None,
            accepted,
            line,
            column,
        )


class QueryAnswer(NamedTuple):
    """What a query gave. `columns` are names with DuckDB's types. `rows` is empty where a file was
    asked for: then `content` is the file and `total` its rows. `cut` says in words why not all rows
    are there (empty: they are)."""

    columns: list[tuple[str, str]]
    rows: list[list[JSON]]
    total: int
    cut: str
    seconds: float
    content: bytes


async def ask(
    copy: Path, query: str, limits: SqlLimits, format: Format = "json", *, quoted: bool = True
) -> QueryAnswer:
    """Put a query to a copy of the store. Raises `QueryRefusal`. The process is gone when this
    returns, whatever happened."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-I", str(SANDBOX)),
        cwd=copy.parent,
        env={"LC_ALL": "C.UTF-8"},
        start_new_session=True,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    order = json.dumps(
        {
            "copy": str(copy),
            "query": query,
            "format": format,
            "quoted": quoted,
            **asdict(limits),
        }
    ).encode()
    try:
        return await _conversation(process, order, limits)
    finally:
        if process.returncode is None:
            with suppress(
                ProcessLookupError
            ):  # not `Process.kill`: it would collect the exit status before asyncio does
                os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
        # The pipes may hold what nobody will read.
        process._transport.close()  # type: ignore[attr-defined]


async def _conversation(
    process: asyncio.subprocess.Process, order: bytes, limits: SqlLimits
) -> QueryAnswer:
    assert process.stdin is not None and process.stdout is not None
    with suppress(ConnectionError):  # a process that died at once says so below
        process.stdin.write(order)
        await process.stdin.drain()
    process.stdin.close()
    try:
        async with asyncio.timeout(START_LIMIT_S):
            ready = await process.stdout.readline()
    except TimeoutError:
        raise QueryRefusal("the process for queries did not start in time", "another try") from None
    if not ready:
        raise QueryRefusal(await _last_words(process), "another try")
    try:
        async with asyncio.timeout(limits.seconds):
            head, content = await _receive(process.stdout, 4 * limits.bytes + 2**20)
    except TimeoutError:
        accepted = "less to compute: a WHERE, fewer joins, or a LIMIT further inside"
        raise QueryRefusal(
            f"the query took longer than {limits.seconds:g} s and was ended", accepted
        ) from None
    if head is None:
        raise QueryRefusal(await _last_words(process), "a query that needs less memory and time")
    return _read_answer(json.loads(head), content)


async def _receive(stream: asyncio.StreamReader, most: int) -> tuple[bytes | None, bytes]:
    """The line of the answer and what follows it; None where the process ended without one. Never
    more than `most` bytes."""
    received = bytearray()
    while len(received) <= most and (chunk := await stream.read(2**16)):
        received += chunk
    head, line_end, content = bytes(received).partition(b"\n")
    return (head, content) if line_end and len(received) <= most else (None, b"")


async def _last_words(process: asyncio.subprocess.Process) -> str:
    """How the process ended."""
    assert process.stderr is not None
    with suppress(TimeoutError):
        async with asyncio.timeout(2.0):
            said = (await process.stderr.read(2**16)).decode(errors="replace").strip().splitlines()
            code = await process.wait()
            if code < 0:
                return (
                    "the process of the query was ended by the system "
                    f"({signal.Signals(-code).name})"
                )
            return (
                f"the process of the query ended with status {code}: "
                f"{' | '.join(said[-SHOWN_LINES:])[:400]}"
            )
    return "the process of the query gave too much to read"


def _read_answer(reply: dict[str, JSON], content: bytes) -> QueryAnswer:
    if "error" in reply:
        line, column = reply.get("line"), reply.get("column")
        known = isinstance(line, int) and isinstance(column, int)
        raise QueryRefusal(
            str(reply["error"]), str(reply["accepted"]), *((line, column) if known else ())
        )
    columns, rows, count, seconds = (
        reply["columns"],
        reply.get("rows", []),
        reply.get("count"),
        reply["seconds"],
    )
    assert isinstance(columns, list) and isinstance(rows, list) and isinstance(seconds, float | int)
    named = [(str(one[0]), str(one[1])) for one in columns if isinstance(one, list)]
    listed = [row for row in rows if isinstance(row, list)]
    return QueryAnswer(
        named,
        listed,
        count if isinstance(count, int) else len(listed),
        str(reply["cut"]),
        float(seconds),
        content,
    )


__all__ = ["FILE_LIMITS", "Format", "QueryAnswer", "QueryRefusal", "SqlLimits", "ask"]
