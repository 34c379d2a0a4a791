"""Weights of particles, kept as natural logarithms so that neither tiny nor huge ones overflow.

A particle with log weight l_i counts W_i = exp(l_i) / sum_j exp(l_j). The effective sample size ESS
= 1 / sum_i W_i^2 lies between 1 (one particle has all the weight) and N (all weigh the same). A
potential turns a score r in [0, 1] into the factor by which a prefix counts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

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
    """Effective sample size 1 / sum W^2, in [1, N] (Kong, Liu and Wong 1994)."""
    return float(1.0 / np.square(softmax(log_weights)).sum())


def log_odds(probability: float, clip: float = 1e-7) -> float:
    """log(r / (1 - r)) in nats, r held inside [clip, 1 - clip]: a score of exactly 1, which half
    precision produces, stays finite."""
    r = min(max(probability, clip), 1.0 - clip)
    return float(np.log(r) - np.log1p(-r))


def log_probability(probability: float, clip: float = 1e-7) -> float:
    """log r in nats, r not below `clip`: a score of exactly 0 is almost, but not quite, the end of
    a particle."""
    return float(np.log(max(probability, clip)))


Potential: TypeAlias = Callable[[float, float], float]

POTENTIALS: Mapping[str, Potential] = MappingProxyType({"odds": log_odds, "prob": log_probability})
"""(score, clip) to log potential in nats; a temperature T divides it, which makes odds^(1/T) or
r^(1/T) of it."""


def entropic(evenness: float, progress: float) -> float:
    """The inverse temperature beta of entropic annealing, in (0, 1]: 1 / beta = (N / ESS)(1 - t /
    T), but never less than 1.

    Giannone et al. 2025 (arXiv 2510.05825). `evenness` is ESS / N in (0, 1], `progress` is t / T in
    [0, 1). The floor is that of its_hub 1.2.0: without it the formula of the paper would sharpen
    the weights toward the end, and divide by zero there.
    """
    return min(1.0, evenness / (1.0 - progress))


def ladder(coldest: float, hottest: float, count: int) -> list[float]:
    """`count` >= 2 temperatures from the coldest to the hottest, each the same factor above the one
    before."""
    return [coldest * (hottest / coldest) ** (rung / (count - 1)) for rung in range(count)]


def swap_probability(temperatures: tuple[float, float], energies: tuple[float, float]) -> float:
    """Acceptance of replica exchange, in [0, 1]: min(1, exp((1/T_i - 1/T_j)(L_j - L_i))).

    Chain i targets p exp(L / T_i). `energies` are the log potentials L, in nats, of the states that
    chains i and j hold before the swap.
    """
    (t_i, t_j), (l_i, l_j) = temperatures, energies
    return float(np.exp(min(0.0, (1.0 / t_i - 1.0 / t_j) * (l_j - l_i))))
