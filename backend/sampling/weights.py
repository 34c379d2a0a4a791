"""Weights of particles, kept as natural logarithms so that neither tiny nor huge ones overflow.

A particle with log weight l_i counts W_i = exp(l_i) / sum_j exp(l_j). The effective sample size ESS = 1 / sum_i W_i^2 lies between 1 (one
particle has all the weight) and N (all weigh the same).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]
FloatsLike: TypeAlias = Sequence[float] | Floats


def logsumexp(log_weights: FloatsLike) -> float:
    """log of the sum of exp(l), in nats; -inf for no weight at all. `log_weights`: shape (N,), each in [-inf, inf)."""
    values = np.asarray(log_weights, dtype=np.float64)
    top = float(values.max(initial=-np.inf))
    return top if top == -np.inf else top + float(np.log(np.exp(values - top).sum()))


def softmax(log_weights: FloatsLike) -> Floats:
    """Weights W, shape (N,), summing to 1. Where every log weight is -inf nobody is better than anybody: equal weights."""
    values = np.asarray(log_weights, dtype=np.float64)
    top = values.max(initial=-np.inf)
    if top == -np.inf:
        return np.full(len(values), 1.0 / len(values)) if len(values) else values
    raised = np.exp(values - top)
    return np.asarray(raised / raised.sum(), dtype=np.float64)


def ess(log_weights: FloatsLike) -> float:
    """Effective sample size 1 / sum W^2, in [1, N] (Kong, Liu and Wong 1994)."""
    return float(1.0 / np.square(softmax(log_weights)).sum())


def log_odds(probability: float, clip: float = 1e-7) -> float:
    """log(r / (1 - r)) in nats, r held inside [clip, 1 - clip]: a score of exactly 1, which half precision produces, stays finite."""
    r = min(max(probability, clip), 1.0 - clip)
    return float(np.log(r) - np.log1p(-r))
