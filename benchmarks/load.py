"""What the service does under load, each figure beside the one to hold.

The real server (`python -m backend serve`) on a free port with a store of its own, which holds a
made up search (`benchmarks.explorer_runs`). The parts:

- `start`: from the start of the process to the first answer of `/api/health`;
- `axis`: what the page of budget curves asks for after another axis is chosen on the experiment
  that ships (its curves, and the analysis that is shown), on a server that has just answered for
  one axis: the first time, and again;
- `analyses`: the p95 of `/api/health` while all analyses of it are computed for eight axes, and
  how long the server takes to end on SIGTERM meanwhile, and whether it leaves a process;
- `growing`: the p95 of `/api/health` while a scripted run grows to 6,000 nodes;
- `opening`: how long the whole log and all nodes of a stored run of 10,000 nodes take to read;
- `torch`: 50 queued runs of the classroom pair, how many finish;
- `flat`: memory, descriptors and threads of the server after 50 and after 250 runs.

    python -m benchmarks.load                      # all parts
    python -m benchmarks.load axis analyses
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from backend.client import Client, Refused, Unreachable
from backend.core.spec import RunSpec
from backend.experiments.costs import AXES
from backend.messages.runs import OVER
from benchmarks.explorer_runs import store_run
from benchmarks.health import answers, find_p95, serve_from
from storage import Store

LARGE_NODES, TORCH_RUNS = 10_000, 50
PARTICLES = 1_000
"""Each of them takes six steps."""
FEW_RUNS, MANY_RUNS = 50, 250
LISTEN_S = 8.0
PATIENCE_S = 900.0


class Figure(NamedTuple):
    """What was measured, and what is to hold."""

    what: str
    found: str
    hold: str


class ProcessSize(NamedTuple):
    """What a process takes."""

    memory_mb: float
    descriptors: int
    threads: int


def measure_start(folder: Path) -> list[Figure]:
    """Three starts; the store is there since the first."""
    seconds = list[float]()
    for _ in range(3):
        began = time.perf_counter()
        with serve_from(folder):
            seconds.append(time.perf_counter() - began)
    told = ", ".join(f"{each:.1f}" for each in seconds)
    return [Figure("start to health", f"{told} s", "5 s")]


def measure_axis(folder: Path) -> list[Figure]:
    with serve_from(folder) as (process, client):
        name = find_shipped(client)
        cold = ask_page(client, name, "generated_tokens")
        before = processor_s(process.pid)
        first = [ask_page(client, name, axis) for axis in ("samples", "rounds", "flops")]
        spent = processor_s(process.pid) - before
        again = [ask_page(client, name, axis) for axis in ("samples", "rounds", "flops")]
    return [
        Figure("experiment, first question of all", f"{cold:.2f} s", "3 s"),
        Figure("another axis, first time", seconds_of(first), "3 s"),
        Figure("another axis, again", seconds_of(again), "0.5 s"),
        Figure("processor time of the server for three axes", f"{spent:.2f} s", "-"),
    ]


def find_shipped(client: Client) -> str:
    """The experiment that ships."""
    return next(each.hash for each in client.experiments.all() if each.shipped)


def ask_page(client: Client, name: str, axis: str) -> float:
    """Seconds for what the page asks."""
    began = time.perf_counter()
    client.experiments.curves(name, axis=axis)
    client.experiments.analysis(name, axis=axis)
    return time.perf_counter() - began


def measure_analyses(folder: Path) -> list[Figure]:
    with serve_from(folder) as (process, client):
        name = find_shipped(client)
        asking = [
            threading.Thread(target=ask_all, args=(client.url, name, axis))
            for axis in list(AXES)[:8]
        ]
        for thread in asking:
            thread.start()
        found = asyncio.run(answers(client.url, LISTEN_S))
        busy = sum(thread.is_alive() for thread in asking)
        children = children_of(process.pid)
        began = time.perf_counter()
        process.terminate()
        process.wait(timeout=60)
        ended = time.perf_counter() - began
        left = [pid for pid in children if Path(f"/proc/{pid}").exists()]
        for thread in asking:
            thread.join()
    return [
        Figure("health p95 while eight analyses run", f"{find_p95(found):.0f} ms", "100 ms"),
        Figure(f"end on SIGTERM with {busy} of 8 under way", f"{ended:.2f} s", "3 s"),
        Figure("processes left", str(len(left)), "0"),
    ]


def ask_all(url: str, name: str, axis: str) -> None:
    with Client(url) as client, suppress(Refused, Unreachable):
        client.experiments.analyses(name, axis=axis, threshold=0.25)


def children_of(pid: int) -> list[int]:
    """The processes that the server has started."""
    return list(map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split()))


def measure_growing(folder: Path) -> list[Figure]:
    with serve_from(folder) as (_, client):
        began, found = time.perf_counter(), list[float]()
        run_id = client.submit(
            RunSpec(
                strategy="particle_filter",
                params={"particles": PARTICLES},
                problem="ledger/5/1000000",
                engine="scripted",
                verifier="exact",
            )
        )
        while (info := client.info(run_id)).status not in OVER:
            found.append(find_p95(asyncio.run(answers(client.url, 2.0))))
        took = time.perf_counter() - began
    return [
        Figure(
            f"health p95 while a run grows to {info.nodes:,} nodes in {took:.0f} s",
            f"{max(found):.0f} ms at worst of {len(found)} stretches, {info.status}",
            "200 ms",
        )
    ]


def measure_opening(folder: Path) -> list[Figure]:
    store = Store.open(folder / "store.duckdb")
    run_id = store_run(store, LARGE_NODES)
    store.close()
    with serve_from(folder) as (_, client):
        began = time.perf_counter()
        log = client.run(run_id)
        nodes, events = len(log.nodes), len(log.events)
        took = time.perf_counter() - began
    return [Figure(f"{nodes:,} nodes and {events:,} events read", f"{took:.1f} s", "opens")]


def measure_torch(folder: Path) -> list[Figure]:
    with serve_from(folder) as (_, client):
        began = time.perf_counter()
        ids = [
            client.submit(
                RunSpec(
                    strategy="best_of_n",
                    params={"n": 4},
                    problem=f"ledger/3/{1_000_000 + seed}",
                    seed=seed,
                    engine="torch",
                    verifier="prm",
                )
            )
            for seed in range(TORCH_RUNS)
        ]
        ends = wait_for(client, ids)
        took = time.perf_counter() - began
    return [
        Figure(
            f"{TORCH_RUNS} queued torch runs in {took:.0f} s",
            f"{ends.count('finished')} finished",
            f"{TORCH_RUNS}",
        )
    ]


def measure_flat(folder: Path) -> list[Figure]:
    with serve_from(folder) as (process, client):
        sizes = list[ProcessSize]()
        for first, last in ((0, FEW_RUNS), (FEW_RUNS, MANY_RUNS)):
            ids = [client.submit(short_run(seed)) for seed in range(first, last)]
            ends = wait_for(client, ids)
            time.sleep(2.0)
            sizes.append(size_of(process.pid))
            assert set(ends) == {"finished"}, set(ends)
    few, many = sizes
    return [
        Figure(
            f"after {FEW_RUNS} and after {MANY_RUNS} runs: {name}",
            f"{getattr(few, name):g} and {getattr(many, name):g}",
            "flat",
        )
        for name in ProcessSize._fields
    ]


def short_run(seed: int) -> RunSpec:
    return RunSpec(
        strategy="beam_search",
        params={"n": 4, "beam_width": 2},
        problem=f"ledger/3/{1_000_000 + seed}",
        seed=seed,
        engine="scripted",
        verifier="exact",
    )


def wait_for(client: Client, ids: Sequence[int]) -> list[str]:
    """How the runs ended."""
    end, ends = time.monotonic() + PATIENCE_S, dict[int, str]()
    while len(ends) < len(ids) and time.monotonic() < end:
        for run_id in ids:
            if run_id not in ends and (status := client.info(run_id).status) in OVER:
                ends[run_id] = status
        time.sleep(0.2)
    return [ends.get(run_id, "not over") for run_id in ids]


def size_of(pid: int) -> ProcessSize:
    """Memory that is in use, open descriptors, threads."""
    fields = dict(
        line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines()
    )
    return ProcessSize(
        round(int(fields["VmRSS"].split()[0]) / 1024, 1),
        len(list(Path(f"/proc/{pid}/fd").iterdir())),
        int(fields["Threads"]),
    )


def processor_s(pid: int) -> float:
    """Seconds of processor time that a process has taken, without its children."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100.0


def seconds_of(several: Sequence[float]) -> str:
    return ", ".join(f"{each:.2f}" for each in several) + " s"


PARTS: Mapping[str, Callable[[Path], list[Figure]]] = {
    "start": measure_start,
    "axis": measure_axis,
    "analyses": measure_analyses,
    "growing": measure_growing,
    "opening": measure_opening,
    "torch": measure_torch,
    "flat": measure_flat,
}


def main() -> None:
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("parts", nargs="*", choices=[*PARTS, []], default=[])
    chosen = options.parse_args().parts or list(PARTS)
    print("| what | found | to hold |\n|---|---|---|")
    for part in chosen:
        with tempfile.TemporaryDirectory() as folder:
            for figure in PARTS[part](Path(folder)):
                print(f"| {figure.what} | {figure.found} | {figure.hold} |", flush=True)


if __name__ == "__main__":
    main()
