"""Thompson sampling: every arm has a conjugate model of its scores, one value is drawn from each
posterior, and the greatest draw wins.

An arm keeps its observations as exact sums, so that the order in which scores arrive changes
nothing, not even the last digit. What they make of a belief is a formula
(`backend.core.formulas.posteriors`), which also names the symbols.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from types import MappingProxyType
from typing import NamedTuple, Protocol, TypeAlias

from backend.core.formulas.posteriors import (
    BETA_PRIOR,
    GAUSSIAN_PRIOR,
    mean_score,
    posterior_a,
    posterior_b,
    posterior_kappa,
    posterior_m,
    posterior_nu,
    posterior_tau2,
    spread,
)
from backend.core.ports import Rng


@dataclass(slots=True, eq=False)
class BanditArm:
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

    m: float = GAUSSIAN_PRIOR["m"]
    kappa: float = GAUSSIAN_PRIOR["kappa"]
    nu: float = GAUSSIAN_PRIOR["nu"]
    tau2: float = GAUSSIAN_PRIOR["tau2"]

    def after(self, arm: BanditArm) -> NormalInverseGamma:
        """The belief once the arm's scores are known."""
        if not arm.count:
            return self
        (m, kappa, nu, tau2), n = self, arm.count
        mean, apart = mean_score(n, arm.total), spread(n, arm.total, arm.squares)
        return NormalInverseGamma(
            posterior_m(m, kappa, n, mean),
            posterior_kappa(kappa, n),
            posterior_nu(nu, n),
            posterior_tau2(m, kappa, nu, tau2, n, mean, apart),
        )

    def draw(self, rng: Rng) -> float:
        """A value of the mean; it may lie outside [0, 1]."""
        variance = self.nu * self.tau2 / 2.0 / float(rng.gamma(self.nu / 2.0))
        return float(rng.normal(self.m, math.sqrt(variance / self.kappa)))


class Beta(NamedTuple):
    """A belief about the mean, a score y counting as y successes and 1 - y failures. Defaults:
    Jeffreys' prior."""

    a: float = BETA_PRIOR["a"]
    b: float = BETA_PRIOR["b"]

    def after(self, arm: BanditArm) -> Beta:
        """The belief once the arm's scores are known."""
        return Beta(posterior_a(self.a, arm.total), posterior_b(self.b, arm.count, arm.total))

    def draw(self, rng: Rng) -> float:
        """A value of the mean in [0, 1]."""
        return float(rng.beta(self.a, self.b))


class Belief(Protocol):
    """What an arm's scores say of their mean: parameters by name, and a value drawn from it."""

    def draw(self, rng: Rng) -> float: ...

    def _asdict(self) -> dict[str, float]: ...


Prior: TypeAlias = Callable[[BanditArm], Belief]
"""The posterior of an arm."""

PRIORS: Mapping[str, Prior] = MappingProxyType(
    {"gaussian": NormalInverseGamma().after, "beta": Beta().after}
)
