"""Thompson sampling: every arm has a conjugate model of its scores, one value is drawn from each
posterior, and the greatest draw wins.

An arm keeps its observations as exact sums, so that the order in which scores arrive changes
nothing, not even the last digit. Symbols: y score in [0, 1], n number of scores, m mean, kappa and
nu pseudo-counts of mean and variance, tau2 scale of the variance; a, b of a beta distribution.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from types import MappingProxyType
from typing import NamedTuple, Protocol, TypeAlias

from backend.core.ports import Rng


@dataclass(slots=True, eq=False)
class Arm:
    """What was observed of one choice: the number of scores, their sum and the sum of their
    squares."""

    count: int = 0
    total: Fraction = Fraction(0)
    squares: Fraction = Fraction(0)

    def observe(self, score: float) -> None:
        """One more score in [0, 1]."""
        exact = Fraction(score)
        self.count += 1
        self.total += exact
        self.squares += exact * exact


class NormalInverseGamma(NamedTuple):
    """A belief about mean and variance: sigma2 ~ InvGamma(nu / 2, nu tau2 / 2), mu ~ Normal(m,
    sigma2 / kappa). Defaults: the prior of TreeQuest."""

    m: float = 0.0
    kappa: float = 1.0
    nu: float = 1.0
    tau2: float = 0.1

    def after(self, arm: Arm) -> NormalInverseGamma:
        """The belief once the arm's scores are known."""
        if not arm.count:
            return self
        n, mean = arm.count, float(arm.total / arm.count)
        spread = float(arm.squares - arm.total * arm.total / arm.count)
        kappa, nu = self.kappa + n, self.nu + n
        tau2 = (self.nu * self.tau2 + spread + n * self.kappa * (self.m - mean) ** 2 / kappa) / nu
        return NormalInverseGamma((self.kappa * self.m + n * mean) / kappa, kappa, nu, tau2)

    def draw(self, rng: Rng) -> float:
        """A value of the mean; it may lie outside [0, 1]."""
        variance = self.nu * self.tau2 / 2.0 / float(rng.gamma(self.nu / 2.0))
        return float(rng.normal(self.m, math.sqrt(variance / self.kappa)))


class Beta(NamedTuple):
    """A belief about the mean, a score y counting as y successes and 1 - y failures. Defaults:
    Jeffreys' prior."""

    a: float = 0.5
    b: float = 0.5

    def after(self, arm: Arm) -> Beta:
        """The belief once the arm's scores are known."""
        return Beta(self.a + float(arm.total), self.b + float(arm.count - arm.total))

    def draw(self, rng: Rng) -> float:
        """A value of the mean in [0, 1]."""
        return float(rng.beta(self.a, self.b))


class Belief(Protocol):
    """What an arm's scores say of their mean: parameters by name, and a value drawn from it."""

    def draw(self, rng: Rng) -> float: ...

    def _asdict(self) -> dict[str, float]: ...


Prior: TypeAlias = Callable[[Arm], Belief]
"""The posterior of an arm."""

PRIORS: Mapping[str, Prior] = MappingProxyType(
    {"gaussian": NormalInverseGamma().after, "beta": Beta().after}
)
