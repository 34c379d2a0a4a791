"""The finished runs of `benchmarks.strategies`: one JSON line each, written when the run is over
and never again.

A process that is killed loses only the runs that were under way; half a line at the end of the file
is cut off before the next one is written. A line holds either a `setup`, which says what the runs
after it were made with, or a `run`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict, JsonValue


class Sample(NamedTuple):
    """One solution of a pool: the answer (None: none that counts), whether it is right, the
    verifier's score, generated tokens."""

    answer: str | None
    correct: bool
    score: float | None
    tokens: int


class Finished(BaseModel):
    """How a run ended. `unit` is the tokens of one solution in its cell when the run was planned,
    `limit` the spent axis of its budget, `failure` why it broke off. `samples` are the solutions of
    a pool, empty for all others."""

    model_config = ConfigDict(frozen=True)

    key: str
    cell: str
    problem: str
    strategy: str
    solutions: int
    unit: float | None
    seed: int
    params: Mapping[str, JsonValue]
    answer: str | None = None
    correct: bool | None = None
    limit: str | None = None
    failure: str | None = None
    ledger: Mapping[str, float] = {}
    samples: tuple[Sample, ...] = ()


class Line(BaseModel):
    """A line of the file: one of the two."""

    setup: dict[str, JsonValue] | None = None
    run: Finished | None = None


class Log:
    """A file of finished runs: what it holds, and a way to add to it. `runs` are by key, in the
    order in which they finished."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.setups: list[dict[str, JsonValue]] = []
        self.runs: dict[str, Finished] = {}
        text = path.read_bytes() if path.is_file() else b""
        whole = text.rfind(b"\n") + 1
        self._torn = whole if whole < len(text) else None
        for line in text[:whole].splitlines():
            self._take(Line.model_validate_json(line))

    def set_up(self, setup: dict[str, JsonValue]) -> None:
        """Say what the next runs are made with, unless the last ones were made with just that."""
        if not self.setups or self.setups[-1] != setup:
            self._append(Line(setup=setup))

    def add(self, finished: Finished) -> None:
        """Write a finished run down."""
        self._append(Line(run=finished))

    def _take(self, line: Line) -> None:
        if line.setup is not None:
            self.setups.append(line.setup)
        if line.run is not None:
            self.runs.setdefault(line.run.key, line.run)

    def _append(self, line: Line) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        if self._torn is not None:
            with self.path.open("r+b") as file:
                file.truncate(self._torn)
            self._torn = None
        with self.path.open("a", encoding="utf-8") as file:
            file.write(line.model_dump_json(exclude_defaults=True) + "\n")
        self._take(line)


__all__ = ["Finished", "Log", "Sample"]
