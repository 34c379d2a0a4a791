"""How a width of children is shared out among prefixes, and whom a beam keeps.

REBASE (Wu et al. 2024, arXiv 2408.00724), as in the published program: one prefix after the other,
the best first, gets its share of what is left, rounded up, so that the shares always add up to the
width.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import accumulate
from typing import Annotated

from backend.core.formulas.formula import Input, formula
from backend.core.formulas.latex import Case, Over
from backend.core.statistics.weights import softmax

ROUNDING = 1e-9
"""Taken off before rounding up, so that a share such as 4.000000000000001 counts as the 4 that it
stands for."""

ROOT_SCORE = 1.0
"""The score of the root, which nobody scores and which alone gets the whole width."""

Scores = Annotated[Sequence[float], Input("R", "score", 0, 1, each=True)]
Width = Annotated[int, Input("B", "width shared out", low=1, whole=True)]
Temperature = Annotated[float, Input("T", "temperature of the shares", low=0)]
RAISED = "e^{$scores / $temperature}"


@formula(
    "Children granted",
    rf"\left\lceil \left($width - $granted\right) * \frac{{{RAISED}}}{{$rest}} \right\rceil",
    left="n",
    names=("share",),
    granted=Over("sum", "$result", "before"),
    rest=Over("sum", RAISED, "from"),
)
def shares(scores: Scores, width: Width, temperature: Temperature) -> list[int]:
    """Children of every prefix, the best first: what is left of the width, times the part of the
    softmax among this prefix and those after it, rounded up. They add up to the width."""
    raised = [math.exp((score - scores[0]) / temperature) for score in scores]
    rest = list(accumulate(reversed(raised)))[::-1]
    granted: list[int] = []
    for own, total in zip(raised, rest, strict=True):
        granted.append(math.ceil(width * own / total - ROUNDING) if width else 0)
        width -= granted[-1]
    return granted


@formula(
    "Exact share of the width",
    rf"\frac{{{RAISED}}}{{$total}}",
    left="s",
    total=Over("sum", RAISED),
)
def exact_share(scores: Scores, temperature: Temperature) -> list[float]:
    """The part of the width that a prefix would get without rounding: softmax of R / T."""
    return [float(part) for part in softmax([score / temperature for score in scores])]


Total = Annotated[int, Input("n", "next steps of the round", low=1, whole=True)]
Among = Annotated[int, Input("k", "prefixes in the beam", low=1, whole=True)]
EVEN = r"\left\lfloor \tfrac{$total}{$among} \right\rfloor"


def gets_one_more(total: int, among: int, place: int) -> bool:
    return place < total % among


def gets_no_more(total: int, among: int, place: int) -> bool:
    return place >= total % among


@formula(
    "Children granted",
    (
        Case(f"{EVEN} + 1", r"$place < $total \bmod $among", gets_one_more),
        Case(EVEN, r"$place \ge $total \bmod $among", gets_no_more),
    ),
    left="n",
)
def even_share(total: Total, among: Among) -> tuple[int, ...]:
    """Next steps of every prefix, as even as possible: the first prefixes get one more."""
    return tuple(total // among + (place < total % among) for place in range(among))


Kept = Annotated[Sequence[float], Input("v", "value that it was ranked by", 0, 1, each=True)]


@formula("Kept or cut", "$least", left=r"\text{cut}", names=("cut",), least=Over("min", "$kept"))
def least_kept(kept: Kept) -> float:
    """The value that was needed to be kept: the least of those kept."""
    return min(kept)
