"""A mixture of two Weibull distributions, fitted by maximum likelihood: how RPC tells likely paths
from unlikely ones.

    f(x) = w W(x; k1, l1) + (1 - w) W(x; k2, l2),    x > 0
    W(x; k, l) = (k / l) (x / l)^(k-1) exp(-(x / l)^k)

with shapes k and scales l. The start and the bounds are those of the published program
(github.com/WNJXYK/RPC): w from 0.5 within [0.2, 0.8], (k1, l1) from (1, 1) and (k2, l2) from (1.5,
2), all at least 0.01. The first component is the one with the larger mean l Gamma(1 + 1/k).

The slopes are given to the optimiser (L-BFGS-B) as formulas and not left to differences: the same
maximum, in a tenth of the time. Its own limits are those of the published program too, which sets
none. Where many values are equal there is no maximum, because a component that gathers on one value
makes it ever likelier; both programs then stop wherever the optimiser does.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from backend.core.statistics.weights import Floats, FloatsLike

START = (0.5, 1.0, 1.0, 1.5, 2.0)
BOUNDS = ((0.2, 0.8), (0.01, None), (0.01, None), (0.01, None), (0.01, None))
LARGEST_EXPONENT = 100.0
"""(x/l)^k is held below e^100, where the density is 0 in any case, so that nothing overflows on the
way to the maximum."""

SMALLEST = 1e-300
"""Values below are held up to it: a logarithm has to exist."""


class Weibull(NamedTuple):
    """One component: shape k and scale l."""

    shape: float
    scale: float

    @property
    def mean(self) -> float:
        """l Gamma(1 + 1/k), infinite where that is too large for a number."""
        try:
            return self.scale * math.gamma(1.0 + 1.0 / self.shape)
        except OverflowError:
            return math.inf

    def log_density(self, values: FloatsLike) -> Floats:
        """log W(x), shape of `values`."""
        return self.at(logarithms(values)).log_density

    def at(self, logs: Floats) -> At:
        """The component at points given by their logarithms."""
        relative = logs - math.log(self.scale)
        power: Floats = np.exp(np.minimum(self.shape * relative, LARGEST_EXPONENT))
        return At(
            relative,
            power,
            math.log(self.shape / self.scale) + (self.shape - 1.0) * relative - power,
        )


class At(NamedTuple):
    """A component at some points: log(x/l), (x/l)^k and log W(x)."""

    relative: Floats
    power: Floats
    log_density: Floats


class Mixture(NamedTuple):
    """`weight` is w, the share of `first`, whose mean is not below that of `second`."""

    weight: float
    first: Weibull
    second: Weibull

    def posterior(self, values: FloatsLike) -> Floats:
        """The chance that each value came from `first`."""
        one = math.log(self.weight) + self.first.log_density(values)
        other = math.log1p(-self.weight) + self.second.log_density(values)
        return np.asarray(np.exp(one - np.logaddexp(one, other)), dtype=np.float64)


def logarithms(values: FloatsLike) -> Floats:
    return np.asarray(
        np.log(np.maximum(np.asarray(values, dtype=np.float64), SMALLEST)), dtype=np.float64
    )


def cost(parameters: Floats, logs: Floats) -> tuple[float, Floats]:
    """Minus the log-likelihood of (w, k1, l1, k2, l2), and its slopes; `logs` are the logarithms of
    the values."""
    w, *rest = map(float, parameters)
    parts = (Weibull(*rest[:2]), Weibull(*rest[2:]))
    points = [part.at(logs) for part in parts]
    joint = [math.log(w) + points[0].log_density, math.log1p(-w) + points[1].log_density]
    total = np.logaddexp(*joint)
    first = np.exp(joint[0] - total)
    shares = (first, 1.0 - first)
    slopes = [float(first.sum() / w - shares[1].sum() / (1.0 - w))]
    for part, point, share in zip(parts, points, shares, strict=True):
        slopes.append(
            float((share * (1.0 / part.shape + point.relative * (1.0 - point.power))).sum())
        )
        slopes.append(float((share * (point.power - 1.0)).sum() * part.shape / part.scale))
    return -float(total.sum()), -np.asarray(slopes)


def fit(values: FloatsLike) -> Mixture | None:
    """The mixture that makes the values likeliest; None where there are none, where all are equal,
    or where no maximum was found.

    `values`: shape (N,), each above 0; RPC means probabilities of paths, length-normalised.
    """
    logs = logarithms(values)
    if len(logs) == 0 or logs.max() == logs.min():
        return None
    from scipy.optimize import minimize  # heavy, and most who import this module fit nothing

    found = minimize(
        cost,
        START,
        args=(logs,),
        jac=True,
        method="L-BFGS-B",
        bounds=BOUNDS,
    )
    if not (found.success and np.isfinite(found.x).all() and np.isfinite(found.fun)):
        return None
    w, k1, l1, k2, l2 = map(float, found.x)
    first, second = Weibull(k1, l1), Weibull(k2, l2)
    return (
        Mixture(w, first, second) if first.mean >= second.mean else Mixture(1.0 - w, second, first)
    )
