"""The samples of an experiment by pool, as columns: what 10 million of them are read into, in place
and without a Python object for each.

Keys are read as codes, so that a pool is a run of rows and not a string compared 10 million times.
A pool is written in one go, so its rows lie together in one shard; where a key occurs again (a
process died after writing it, and another drew the same samples) the places tell which rows are the
same.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from backend.core.statistics.subsets import BLANK, Ints
from backend.experiments.shards import SAMPLES, Folder

T = TypeVar("T")
Column = NDArray[Any]
AT_ONCE = 1 << 18
"""Rows that a rule is given at once, so that they stay in the processor's cache; one pool at
least.
"""
EMPTY: Mapping[str, Any] = {
    "group": BLANK,
    "first_wrong": -1,
    "score": np.nan,
    "logprob": np.nan,
    "correct": False,
}
TYPES: Mapping[str, Any] = {
    "group": np.int32,
    "first_wrong": np.int32,
    "correct": np.bool_,
    "tokens": np.int32,
    "steps": np.int32,
    "place": np.int32,
}


class PoolBatch(NamedTuple):
    """Some pools of one size n: their numbers, and the columns as matrices of shape (pools, n).
    Missing values are NaN, a missing group `BLANK`."""

    which: Ints
    columns: Mapping[str, Column]


@dataclass(frozen=True)
class Pools:
    """Pool i is `keys[i]`, its samples are the rows `starts[i]` to `stops[i]` of every column."""

    keys: Sequence[str]
    starts: Ints
    stops: Ints
    columns: Mapping[str, Column]

    @property
    def sizes(self) -> Ints:
        return self.stops - self.starts

    def one(self, pool: int) -> dict[str, Column]:
        """The columns of one pool, shape (n,)."""
        return {
            name: column[self.starts[pool] : self.stops[pool]]
            for name, column in self.columns.items()
        }

    def of(self, some: Sequence[int]) -> Pools:
        """Some of the pools, in this order; the columns stay as they are."""
        which = np.asarray(some, dtype=np.int64)
        return Pools(
            [self.keys[pool] for pool in some], self.starts[which], self.stops[which], self.columns
        )

    def batches(self) -> Iterator[PoolBatch]:
        """All pools, those of one size together."""
        for size in np.unique(self.sizes):
            alike = np.flatnonzero(self.sizes == size)
            for some in np.array_split(alike, max(1, len(alike) * int(size) // AT_ONCE)):
                yield PoolBatch(
                    some,
                    {
                        name: self._matrix(column, some, int(size))
                        for name, column in self.columns.items()
                    },
                )

    def _matrix(self, column: Column, some: Ints, size: int) -> Column:
        first = self.starts[some]
        if (np.diff(first) == size).all():
            return column[first[0] : first[0] + size * len(some)].reshape(len(some), size)
        return column[first[:, None] + np.arange(size)]


def read(folder: Folder, columns: Collection[str], keys: Collection[str] | None = None) -> Pools:
    """The pools of a folder, or those with these keys, each sample once."""
    files = sorted((folder.path / SAMPLES).glob("*.parquet"))
    parts = side_by_side(lambda path: shard(path, columns), files)
    found = join(parts, columns)
    if len(set(found.keys)) < len(found.keys):
        found = without_repeats(
            join(
                side_by_side(lambda path: shard(path, [*columns, "place"]), files),
                [*columns, "place"],
            )
        )
    if keys is None:
        return found
    return found.of([pool for pool, key in enumerate(found.keys) if key in keys])


def side_by_side(work: Callable[[Any], T], given: Sequence[Any]) -> list[T]:
    """`work` on each, on as many threads as there are processors: reading and counting leave the
    interpreter's lock alone."""
    with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:
        return list(pool.map(work, given))


def shard(path: Path, columns: Collection[str]) -> Pools:
    """One file. Its pools are the runs of rows with one key."""
    table = (
        pq.ParquetFile(path, read_dictionary=["key"])
        .read(columns=["key", *columns], use_threads=False)
        .combine_chunks()
    )
    if not table.num_rows:
        return Pools(
            [],
            np.arange(0),
            np.arange(0),
            {name: np.empty(0, TYPES.get(name, np.float64)) for name in columns},
        )
    coded = (
        table.column("key").unify_dictionaries().combine_chunks()
        if table.column("key").num_chunks > 1
        else table.column("key").chunk(0)
    )
    codes = coded.indices.to_numpy()
    starts = np.flatnonzero(np.diff(codes, prepend=codes[0] - 1))
    keys = coded.dictionary.take(pa.array(codes[starts])).to_pylist()
    return Pools(
        keys,
        starts,
        np.append(starts[1:], len(codes)),
        {name: plain(table.column(name), name) for name in columns},
    )


def plain(column: pa.ChunkedArray, name: str) -> Column:
    """A column in numbers."""
    filled = column.fill_null(EMPTY[name]) if column.null_count else column
    return np.asarray(filled.to_numpy(), dtype=TYPES.get(name, np.float64))


def join(parts: Sequence[Pools], columns: Collection[str]) -> Pools:
    """The pools of several files."""
    offsets = np.cumsum([0, *(int(part.stops[-1]) if len(part.stops) else 0 for part in parts)])
    starts = [part.starts + offset for part, offset in zip(parts, offsets[:-1], strict=True)]
    stops = [part.stops + offset for part, offset in zip(parts, offsets[:-1], strict=True)]
    none = np.arange(0)
    return Pools(
        [key for part in parts for key in part.keys],
        np.concatenate([none, *starts]),
        np.concatenate([none, *stops]),
        {
            name: np.concatenate(
                [np.empty(0, TYPES.get(name, np.float64)), *(part.columns[name] for part in parts)]
            )
            for name in columns
        },
    )


def without_repeats(found: Pools) -> Pools:
    """The pools with the runs of one key put together: of rows with one key and place the last one
    counts."""
    names = list(dict.fromkeys(found.keys))
    numbers = {name: number for number, name in enumerate(names)}
    pool = np.repeat(np.array([numbers[key] for key in found.keys]), found.sizes)
    order = np.lexsort((found.columns["place"], pool))
    place, pool = found.columns["place"][order], pool[order]
    last = np.append((np.diff(place) != 0) | (np.diff(pool) != 0), True)
    kept, pool = order[last], pool[last]
    edges = np.searchsorted(pool, np.arange(len(names) + 1))
    return Pools(
        names,
        edges[:-1],
        edges[1:],
        {name: column[kept] for name, column in found.columns.items() if name != "place"},
    )


__all__ = ["PoolBatch", "Pools", "read", "side_by_side"]
