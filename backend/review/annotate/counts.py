"""How many runs of each strategy were labelled, and how many of them with each category."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol


class LabelRow(Protocol):
    """A stored label with the strategy of its run."""

    @property
    def run_id(self) -> int: ...

    @property
    def kind(self) -> str: ...

    @property
    def label(self) -> str: ...

    @property
    def strategy(self) -> str: ...


@dataclass(frozen=True)
class CountCell:
    """A strategy and a category: the runs in which anybody gave it, and how often it was given."""

    strategy: str
    category: str
    runs: int
    labels: int


@dataclass(frozen=True)
class Counts:
    """`labelled` are runs with any label, by strategy; cells with nothing in them are left out. A
    run counts once in a cell, whoever labelled it."""

    labelled: dict[str, int]
    cells: tuple[CountCell, ...]


def count_labels(rows: Iterable[LabelRow]) -> Counts:
    """Count labels of any number of authors; strategies and categories by name."""
    runs: dict[str, set[int]] = defaultdict(set)
    given: dict[tuple[str, str], list[int]] = defaultdict(list)
    for row in rows:
        runs[row.strategy].add(row.run_id)
        if row.kind == "category":
            given[row.strategy, row.label].append(row.run_id)
    cells = tuple(
        CountCell(strategy, key, len(set(ids)), len(ids))
        for (strategy, key), ids in sorted(given.items())
    )
    return Counts({name: len(runs[name]) for name in sorted(runs)}, cells)


__all__ = ["CountCell", "Counts", "count_labels"]
