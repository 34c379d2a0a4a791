"""From the scores of steps to the score of a path.

`last` treats the reward model as a value function (Snell et al. 2024; what reward models trained by
roll-outs are), `min` and `prod` treat it as a judge of single steps, `mean` is forgiving. Lightman
et al. 2023 compare product and minimum.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from backend.core.ports import Aggregation

AGGREGATIONS: Mapping[Aggregation, Callable[[Sequence[float]], float]] = MappingProxyType(
    {
        "last": lambda scores: scores[-1],
        "min": min,
        "prod": math.prod,
        "mean": lambda scores: math.fsum(scores) / len(scores),
    }
)


def aggregate(scores: Sequence[float], how: Aggregation) -> float:
    """One number in [0, 1] from at least one step score in [0, 1]."""
    return float(AGGREGATIONS[how](scores))


def steps_of(text: str, delimiter: str) -> tuple[str, ...]:
    """The written steps without delimiters; empty pieces are no steps."""
    return tuple(step for piece in text.split(delimiter) if (step := piece.strip()))
