"""How long `/api/health` takes to answer while eight searches are in flight, beside the same server
at rest.

The real server (`python -m backend serve`) on a free port with a store of its own, and eight
Monte-Carlo tree searches on the classroom pair, too long to end meanwhile. A question is sent every
20 ms whether or not the last one was answered, so a stall counts for everyone who waits in it. The
figure to hold is 100 ms at p95. Run: `python -m benchmarks.health`.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import httpx

from backend.client import Client, Unreachable
from backend.core.settings import ROOT
from backend.core.spec import RunSpec
from backend.messages.runs import Health

RUNS = 8
EVERY_S = 0.02
LIMIT_MS = 100.0
START_S, LOAD_S = 120.0, 300.0


class AnswerTime(NamedTuple):
    """How long one question took, and how many runs were under way by then."""

    ms: float
    running: int


def search(number: int) -> RunSpec:
    """A search that only a cancellation ends."""
    params = {"simulations": 1_000_000, "children": 4}
    return RunSpec(
        strategy="mcts",
        params=dict(params),
        problem=f"ledger/5/{1_000_000 + number}",
        seed=number,
        engine="torch",
        verifier="prm",
    )


class ServedProcess(NamedTuple):
    """A server, and a client of it."""

    process: subprocess.Popen[bytes]
    client: Client


@contextmanager
def served(folder: Path) -> Iterator[Client]:
    """A server on the store of a folder; ended with the block."""
    with serve_from(folder) as found:
        yield found.client


@contextmanager
def serve_from(folder: Path) -> Iterator[ServedProcess]:
    """The same with its process."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ARBORETUM_")}
    command = [
        sys.executable,
        "-m",
        "backend",
        "serve",
        "--port",
        str(port),
        "--db",
        str(folder / "store.duckdb"),
    ]
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen(command, cwd=ROOT, env=kept, stdout=log, stderr=log)
    try:
        with Client(f"http://127.0.0.1:{port}") as client:
            await_health(client, process)
            yield ServedProcess(process, client)
    finally:
        process.terminate()
        try:
            process.wait(timeout=30)
        finally:
            process.kill()


def await_health(client: Client, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + START_S
    while True:
        try:
            client.health()
            return
        except Unreachable:
            if process.poll() is not None or time.monotonic() > end:
                raise
            time.sleep(0.02)


def start_runs(client: Client) -> None:
    """Eight runs at once, each with a first step: the models are loaded then."""
    client.save_settings(client.settings().model_copy(update={"runs_at_once": RUNS}))
    ids = [client.submit(search(number)) for number in range(RUNS)]
    end = time.monotonic() + LOAD_S
    for run_id in ids:
        while (run := client.info(run_id)).nodes < 2:
            if run.status == "failed" or time.monotonic() > end:
                raise RuntimeError(f"run {run_id} is {run.status} and has no step: {run.reason}")
            time.sleep(0.2)


async def answers(url: str, seconds: float) -> list[AnswerTime]:
    """Ask on schedule, for so long."""
    async with httpx.AsyncClient(
        trust_env=False, timeout=60.0, limits=httpx.Limits(max_connections=None)
    ) as http:

        async def ask() -> AnswerTime:
            started = time.perf_counter()
            response = await http.get(f"{url}/api/health")
            took = time.perf_counter() - started
            return AnswerTime(
                1000.0 * took,
                Health.model_validate_json(response.raise_for_status().content).runs.running,
            )

        await ask()
        started = time.monotonic()
        async with asyncio.TaskGroup() as group:
            asked = []
            for number in range(round(seconds / EVERY_S)):
                await asyncio.sleep(max(0.0, started + number * EVERY_S - time.monotonic()))
                asked.append(group.create_task(ask()))
        return [task.result() for task in asked]


def find_p95(found: Sequence[AnswerTime]) -> float:
    """Milliseconds in which 95 of 100 questions were answered."""
    times = sorted(answer.ms for answer in found)
    return times[-(-95 * len(times) // 100) - 1]


def report(name: str, found: Sequence[AnswerTime]) -> float:
    """Print a line of the table; the p95 in milliseconds."""
    times, p95 = sorted(answer.ms for answer in found), find_p95(found)
    running = (
        f"{min(answer.running for answer in found)} to {max(answer.running for answer in found)}"
    )
    print(
        (
            f"| {name} | {running} | {len(times)} | {statistics.median(times):.1f} | {p95:.1f} "
            f"| {times[-1]:.1f} |"
        ),
        flush=True,
    )
    return p95


def main() -> None:
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument(
        "--seconds", type=float, default=20.0, help="how long to ask, at rest and with runs"
    )
    seconds = options.parse_args().seconds
    print(
        "| server | runs in flight | requests | p50 ms | p95 ms | max ms "
        "|\n|---|---|---|---|---|---|"
    )
    with tempfile.TemporaryDirectory() as folder, served(Path(folder)) as client:
        report("at rest", asyncio.run(answers(client.url, seconds)))
        start_runs(client)
        p95 = report("searching", asyncio.run(answers(client.url, seconds)))
    print(
        f"\np95 with {RUNS} runs: {p95:.1f} ms, to hold: {LIMIT_MS:.0f} ms: "
        f"{'held' if p95 <= LIMIT_MS else 'missed'}"
    )


if __name__ == "__main__":
    main()
