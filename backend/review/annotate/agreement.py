"""Agreement between two authors: how often they say the same, and how much of that is more than
chance (Cohen 1960).

With p_o the share of units on which they agree and p_e the share on which two authors who label at
random, each with his own frequencies, would: kappa = (p_o - p_e) / (1 - p_e). It is 1 for full
agreement and 0 for that of chance, and does not exist where both gave one and the same label to all
units (p_e = 1) or where no unit was labelled by both. All is computed in fractions, so that equal
inputs give equal numbers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Protocol, TypeVar

from backend.review.annotate.labels import NO_ERROR, RATINGS

NONE = "none"
"""What stands for a unit without a category."""


class Labelled(Protocol):
    """A stored label, with the fields that agreement is computed from."""

    @property
    def run_id(self) -> int: ...

    @property
    def kind(self) -> str: ...

    @property
    def label(self) -> str: ...

    @property
    def node(self) -> int | None: ...

    @property
    def step(self) -> int | None: ...

    @property
    def author(self) -> str: ...

    @property
    def blind(self) -> bool: ...


@dataclass(frozen=True)
class Kappa:
    """Agreement on `units` that both labelled. `table[i][j]` counts units that the first called
    `labels[i]` and the other `labels[j]`. `observed` and `expected` are p_o and p_e, None without
    units; `kappa` is None where it does not exist."""

    labels: tuple[str, ...]
    table: tuple[tuple[int, ...], ...]
    units: int
    observed: Fraction | None
    expected: Fraction | None
    kappa: Fraction | None


@dataclass(frozen=True)
class FirstErrors:
    """Agreement on the first wrong step of a path: the same step, and at most one step apart. "None
    is wrong" is close to itself only."""

    kappa: Kappa
    exact: int
    within_one: int


@dataclass(frozen=True)
class Agreement:
    """Two authors on everything that both labelled. `by_verdict` and `by_category` count, for each
    label, whether each author gave it. Units: a step for verdicts, a path for first wrong steps, a
    run for categories (a category that stands in several places of a run counts once)."""

    one: str
    other: str
    runs: int
    verdicts: Kappa
    by_verdict: Mapping[str, Kappa]
    first_errors: FirstErrors
    categories: Kappa
    by_category: Mapping[str, Kappa]


Unit = TypeVar("Unit", bound=Hashable)
Said = TypeVar("Said")


def kappa(pairs: Iterable[tuple[str, str]], order: Sequence[str] = ()) -> Kappa:
    """Agreement over pairs of labels; `order` is that of the labels in the table, others follow by
    name."""
    counts = Counter(pairs)
    units = sum(counts.values())
    seen = {label for pair in counts for label in pair}
    labels = (*order, *sorted(seen - set(order)))
    table = tuple(tuple(counts[one, other] for other in labels) for one in labels)
    if not units:
        return Kappa(labels, table, 0, None, None, None)
    observed = Fraction(sum(counts[label, label] for label in labels), units)
    columns = [sum(column) for column in zip(*table, strict=True)]
    expected = Fraction(
        sum(sum(row) * column for row, column in zip(table, columns, strict=True)), units * units
    )
    value = None if expected == 1 else (observed - expected) / (1 - expected)
    return Kappa(labels, table, units, observed, expected, value)


def one_against_rest(pairs: Sequence[tuple[str, str]], label: str) -> Kappa:
    """Agreement on whether a unit is called `label`."""
    return kappa(
        [(_yes(one == label), _yes(other == label)) for one, other in pairs], ("yes", "no")
    )


def agreement(
    rows: Sequence[Labelled],
    one: str,
    other: str,
    *,
    categories: Sequence[str],
    blind_only: bool = False,
) -> Agreement:
    """Compare two authors. `categories` are the keys of the codebook in order; with `blind_only`
    only labels count that were given before their author was shown scores, verdicts or others'
    labels."""
    given = [
        [row for row in rows if row.author == author and (row.blind or not blind_only)]
        for author in (one, other)
    ]
    verdicts = _pairs(*(_verdicts(labels) for labels in given))
    sets = _pairs(*(_category_sets(labels) for labels in given))
    joined = [(_join(mine, categories), _join(theirs, categories)) for mine, theirs in sets]
    used = [key for key in categories if any(key in each for pair in sets for each in pair)]
    return Agreement(
        one,
        other,
        len(sets),
        kappa(verdicts, tuple(RATINGS)),
        {label: one_against_rest(verdicts, label) for label in RATINGS},
        first_errors(_pairs(*(_firsts(labels) for labels in given))),
        kappa(joined, (NONE,)),
        {
            key: kappa(
                [(_yes(key in mine), _yes(key in theirs)) for mine, theirs in sets], ("yes", "no")
            )
            for key in used
        },
    )


def first_errors(pairs: Sequence[tuple[int, int]]) -> FirstErrors:
    """Agreement on the numbers of first wrong steps, `NO_ERROR` where there is none."""
    exact = sum(one == other for one, other in pairs)
    near = sum(
        one == other or (NO_ERROR not in (one, other) and abs(one - other) == 1)
        for one, other in pairs
    )
    steps = sorted({step for pair in pairs for step in pair})
    return FirstErrors(
        kappa(
            [(_step(one), _step(other)) for one, other in pairs], [_step(step) for step in steps]
        ),
        exact,
        near,
    )


def _pairs(one: Mapping[Unit, Said], other: Mapping[Unit, Said]) -> list[tuple[Said, Said]]:
    return [(one[unit], other[unit]) for unit in one if unit in other]


def _verdicts(rows: Iterable[Labelled]) -> dict[tuple[int, int | None, int | None], str]:
    return {(row.run_id, row.node, row.step): row.label for row in rows if row.kind == "verdict"}


def _firsts(rows: Iterable[Labelled]) -> dict[tuple[int, int | None], int]:
    return {
        (row.run_id, row.node): row.step
        for row in rows
        if row.kind == "first_error" and row.step is not None
    }


def _category_sets(rows: Iterable[Labelled]) -> dict[int, frozenset[str]]:
    """Return the set of categories of every run that has any label; the empty set counts as an
    opinion too."""
    found: dict[int, frozenset[str]] = {}
    for row in rows:
        found[row.run_id] = found.get(row.run_id, frozenset()) | (
            {row.label} if row.kind == "category" else frozenset()
        )
    return found


def _join(keys: frozenset[str], order: Sequence[str]) -> str:
    return " + ".join([*(key for key in order if key in keys), *sorted(keys - set(order))]) or NONE


def _step(step: int) -> str:
    return NONE if step == NO_ERROR else str(step + 1)


def _yes(given: bool) -> str:
    return "yes" if given else "no"


__all__ = [
    "NONE",
    "Agreement",
    "FirstErrors",
    "Kappa",
    "Labelled",
    "agreement",
    "first_errors",
    "kappa",
    "one_against_rest",
]
