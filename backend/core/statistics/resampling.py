"""Four ways to draw N ancestors with E[number of copies of i] = N W_i.

All take `(weights, uniforms)`: weights W of shape (N,) that sum to 1, and numbers in [0, 1).
Nothing else is random, so a recorded draw can be replayed exactly. They differ in variance only:

- `multinomial`: N independent draws;
- `stratified`: one draw in each of N equal slices, points (i + u_i) / N;
- `systematic`: the same offset in every slice, points (i + u) / N; the number of copies is N W_i
  rounded down or up;
- `residual`: floor(N W_i) copies for certain, the rest by independent draws from what is left over.

Source: Douc, Cappe and Moulines, "Comparison of resampling schemes for particle filtering", 2005
(arXiv cs/0507025).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from backend.core.ports import Rng
from backend.core.statistics.weights import FloatsLike

Ancestors: TypeAlias = NDArray[np.int64]
Scheme: TypeAlias = Callable[[FloatsLike, FloatsLike], Ancestors]

FLOOR_GUARD = 1e-12
"""Added before rounding N W_i down, so that a product such as 2.9999999999999996 counts as the 3
that it stands for."""


BELOW_ONE = float(np.nextafter(1.0, 0.0))


class Draw(NamedTuple):
    """Slot i continues particle `ancestors[i]`; `uniforms` are the numbers that decided it, and
    decide it again."""

    ancestors: tuple[int, ...]
    uniforms: tuple[float, ...]


def invert(weights: FloatsLike, points: FloatsLike) -> Ancestors:
    """For each point p in [0, 1) the first index whose cumulative weight exceeds p; never one
    without weight."""
    values = np.asarray(weights, dtype=np.float64)
    cumulative = np.cumsum(values)
    last = int(np.flatnonzero(values > 0.0)[-1])
    # rounding may leave the sum below 1, and a point above it would run off the end
    cumulative[last:] = 1.0
    # (N - 1 + u) / N can round up to 1
    inside = np.minimum(np.asarray(points, dtype=np.float64), BELOW_ONE)
    return np.searchsorted(cumulative, inside, side="right").astype(np.int64)


def multinomial(weights: FloatsLike, uniforms: FloatsLike) -> Ancestors:
    """N independent draws. `uniforms`: shape (N,)."""
    return invert(weights, uniforms)


def stratified(weights: FloatsLike, uniforms: FloatsLike) -> Ancestors:
    """One draw a slice. `uniforms`: shape (N,)."""
    n = len(weights)
    return invert(weights, (np.arange(n) + np.asarray(uniforms)) / n)


def systematic(weights: FloatsLike, uniforms: FloatsLike) -> Ancestors:
    """One offset for all slices. `uniforms`: shape (1,)."""
    n = len(weights)
    return invert(weights, (np.arange(n) + float(uniforms[0])) / n)


def certain_copies(weights: FloatsLike) -> Ancestors:
    """floor(N W_i): the copies that residual resampling makes for certain, shape (N,)."""
    values = np.asarray(weights, dtype=np.float64)
    return np.floor(len(values) * values + FLOOR_GUARD).astype(np.int64)


def residual(weights: FloatsLike, uniforms: FloatsLike) -> Ancestors:
    """Certain copies first, then draws from the left-over weight. `uniforms`: shape (N - sum of
    certain copies,)."""
    values = np.asarray(weights, dtype=np.float64)
    n, copies = len(values), certain_copies(weights)
    kept = np.repeat(np.arange(n), copies)[:n]
    if len(kept) == n:
        return kept.astype(np.int64)
    left = np.clip(n * values - copies, 0.0, None)
    return np.concatenate([kept, invert(left / left.sum(), uniforms)])


def conditional(weights: FloatsLike, uniforms: FloatsLike, kept: int = -1) -> Ancestors:
    """Resampling of conditional SMC: N - 1 independent draws for the free slots; the last slot
    continues particle `kept` whatever its weight.

    `uniforms`: shape (N - 1,). Andrieu, Doucet and Holenstein 2010, "Particle Markov chain Monte
    Carlo methods".
    """
    return np.append(invert(weights, uniforms), np.arange(len(weights))[kept])


def count_uniforms(scheme: str, weights: FloatsLike) -> int:
    """How many uniform numbers a scheme looks at."""
    if scheme == "residual":
        return max(0, len(weights) - int(certain_copies(weights).sum()))
    return 1 if scheme == "systematic" else len(weights)


SCHEMES: Mapping[str, Scheme] = MappingProxyType(
    {
        "multinomial": multinomial,
        "stratified": stratified,
        "systematic": systematic,
        "residual": residual,
    }
)


def resample(scheme: str, weights: FloatsLike, rng: Rng) -> Draw:
    """Draw N ancestors by one of `SCHEMES`, ancestors and uniforms as plain Python numbers."""
    uniforms = rng.random(count_uniforms(scheme, weights))
    return Draw(tuple(SCHEMES[scheme](weights, uniforms).tolist()), tuple(uniforms.tolist()))
