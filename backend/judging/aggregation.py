"""From the scores of steps to the score of a path.

`last` treats the reward model as a value function (Snell et al. 2024; what reward models trained by
roll-outs are), `min` and `prod` treat it as a judge of single steps, `mean` is forgiving. Lightman
et al. 2023 compare product and minimum.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from backend.core.ports import Aggregation

LEAST = sys.float_info.min
"""The least number with all its digits, e^-708.4."""


def multiply(scores: Sequence[float]) -> float:
    """The product, added up in logarithms where it is below `LEAST`: there the number only keeps
    the order of products, 0 is left to a path with a score of 0."""
    product = math.prod(scores)
    if product >= LEAST or min(scores) <= 0.0:
        return product
    return LEAST * math.log(LEAST) / math.fsum(map(math.log, scores))


AGGREGATIONS: Mapping[Aggregation, Callable[[Sequence[float]], float]] = MappingProxyType(
    {
        "last": lambda scores: scores[-1],
        "min": min,
        "prod": multiply,
        "mean": lambda scores: math.fsum(scores) / len(scores),
    }
)


def aggregate(scores: Sequence[float], how: Aggregation) -> float:
    """One number in [0, 1] from at least one step score in [0, 1]."""
    return float(AGGREGATIONS[how](scores))
