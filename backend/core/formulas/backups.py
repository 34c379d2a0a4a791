"""What a node is worth by the values that were backed up through it.

Q is W / N whatever the rule; the rules differ in how W grows.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from backend.core.formulas.formula import Input, formula
from backend.core.formulas.latex import Case, Over

LEAST_WEIGHT = 0.1
"""What the vertices near the root get of a value at least, in the rule of DeepSearch."""

Total = Annotated[float, Input("W", "total of the values that came by")]
Visits = Annotated[
    int, Input("N", "visits: how often a value was backed up through here", low=1, whole=True)
]


@formula("Value by what was backed up", r"\frac{$total}{$visits}", left="Q")
def mean(total: Total, visits: Visits) -> float:
    """The mean of all values that came by (Kocsis and Szepesvari 2006)."""
    return total / visits


ChildTotals = Annotated[
    Sequence[float], Input("W", "total of a visited child: its visits times its Q", each=True)
]
ChildVisits = Annotated[
    Sequence[int], Input("N", "visits of a child", low=1, each=True, whole=True)
]


Last = Annotated[float, Input("q", "value of the last visit", -1, 1)]


def some_child(visits: Sequence[int], **others: object) -> bool:
    return bool(visits)


def no_child(visits: Sequence[int], **others: object) -> bool:
    return not visits


@formula(
    "Value by what was backed up",
    (
        Case(r"\frac{$worth}{$count}", "$count > 0", some_child),
        Case("$last", "$count = 0", no_child),
    ),
    left="Q",
    worth=Over("sum", "$totals"),
    count=Over("sum", "$visits"),
)
def children(totals: ChildTotals, visits: ChildVisits, last: Last) -> float:
    """The mean of the visited children's Q, weighted by their visits; without any the value of the
    last visit (ReST-MCTS*)."""
    return sum(totals) / sum(visits) if visits else last


Place = Annotated[int, Input("i", "place on the path, from 1 at the root", low=1, whole=True)]
Length = Annotated[int, Input("L", "nodes of the path", low=1, whole=True)]
Value = Annotated[float, Input("q", "value that was backed up", -1, 1)]
Part = Annotated[float, Input("p", "what the node gets of the value", -1, 1)]


@formula(
    "Part of a value",
    rf"\max\left(\tfrac{{$position}}{{$length}}, {LEAST_WEIGHT}\right) * $value",
    left="p",
)
def signed_part(position: Place, length: Length, value: Value) -> float:
    """What a node gets of a value: the less, the nearer it is to the root (DeepSearch)."""
    return max(position / length, LEAST_WEIGHT) * value


def same_sign(total: float, part: float) -> bool:
    return total * part >= 0


def good_news(total: float, part: float) -> bool:
    return total * part < 0 < part


def bad_news(total: float, part: float) -> bool:
    return total * part < 0 and part < 0


@formula(
    "Total with a sign",
    (
        Case("$total + $part", r"$total * $part \ge 0", same_sign),
        Case("$part", r"$total < 0 < $part", good_news),
        Case("$total", r"$part < 0 < $total", bad_news),
    ),
    left="W'",
    names=("signed",),
)
def signed_total(total: Total, part: Part) -> float:
    """W after one more part: where it would change its sign, good news replaces it and bad news is
    ignored (DeepSearch). So a node above a good leaf stays positive for ever."""
    if total * part >= 0:
        return total + part
    return part if part > 0 else total


Ends = Annotated[float, Input("r", "score of where its rollout ends", 0, 1)]
Own = Annotated[float, Input("r_1", "score of the best child", 0, 1)]


@formula("Value by rollout", "$end", left="v")
def rolled_value(end: Ends) -> float:
    """A step that was tried out is worth what its rollout came to."""
    return end


@formula("Value by score and rollout", r"\frac{$score + $end}{2}", left="v")
def mixed_value(score: Own, end: Ends) -> float:
    """The mean of both (ReST-MCTS*)."""
    return (score + end) / 2.0
