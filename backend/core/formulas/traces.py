"""What a finished trace is worth to a search that makes traces shorter."""

from __future__ import annotations

from typing import Annotated

from backend.core.formulas.formula import Input, formula
from backend.core.formulas.latex import Case

Gamma = Annotated[float, Input(r"\gamma", "discount of a step", 0, 1)]
Steps = Annotated[int, Input("k", "steps of the trace", low=0, whole=True)]
Reached = Annotated[
    bool, Input(r"\text{hit}", "1 where its answer is the target, else 0", 0, 1, whole=True)
]


def hit(reached: bool, **others: object) -> bool:
    return bool(reached)


def is_missed(reached: bool, **others: object) -> bool:
    return not reached


@formula(
    "Worth of a trace",
    (
        Case("$gamma^{$steps}", r"$reached = 1", hit),
        Case("0", r"$reached = 0", is_missed),
    ),
    left="v",
)
def discount(gamma: Gamma, steps: Steps, reached: Reached) -> float:
    """What a trace is worth: less for each of its steps, and nothing where it does not give the
    target answer."""
    return gamma**steps if reached else 0.0
