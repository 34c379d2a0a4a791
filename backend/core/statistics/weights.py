"""Weights of particles, kept as natural logarithms so that neither tiny nor huge ones overflow.

A particle with log weight l_i counts W_i = exp(l_i) / sum_j exp(l_j). The effective sample size ESS
= 1 / sum_i W_i^2 lies between 1 (one particle has all the weight) and N (all weigh the same). What
makes a score a weight is among the formulas (`backend.core.formulas.particles`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from backend.core.errors import BadInput

Floats: TypeAlias = NDArray[np.float64]
FloatsLike: TypeAlias = Sequence[float] | Floats


def logsumexp(log_weights: FloatsLike) -> float:
    """log of the sum of exp(l), in nats; -inf for no weight at all. `log_weights`: shape (N,), each
    in [-inf, inf)."""
    values = np.asarray(log_weights, dtype=np.float64)
    top = float(values.max(initial=-np.inf))
    return top if top == -np.inf else top + float(np.log(np.exp(values - top).sum()))


def logmeanexp(log_weights: FloatsLike) -> float:
    """log of the mean of exp(l), in nats: what a population of N weighted particles adds to the log
    evidence. -inf for no weight at all."""
    return logsumexp(log_weights) - float(np.log(max(len(log_weights), 1)))


def softmax(log_weights: FloatsLike) -> Floats:
    """Weights W, shape (N,), summing to 1. Where every log weight is -inf nobody is better than
    anybody: equal weights."""
    values = np.asarray(log_weights, dtype=np.float64)
    top = values.max(initial=-np.inf)
    if top == -np.inf:
        return np.full(len(values), 1.0 / len(values)) if len(values) else values
    raised = np.exp(values - top)
    return np.asarray(raised / raised.sum(), dtype=np.float64)


def ess(log_weights: FloatsLike) -> float:
    """Effective sample size 1 / sum W^2, in [1, N] (Kong, Liu and Wong 1994). Raises `BadInput`
    where there is none: for no log weight, and for one that is NaN or infinite upwards."""
    values = np.asarray(log_weights, dtype=np.float64)
    if not len(values) or not (values < np.inf).all():
        raise BadInput(
            "log weights",
            given=values.tolist() or "none",
            accepted="at least one, each below infinity, -inf for no weight",
        )
    return float(1.0 / np.square(softmax(log_weights)).sum())
