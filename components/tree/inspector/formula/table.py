"""All formulas that apply to a node at a moment: first those that decided about it, then what
follows from it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from components.tree.inspector.formula.beams import explain_cut, explain_shares
from components.tree.inspector.formula.case import Explanation, FormulaCase
from components.tree.inspector.formula.draws import explain_draws
from components.tree.inspector.formula.frontier import explain_price
from components.tree.inspector.formula.particles import explain_swap, explain_weights
from components.tree.inspector.formula.values import (
    explain_backup,
    explain_discount,
    explain_promise,
)
from components.tree.inspector.formula.walks import explain_walk

FAMILIES: Sequence[Callable[[FormulaCase], list[Explanation]]] = (
    explain_walk,
    explain_promise,
    explain_draws,
    explain_cut,
    explain_weights,
    explain_price,
    explain_shares,
    explain_swap,
    explain_backup,
    explain_discount,
)
"""Why the search came here, kept it or weighed it so; then what it granted, and what the node is
worth by now."""


def explain(case: FormulaCase) -> list[Explanation]:
    """Every formula that the log holds the numbers of."""
    return [explanation for family in FAMILIES for explanation in family(case)]
