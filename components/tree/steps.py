"""Which nodes a table of steps lists: those that fit a filter, in the order asked for, a page at a
time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from backend.core.tree import TreeRow

PAGE_SIZE = 200

FATES: Mapping[str, Callable[[TreeRow], bool]] = {
    "any": lambda row: True,
    "kept": lambda row: not row.pruned,
    "pruned": lambda row: row.pruned,
    "finished": lambda row: row.done,
    "answer": lambda row: row.chosen,
    "unscored": lambda row: row.score is None,
}
"""What may have become of a node, by name."""

SORTS: Mapping[str, Callable[[TreeRow], float | None]] = {
    "order": lambda row: row.id,
    "score": lambda row: row.score,
    "step": lambda row: row.depth,
    "tokens": lambda row: row.tokens,
    "mean log p": lambda row: row.logprob,
    "visits": lambda row: row.visits,
}
"""What a table can be sorted by; nodes without the number come last either way."""


@dataclass(frozen=True)
class StepFilter:
    """What to list. `words` must all be in the text, whatever their case; a score range that leaves
    something out leaves out nodes without a score; `depth` are the least and the greatest step,
    None for no bound."""

    words: str = ""
    fate: str = "any"
    score: tuple[float, float] = (0.0, 1.0)
    depth: tuple[int | None, int | None] = (None, None)
    sort: str = "order"
    falling: bool = False


def matching(rows: Sequence[TreeRow], wanted: StepFilter) -> list[TreeRow]:
    """The rows that fit, sorted; equal ones stay in order of creation."""
    words, fits = wanted.words.casefold().split(), FATES[wanted.fate]
    low, high = wanted.score
    whole = (low, high) == (0.0, 1.0)
    least, most = wanted.depth
    found = [
        row
        for row in rows
        if fits(row)
        and (whole or (row.score is not None and low <= row.score <= high))
        and (least is None or row.depth >= least)
        and (most is None or row.depth <= most)
        and _holds(row, words)
    ]
    number = SORTS[wanted.sort]
    known = [row for row in found if number(row) is not None]
    known.sort(key=lambda row: number(row) or 0.0, reverse=wanted.falling)
    return known + [row for row in found if number(row) is None]


def _holds(row: TreeRow, words: Sequence[str]) -> bool:
    if not words:
        return True
    text = row.text.casefold()
    return all(word in text for word in words)


def pages(rows: Sequence[TreeRow]) -> int:
    """How many pages the rows fill, at least one."""
    return max(1, -(-len(rows) // PAGE_SIZE))


def page_with(rows: Sequence[TreeRow], node: int | None) -> int:
    """The page, counted from 1, that lists a node; the first if none does."""
    return next((place // PAGE_SIZE + 1 for place, row in enumerate(rows) if row.id == node), 1)


def page_of(rows: Sequence[TreeRow], number: int) -> Sequence[TreeRow]:
    """Page `number`, counted from 1."""
    return rows[(number - 1) * PAGE_SIZE : number * PAGE_SIZE]
