"""How much of an engine's speed a sweep keeps, and how long a curve of millions of samples takes.

    python -m benchmarks.experiments sweep               # the classroom model: cells and tokens a second against the engine alone
    python -m benchmarks.experiments curves --samples 1000000 10000000

`sweep`: pools of `--pool` solutions, 64 requests in flight, verified by their own probabilities,
written to a folder as any sweep is. Against it the same engine, in the same host process, generates
solutions of the same prompts with 64 requests in flight and nothing else. The sides take turns in
coming first; the table shows the median of the pairwise ratios with their range.

`curves`: a generated folder of `--problems` problems, in shards as large as a sweep writes them.
Each rule is read by a process of its own that has imported everything and read nothing: `first`
with nothing kept, `second` by another process with what the first kept (votes). Seconds are those
of cells and curve together; the files lie in the system's cache, as they were just written.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas  # noqa: F401 - pyarrow imports it with the first array, which is not what is timed
import pyarrow as pa
import pyarrow.parquet as pq

from backend import problems
from backend.core.ports import Engine, Request, Sampling, Until
from backend.core.spec import SamplingSpec
from backend.engines.models import Models
from backend.experiments.cells import read_cells
from backend.experiments.curves import curve
from backend.experiments.pool_estimates import pool_keys
from backend.experiments.shards import ESTIMATES, LEDGER, SAMPLE_SCHEMA, SAMPLES, Folder, TaskResult
from backend.experiments.spec import Experiment, cell_of
from backend.experiments.sweep import Sweep

IN_FLIGHT = 64
SHARD_ROWS = 65_536


class SweepTraffic(NamedTuple):
    """Tokens generated, solutions finished, and how long it took."""

    tokens: int
    solutions: int
    seconds: float


def described(
    count: int, pool: int, rules: Sequence[str], *, first: int = 1_100_000, verifier: str = "prm"
) -> Experiment:
    """Pooled rules on problems of one level."""
    return Experiment.model_validate(
        {
            "name": "benchmark",
            "problems": [{"set": "ledger", "level": 3, "first_seed": first, "count": count}],
            "budgets": {"axis": "model_calls", "values": [1]},
            "arms": [
                {
                    "name": rule,
                    "strategy": "best_of_n",
                    "selector": rule,
                    "pooled": True,
                    "pool": pool,
                    "verifier": verifier,
                }
                for rule in rules
            ],
        }
    )


# a sweep against its engine


async def raw(engine: Engine, experiment: Experiment, pool: int, seed: int) -> SweepTraffic:
    """The engine alone: `pool` solutions of each problem, IN_FLIGHT requests at a time."""
    prompts = [
        await engine.prompt(problems.problem(each).question, None)
        for each in experiment.problem_ids()
    ]
    sampling = SamplingSpec().sampling()
    waiting = iter(
        [
            Request(
                f"{seed}-{at}-{i}",
                prompt.text,
                prompt.token_ids,
                seed + at * pool + i,
                until_end(sampling),
                sampling,
            )
            for at, prompt in enumerate(prompts)
            for i in range(pool)
        ]
    )
    made = [0, 0]

    async def work() -> None:
        for request in waiting:
            async with aclosing(one(engine, request)) as completions:
                async for tokens in completions:
                    made[0], made[1] = made[0] + tokens, made[1] + 1

    started = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for _ in range(IN_FLIGHT):
            group.create_task(work())
    return SweepTraffic(made[0], made[1], time.perf_counter() - started)


async def one(engine: Engine, request: Request) -> AsyncGenerator[int]:
    async for completion in engine.generate([request]):
        yield len(completion.token_ids)


def until_end(sampling: Sampling) -> Until:
    """A whole solution."""
    return Until(steps=0, tokens=sampling.max_tokens)


async def swept(models: Models, experiment: Experiment, pool: int) -> SweepTraffic:
    """The sweep, into a folder of its own; as many pools at once as fill the engine."""
    root = Path(tempfile.mkdtemp(prefix="sweep"))
    try:
        folder = Folder.of(root, experiment)
        started = time.perf_counter()
        progress = await Sweep(
            experiment, folder, models, at_once=max(1, IN_FLIGHT // pool)
        ).carry_out()
        seconds = time.perf_counter() - started
        rows = folder.results().to_pylist()
        assert progress.failed == 0 and len(rows) == len(experiment.problem_ids())
        return SweepTraffic(
            int(sum(row["generated_tokens"] for row in rows)), folder.samples().num_rows, seconds
        )
    finally:
        shutil.rmtree(root)


async def sweep_table(count: int, pools: Sequence[int], pairs: int) -> None:
    models = Models()
    try:
        engine = await models.policy("torch", None)
        print(
            "| solutions a cell | tokens/s of the sweep / of the engine (range) | cells / "
            "(range) | engine tokens/s | sweep cells/min |"
        )
        print("|---|---|---|---|---|", flush=True)
        for pool in pools:
            kept = []
            for pair in range(-1, pairs):
                experiment = described(
                    max(1, count // pool),
                    pool,
                    ("majority",),
                    first=1_100_000 + 10_000 * (pair + 1),
                    verifier="logprob",
                )
                if pair % 2:  # who comes second finds the prompts in the engine's cache
                    ours, theirs = (
                        await swept(models, experiment, pool),
                        await raw(engine, experiment, pool, 1000 * pair + 1_000_000),
                    )
                else:
                    theirs, ours = (
                        await raw(engine, experiment, pool, 1000 * pair + 1_000_000),
                        await swept(models, experiment, pool),
                    )
                if pair >= 0:
                    kept.append((theirs, ours))
            tokens = [(b.tokens / b.seconds) / (a.tokens / a.seconds) for a, b in kept]
            finished = [(b.solutions / b.seconds) / (a.solutions / a.seconds) for a, b in kept]
            speed = statistics.median(a.tokens / a.seconds for a, _ in kept)
            rate = statistics.median(60 * b.solutions / pool / b.seconds for _, b in kept)
            print(
                f"| {pool} | {spread(tokens)} | {spread(finished)} | {speed:,.0f} | {rate:,.0f} |",
                flush=True,
            )
    finally:
        await models.close()


def spread(ratios: Sequence[float]) -> str:
    return f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"


# curves of many samples


def generated(
    root: Path, count: int, size: int, rules: Sequence[str], shard_rows: int = SHARD_ROWS
) -> tuple[Folder, Experiment]:
    """A folder with `count` pools of `size` samples: success rates from a Beta, wrong answers with
    a long tail, scores that know something."""
    experiment = described(count, size, rules)
    folder, rng = Folder.of(root, experiment), np.random.default_rng(0)
    keys = dict(zip(experiment.problem_ids(), pool_keys(experiment), strict=True))
    names, step = list(keys), max(1, shard_rows // size)
    for at in range(0, count, step):
        some = names[at : at + step]
        pq.write_table(
            drawn(rng, some, [keys[name] for name in some], size),
            folder.path / SAMPLES / f"{at:08d}.parquet",
            compression="zstd",
        )
    ledger = dict.fromkeys(LEDGER, 0.0) | {
        "generated_tokens": 240.0 * size,
        "prompt_tokens": 60.0 * size,
        "verifier_tokens": 300.0 * size,
    }
    folder.add(
        [
            TaskResult(
                key,
                "pool",
                "",
                name,
                cell_of(name),
                0,
                0.0,
                0,
                ledger=ledger | {"verifier_calls": float(size), "model_calls": float(size)},
            )
            for name, key in keys.items()
        ]
    )
    return folder, experiment


def drawn(
    rng: np.random.Generator, names: Sequence[str], keys: Sequence[str], size: int
) -> pa.Table:
    """Samples of some pools."""
    rows, numbers = len(names) * size, np.repeat(np.arange(len(names)), size)
    blank = rng.random(rows) < 0.03
    right = (rng.random(rows) < np.repeat(rng.beta(0.8, 1.0, len(names)), size)) & ~blank
    group = np.where(right, 0, np.minimum(rng.zipf(1.7, rows), 200))
    columns = {
        "key": pa.array(keys).take(pa.array(numbers)),
        "problem": pa.array(names).take(pa.array(numbers)),
        "repeat": np.zeros(rows, np.int64),
        "place": np.tile(np.arange(size), len(names)),
        "answer": pa.array(group.astype(str), mask=blank),
        "group": pa.array(group, mask=blank),
        "correct": right,
        "score": 1.0 / (1.0 + np.exp(-rng.normal(0.0, 1.5, rows) - 1.2 * right)),
        "tokens": rng.integers(80, 400, rows),
        "logprob": -rng.gamma(2.0, 0.1, rows),
        "steps": rng.integers(3, 9, rows),
        "first_wrong": pa.array(rng.integers(0, 3, rows), mask=right),
    }
    return pa.table(columns).cast(SAMPLE_SCHEMA)


def timed(path: Path, size: int, rules: Sequence[str]) -> dict[str, float]:
    """Cells and curves of some rules, in this process, once."""
    folder = Folder(path)
    every = folder.experiment
    experiment = every.model_copy(
        update={"arms": tuple(arm for arm in every.arms if arm.name in rules)}
    )
    started = time.perf_counter()
    found = read_cells(folder, experiment)
    at = time.perf_counter()
    points = [curve(found, rule, "generated_tokens") for rule in rules]
    ended = time.perf_counter()
    assert all(
        len(one) == size.bit_length() and one[0].problems == len(experiment.problem_ids())
        for one in points
    )
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    return {
        "cells": at - started,
        "curve": ended - at,
        "processor": time.process_time(),
        "gib": peak,
    }


def measure_rules(path: Path, size: int, rules: Sequence[str]) -> dict[str, float]:
    """`timed` in a process of its own."""
    command = [
        sys.executable,
        "-m",
        "benchmarks.experiments",
        "one",
        "--folder",
        str(path),
        "--size",
        str(size),
        "--rules",
        *rules,
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    times: dict[str, float] = json.loads(done.stdout)
    return times


def curves_table(samples: Sequence[int], count: int, rules: Sequence[str], root: Path) -> None:
    print(
        (
            "| samples | rule | first read (cells + curve), s | second read, s | peak memory, "
            "GiB |\n|---|---|---|---|---|"
        ),
        flush=True,
    )
    for many in samples:
        size = many // count
        folder, _ = generated(root / str(many), count, size, rules)
        for some in (*((rule,) for rule in rules), tuple(rules)):
            shutil.rmtree(folder.path / ESTIMATES, ignore_errors=True)
            first, second = (
                measure_rules(folder.path, size, some),
                measure_rules(folder.path, size, some),
            )
            print(
                (
                    f"| {count} x {size:,} | {' + '.join(some)} | {describe_times(first)} | "
                    f"{describe_times(second)} | {first['gib']:.1f} |"
                ),
                flush=True,
            )


def describe_times(times: dict[str, float]) -> str:
    return f"{times['cells'] + times['curve']:.2f} ({times['cells']:.2f} + {times['curve']:.2f})"


def main() -> None:
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("what", choices=("sweep", "curves", "one"))
    options.add_argument(
        "--solutions", type=int, default=512, help="of a side, shared among problems"
    )
    options.add_argument("--pool", type=int, nargs="+", default=[1, 16, 64])
    options.add_argument("--pairs", type=int, default=5)
    options.add_argument("--samples", type=int, nargs="+", default=[1_000_000, 10_000_000])
    options.add_argument("--problems", type=int, default=2000)
    options.add_argument("--rules", nargs="+", default=["best", "majority", "weighted", "coverage"])
    options.add_argument("--folder", type=Path)
    options.add_argument("--size", type=int)
    given = options.parse_args()
    if given.what == "one":
        print(json.dumps(timed(given.folder, given.size, given.rules)))
    elif given.what == "sweep":
        asyncio.run(sweep_table(given.solutions, given.pool, given.pairs))
    else:
        with tempfile.TemporaryDirectory() as root:
            curves_table(given.samples, given.problems, given.rules, given.folder or Path(root))


if __name__ == "__main__":
    main()
