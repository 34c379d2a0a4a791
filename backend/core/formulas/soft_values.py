"""Soft values of texts, by which diffusion tree sampling goes (Jain et al. 2025, arXiv 2506.20701).

The soft value of a prefix is V(s) = 1/lambda log E_p[exp(lambda r) | s], and going on from each
prefix to a child in proportion to p exp(lambda V) ends in the texts x in proportion to p(x)
exp(lambda r(x)). Children are draws from p: a text drawn m times counts m times.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Annotated

from backend.core.formulas.formula import Input, formula
from backend.core.formulas.latex import Over
from backend.core.statistics.weights import logsumexp, softmax

WIDENING_GUARD = 1e-9
"""Taken off before rounding up, so that a power such as 27 ** (1 / 3) = 3.0000000000000004 counts
as the 3 that it stands for."""

Values = Annotated[Sequence[float], Input("v", "soft value", 0, 1, each=True)]
Draws = Annotated[Sequence[float], Input("m", "times drawn", low=1, each=True, whole=True)]
RewardWeight = Annotated[float, Input(r"\lambda", "weight of the reward", low=0)]
TILTED = r"$draws * e^{$reward_weight * $values}"


def _tilt(values: Sequence[float], draws: Sequence[float], weight: float) -> list[float]:
    return [weight * value + math.log(count) for value, count in zip(values, draws, strict=True)]


@formula(
    "Value by what was backed up",
    r"\frac{1}{$reward_weight} * \ln\frac{$reward}{$count}",
    left="v",
    reward=Over("sum", TILTED),
    count=Over("sum", "$draws"),
)
def soft(values: Values, draws: Draws, reward_weight: RewardWeight) -> float:
    """The soft mean over the draws below a prefix. `draws`: how often each child was drawn, or its
    exact probability."""
    total = logsumexp(_tilt(values, draws, reward_weight))
    return (total - math.log(math.fsum(draws))) / reward_weight


@formula("Boltzmann choice", rf"\frac{{{TILTED}}}{{$total}}", left="p", total=Over("sum", TILTED))
def boltzmann(values: Values, draws: Draws, reward_weight: RewardWeight) -> list[float]:
    """The probability of going on to each child."""
    return [float(share) for share in softmax(_tilt(values, draws, reward_weight))]


Reward = Annotated[float, Input("r", "score of the finished text", 0, 1)]


@formula("Value of a finished text", "$reward", left="v")
def text_value(reward: Reward) -> float:
    """A finished text is worth its score."""
    return reward


Widening = Annotated[float, Input("C", "factor of the widening", low=0)]
WideningPower = Annotated[float, Input(r"\alpha", "power of the widening", 0, 1)]
VisitsSoFar = Annotated[int, Input("N", "visits, the one under way included", low=1, whole=True)]


@formula(
    "Draws allowed",
    r"\max\left(1, \left\lceil $widening * $visits^{$widening_power} \right\rceil\right)",
    left="B",
)
def allowed_draws(visits: VisitsSoFar, widening: Widening, widening_power: WideningPower) -> int:
    """How many draws a prefix may have below it."""
    grown: float = visits**widening_power
    return max(1, math.ceil(widening * grown - WIDENING_GUARD))
