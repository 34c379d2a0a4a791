"""All formulas that apply to a node at a moment: first those that decided about it, then what
follows from it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from components.tree.inspector.formula.beams import cut, shares
from components.tree.inspector.formula.case import Case, Formula
from components.tree.inspector.formula.frontier import price
from components.tree.inspector.formula.particles import swap, weights
from components.tree.inspector.formula.values import backed, discount, outlook, thompson
from components.tree.inspector.formula.walks import walk

FAMILIES: Sequence[Callable[[Case], list[Formula]]] = (
    walk,
    outlook,
    thompson,
    cut,
    weights,
    price,
    shares,
    swap,
    backed,
    discount,
)
"""Why the search came here, kept it or weighed it so; then what it granted, and what the node is
worth by now."""


def formulas(case: Case) -> list[Formula]:
    """Every formula that the log holds the numbers of."""
    return [formula for family in FAMILIES for formula in family(case)]
