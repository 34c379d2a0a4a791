"""How long commands take to start, and how long `run` on the classroom pair takes to its first
token.

Every command is a process of its own, and all take turns, so that a busy moment falls on all of
them; a round before the first compiles what is not compiled yet. The table shows medians of wall
and user time, and the wall time against that of `python -c 'import torch'` in the same sitting:
seconds belong to the machine, ratios travel. With `--beside FOLDER` another checkout of the project
takes turns too, for a before and after.

The run ends with its first token, and the moment is when its end was stored, as its export file
says: a few milliseconds more than the token itself.

    python -m benchmarks.start
    python -m benchmarks.start --repeat 9 --beside ../before
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
SAMPLE = "2-beam-search.jsonl"
TORCH, FIRST_TOKEN = "python -c 'import torch'", "run, to its first token"
RUN = "run --problem ledger/3/1000017 --strategy chain --max-tokens 1 --budget generated_tokens=1"
LOOKS = {
    "catalog": ["catalog"],
    "problems": ["problems"],
    "serve --help": ["serve", "--help"],
    "sweep --help": ["sweep", "--help"],
}


COMPILED = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
"""The environment, in which modules are kept compiled as they are for a user."""


class Took(NamedTuple):
    """Seconds of a process, from its start."""

    wall_s: float
    user_s: float


def measure(command: Sequence[str], folder: Path) -> Took:
    """How long a process takes to its end. Raises `CalledProcessError` if it fails."""
    began = time.monotonic()
    process = subprocess.Popen(
        command, cwd=folder, env=COMPILED, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    _, status, usage = os.wait4(process.pid, 0)
    took = Took(time.monotonic() - began, usage.ru_utime)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    return took


def backend(*arguments: str | Path) -> list[str]:
    return [sys.executable, "-m", "backend", *map(str, arguments)]


def one_round(checkout: Path) -> Iterator[tuple[str, Took]]:
    """Every command of a checkout once, with a store of its own."""
    for name, arguments in LOOKS.items():
        yield name, measure(backend(*arguments), checkout)
    with tempfile.TemporaryDirectory() as folder:
        stored = ["--db", str(Path(folder) / "stored.duckdb")]
        [sample] = checkout.glob(f"backend/**/samples/{SAMPLE}")
        measure(backend("import", sample, *stored), checkout)
        yield "verify-run", measure(backend("verify-run", "1", *stored), checkout)
        yield FIRST_TOKEN, first_token(checkout, Path(folder))


def first_token(checkout: Path, folder: Path) -> Took:
    """How long a run takes to its first token; the user time is that of the whole process and its
    engine host."""
    db, file = folder / "run.duckdb", folder / "run.jsonl"
    began = time.time()
    whole = measure(backend(*RUN.split(), "--db", db), checkout)
    measure(backend("export", "1", file, "--db", db), checkout)
    with file.open(encoding="utf-8") as lines:
        ended = datetime.fromisoformat(json.loads(lines.readline())["run"]["finished_at"])
    return Took(ended.timestamp() - began, whole.user_s)


def table(found: dict[str, list[Took]]) -> Iterator[str]:
    """One line a command: medians, and the wall time against that of importing torch."""
    torch_s = statistics.median(each.wall_s for each in found[TORCH])
    yield "| command | wall, s | user, s | / import torch | - import torch, s |"
    yield "|---|---|---|---|---|"
    for name, times in found.items():
        wall_s, user_s = (
            statistics.median(each[at] for each in times) for at in range(len(Took._fields))
        )
        yield (
            f"| {name} | {wall_s:.2f} | {user_s:.2f} | {wall_s / torch_s:.2f} "
            f"| {wall_s - torch_s:+.2f} |"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--repeat", type=int, default=5, help="rounds; the median counts")
    parser.add_argument("--beside", type=Path, help="another checkout, measured in turns")
    options = parser.parse_args()
    checkouts = [ROOT] if options.beside is None else [ROOT, options.beside.resolve()]
    found: dict[str, list[Took]] = {}
    for turn in range(options.repeat + 1):
        if turn == 1:
            found.clear()
        torch = measure([sys.executable, "-c", "import torch"], ROOT)
        found.setdefault(TORCH, []).append(torch)
        for checkout in checkouts:
            where = "" if checkout == ROOT else f", {checkout.name}"
            for name, took in one_round(checkout):
                found.setdefault(name + where, []).append(took)
    print("\n".join(table(found)))


if __name__ == "__main__":
    main()
