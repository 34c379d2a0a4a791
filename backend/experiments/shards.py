"""The results of an experiment as a folder of Parquet files that many processes may write and
anybody may read.

    var/experiments/HASH/
        experiment.json        the description
        made_with/*.json       models, versions and settings, one file for each process that worked
                               on it
        results/*.parquet      one row a finished task and budget
        samples/*.parquet      one row a sample of a pool
        estimates/*.parquet    what rules achieve with k samples of a pool, kept because the exact
                               count takes long; may be deleted at any time

A shard is written under a temporary name and renamed when it is whole, so a process that is killed
leaves no half file that counts; what it had not yet written is carried out again. A row is never
changed: of several with the same task and budget the one of the latest attempt counts.
"""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from backend.core.types import JSON
from backend.experiments.spec import Experiment

DESCRIPTION, RESULTS, SAMPLES, MADE_WITH, ESTIMATES = (
    "experiment.json",
    "results",
    "samples",
    "made_with",
    "estimates",
)
LEDGER = (
    "model_calls", "generated_tokens", "discarded_tokens", "prompt_tokens", "cached_tokens", "verifier_calls", "verifier_tokens", "rounds", "seconds",
    "flops",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class TaskResult:
    """How a task ended at a budget. `correct` is None where nobody can tell, `limit` the spent
    axis, `failure` why it broke off (None: it did not). `steps` written on the chosen path,
    `first_wrong` the index of the first wrong one by the exact checker (None: none, or no checker,
    as `checked` tells). Costs are those of the ledger when it answered within the budget's limit.
    `run` is its number in the store, where the whole trace was kept."""

    key: str
    kind: str
    arm: str
    problem: str
    cell: str
    repeat: int
    budget: float
    seed: int
    attempt: int = 0
    answer: str | None = None
    correct: bool | None = None
    limit: str | None = None
    failure: str | None = None
    checked: bool = False
    steps: int | None = None
    first_wrong: int | None = None
    unit: float | None = None
    run: int | None = None
    spec: str = ""
    ledger: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Sample:
    """One solution of a pool. `group` numbers the classes of equal answers, None for a solution
    without a readable one; `score` is the verifier's, None where it has none. `logprob` is the mean
    log-probability of its tokens in nats."""

    key: str
    problem: str
    repeat: int
    place: int
    answer: str | None
    group: int | None
    correct: bool
    score: float | None
    tokens: int
    logprob: float | None
    steps: int
    first_wrong: int | None


PLAIN = {
    "str": pa.string(),
    "int": pa.int64(),
    "float": pa.float64(),
    "bool": pa.bool_(),
    "str | None": pa.string(),
    "int | None": pa.int64(),
    "float | None": pa.float64(),
    "bool | None": pa.bool_(),
}


def _schema(row: type[TaskResult] | type[Sample]) -> pa.Schema:
    plain = [(each.name, PLAIN[str(each.type)]) for each in fields(row) if each.name != "ledger"]
    return pa.schema(
        plain + ([(name, pa.float64()) for name in LEDGER] if row is TaskResult else [])
    )


RESULT_SCHEMA, SAMPLE_SCHEMA = _schema(TaskResult), _schema(Sample)
ESTIMATE_SCHEMA = pa.schema(
    [("key", pa.string()), ("rule", pa.string()), ("k", pa.int64()), ("credit", pa.float64())]
)
Estimates = dict[tuple[str, str, int], float]
"""Expected credit by pool, rule and number of samples."""


class Folder:
    """The folder of one experiment."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def of(cls, root: Path, experiment: Experiment) -> Folder:
        """The folder of an experiment below `root`, made and described if it is new."""
        folder = cls(root / experiment.hash)
        for name in (RESULTS, SAMPLES, MADE_WITH, ESTIMATES):
            (folder.path / name).mkdir(parents=True, exist_ok=True)
        folder._write(
            folder.path / DESCRIPTION,
            experiment.model_dump_json(indent=1, exclude_defaults=True).encode(),
        )
        return folder

    @property
    def experiment(self) -> Experiment:
        return Experiment.model_validate_json((self.path / DESCRIPTION).read_bytes())

    def record_made_with(self, setup: Mapping[str, JSON]) -> None:
        """Store models, versions and settings of the next results, unless the same are stored
        already."""
        text = json.dumps(setup, sort_keys=True, ensure_ascii=False, indent=1)
        if not any(
            path.read_text(encoding="utf-8") == text for path in self._files(MADE_WITH, "json")
        ):
            self._write(self.path / MADE_WITH / f"{uuid.uuid4().hex}.json", text.encode())

    def setups(self) -> list[dict[str, JSON]]:
        """Return all models, versions and settings that `record_made_with` stored."""
        return [
            json.loads(path.read_text(encoding="utf-8"))
            for path in sorted(self._files(MADE_WITH, "json"))
        ]

    def add(self, results: Sequence[TaskResult], samples: Sequence[Sample] = ()) -> None:
        """Write rows as shards. The samples come first, so that a result that is there has its
        samples there too."""
        if samples:
            self._shard(SAMPLES, _by_column(samples))
        if results:
            self._shard(
                RESULTS,
                pa.Table.from_pylist([_flat(result) for result in results], schema=RESULT_SCHEMA),
            )

    def results(self) -> pa.Table:
        """All results, of each task and budget the latest attempt."""
        table = self._table(RESULTS, RESULT_SCHEMA)
        latest: dict[tuple[str, str, float], int] = {}
        attempts = table.column("attempt").to_pylist()
        keys = zip(
            table.column("key").to_pylist(),
            table.column("arm").to_pylist(),
            table.column("budget").to_pylist(),
            strict=True,
        )
        for at, key in enumerate(keys):
            if key not in latest or attempts[at] >= attempts[latest[key]]:
                latest[key] = at
        return table.take(pa.array(sorted(latest.values()), pa.int64()))

    def samples(self, keys: Iterable[str] | None = None) -> pa.Table:
        """All samples, or those of some pools; each once, though a process that died after writing
        them has them drawn again."""
        table = self._table(SAMPLES, SAMPLE_SCHEMA)
        at = pa.array(range(table.num_rows), pa.int64())
        latest = (
            table.select(["key", "place"])
            .append_column("at", at)
            .group_by(["key", "place"])
            .aggregate([("at", "max")])
            .column("at_max")
        )
        if len(latest) < table.num_rows:
            table = table.take(latest.sort())
        if keys is not None:
            table = table.filter(
                pa.compute.is_in(table.column("key"), pa.array(list(keys), pa.string()))
            )
        return table

    def estimates(self) -> Estimates:
        """What was estimated before."""
        rows = self._table(ESTIMATES, ESTIMATE_SCHEMA).to_pylist()
        return {(row["key"], row["rule"], row["k"]): row["credit"] for row in rows}

    def keep_estimates(self, found: Estimates) -> None:
        """Keep estimates for the next time, where the folder can be written to."""
        rows = [
            {"key": key, "rule": rule, "k": k, "credit": credit}
            for (key, rule, k), credit in found.items()
        ]
        try:
            (self.path / ESTIMATES).mkdir(exist_ok=True)
            self._shard(ESTIMATES, pa.Table.from_pylist(rows, schema=ESTIMATE_SCHEMA))
        except OSError:
            return

    def read_done_keys(self, *, failed: bool = True) -> set[str]:
        """Return the keys of the tasks that are done; with `failed` those that broke off count as
        done."""
        table = self._table(RESULTS, RESULT_SCHEMA, columns=["key", "failure"])
        pairs = zip(
            table.column("key").to_pylist(), table.column("failure").to_pylist(), strict=True
        )
        ended: dict[str, bool] = {}
        for key, failure in pairs:
            ended[key] = ended.get(key, False) or failure is None
        return {key for key, well in ended.items() if failed or well}

    def state_of_results(self) -> tuple[tuple[str, int, int], ...]:
        """The shards of results with their sizes in bytes and times of writing in ns: it changes
        whenever the results do."""
        found = [(path, path.stat()) for path in self._files(RESULTS, "parquet")]
        return tuple(sorted((path.name, at.st_size, at.st_mtime_ns) for path, at in found))

    def pattern(self, name: str) -> str:
        """What DuckDB's `read_parquet` takes for one of the tables."""
        return str(self.path / name / "*.parquet")

    def _files(self, name: str, ending: str) -> Iterator[Path]:
        return (self.path / name).glob(f"*.{ending}")

    def _table(self, name: str, schema: pa.Schema, columns: list[str] | None = None) -> pa.Table:
        wanted = (
            schema if columns is None else pa.schema([schema.field(column) for column in columns])
        )
        paths = sorted(map(str, self._files(name, "parquet")))
        if not paths:
            return wanted.empty_table()
        from pyarrow.dataset import dataset  # imports pandas, which nothing else here needs

        return dataset(paths, schema=wanted, format="parquet").to_table()

    def _shard(self, name: str, table: pa.Table) -> None:
        sink = pa.BufferOutputStream()
        pq.write_table(table, sink, compression="zstd")
        self._write(self.path / name / f"{uuid.uuid4().hex}.parquet", sink.getvalue().to_pybytes())

    @staticmethod
    def _write(path: Path, content: bytes) -> None:
        half = path.with_name(f".{path.name}.{os.getpid()}.half")
        half.write_bytes(content)
        half.replace(path)


def _by_column(samples: Sequence[Sample]) -> pa.Table:
    return pa.table(
        {name: [getattr(sample, name) for sample in samples] for name in SAMPLE_SCHEMA.names},
        schema=SAMPLE_SCHEMA,
    )


def _flat(result: TaskResult) -> dict[str, object]:
    fields = asdict(result)
    ledger = fields.pop("ledger")
    return {**fields, **{name: ledger.get(name) for name in LEDGER}}


__all__ = [
    "LEDGER",
    "RESULTS",
    "RESULT_SCHEMA",
    "SAMPLES",
    "SAMPLE_SCHEMA",
    "Folder",
    "Sample",
    "TaskResult",
]
