"""How wide the posteriors are that Thompson draws come from: the parameters of the note `drawn`,
read as quantiles of the mean.

A normal-inverse-gamma belief (m, kappa, nu, tau2) makes the mean t-distributed with nu degrees of
freedom about m, scaled by sqrt(tau2 / kappa); the other is Beta(a, b). Parameters as in
`backend/strategies/parts/answer_tree/thompson.py`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

from scipy.special import betaincinv, stdtrit

TAIL = 0.05


class BeliefSpread(NamedTuple):
    """The middle 90 % of a posterior, and its median."""

    low: float
    median: float
    high: float


def spread(belief: Mapping[str, float]) -> BeliefSpread | None:
    """The spread of a belief by its parameters; None where they are of no known kind."""
    if belief.keys() >= {"m", "kappa", "nu", "tau2"}:
        scale = math.sqrt(belief["tau2"] / belief["kappa"])
        reach = scale * float(stdtrit(belief["nu"], 1.0 - TAIL))
        return BeliefSpread(belief["m"] - reach, belief["m"], belief["m"] + reach)
    if belief.keys() >= {"a", "b"}:
        return BeliefSpread(
            *(float(betaincinv(belief["a"], belief["b"], q)) for q in (TAIL, 0.5, 1.0 - TAIL))
        )
    return None
