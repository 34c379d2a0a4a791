"""The price of a node in a best-first search: f = g + h, and the four readings of what a step
costs.

How g grows is not settled in what is published about A* decoding, so it is a choice (r is the score
of the parent, r' that of the child):

- `consistent`: max(0, r' - r), the smallest cost that makes h = 1 - r consistent: f never falls
  along a path, and the first goal has the least f;
- `rise`: max(0, r - r'), which counts a fall of the score in g and in h: f may fall, the first goal
  need not be the best;
- `one_minus_r`: 1 - r', which also punishes length;
- `nlr`: -log r' with h = 0: uniform-cost search for the largest product of scores.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Annotated, NamedTuple

from backend.core.formulas.formula import Input, formula

START_SCORE = 0.5
"""The score that the root is taken to have, without asking the verifier about an empty solution."""

LEAST_SCORE = 1e-12
"""Below this a score counts as this much where its logarithm is taken."""

Before = Annotated[
    float, Input("r", "score of the parent, or of its nearest scored ancestor", 0, 1)
]
After = Annotated[float, Input("r'", "score of this node", 0, 1)]
ParentCost = Annotated[float, Input("g_p", "cost so far of the parent", low=0)]
CostSoFar = Annotated[float, Input("g", "cost so far", low=0)]
CostToGo = Annotated[float, Input("h", "estimated cost to a goal", low=0)]


@formula("Price in the frontier", "$g + $h", left="f", names=("cost",))
def price(g: CostSoFar, h: CostToGo) -> float:
    """What the frontier is ordered by: the least f is taken first."""
    return g + h


@formula("Cost so far", r"$parent_g + \max(0, $after - $before)", left="g")
def consistent(parent_g: ParentCost, before: Before, after: After) -> float:
    """A step costs what the score rises by."""
    return parent_g + max(0.0, after - before)


@formula("Cost so far", r"$parent_g + \max(0, $before - $after)", left="g")
def rise(parent_g: ParentCost, before: Before, after: After) -> float:
    """A step costs what the score falls by."""
    return parent_g + max(0.0, before - after)


@formula("Cost so far", r"$parent_g + (1 - $after)", left="g")
def one_minus_r(parent_g: ParentCost, after: After) -> float:
    """A step costs what its score lacks to 1."""
    return parent_g + (1.0 - after)


@formula("Cost so far", r"$parent_g - \ln\max($after, 10^{-12})", left="g")
def nlr(parent_g: ParentCost, after: After) -> float:
    """A step costs the negative logarithm of its score."""
    return parent_g + -math.log(max(after, LEAST_SCORE))


@formula("Estimated cost to a goal", "1 - $after", left="h")
def shortfall(after: After) -> float:
    """What the score lacks to 1."""
    return 1.0 - after


@formula("Estimated cost to a goal", "0", left="h")
def no_heuristic() -> float:
    """Nothing is estimated: uniform-cost search."""
    return 0.0


class Cost(NamedTuple):
    """A reading: `step(g of the parent, r, r')` is the cost so far of a child, `heuristic(r')` the
    estimated cost from it to a goal; `formulas` names both."""

    step: Callable[[float, float, float], float]
    heuristic: Callable[[float], float]
    formulas: tuple[str, str]


COSTS: Mapping[str, Cost] = MappingProxyType(
    {
        "consistent": Cost(consistent, shortfall, ("consistent", "shortfall")),
        "rise": Cost(rise, shortfall, ("rise", "shortfall")),
        "one_minus_r": Cost(
            lambda parent_g, before, after: one_minus_r(parent_g, after),
            shortfall,
            ("one_minus_r", "shortfall"),
        ),
        "nlr": Cost(
            lambda parent_g, before, after: nlr(parent_g, after),
            lambda after: no_heuristic(),
            ("nlr", "no_heuristic"),
        ),
    }
)
