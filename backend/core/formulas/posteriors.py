"""What the scores of an arm say of their mean: the conjugate models behind the Thompson draws of
AB-MCTS (arXiv 2503.04412).

Gaussian: sigma2 ~ InvGamma(nu / 2, nu tau2 / 2), mu ~ Normal(m, sigma2 / kappa), with the prior of
TreeQuest. Beta: a score y counts as y successes and 1 - y failures, with Jeffreys' prior. Sums may
be exact fractions, so that the order in which scores arrive changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from types import MappingProxyType
from typing import Annotated, TypeAlias

from backend.core.formulas.formula import Input, formula
from backend.core.formulas.latex import Over

Real: TypeAlias = float | Fraction

Count = Annotated[int, Input("n", "scores that the arm has learned", low=0, whole=True)]
Some = Annotated[int, Input("n", "scores that the arm has learned", low=1, whole=True)]
Total = Annotated[Real, Input("Y", "their sum", low=0)]
Squares = Annotated[Real, Input("Y_2", "the sum of their squares", low=0)]
MeanScore = Annotated[float, Input(r"\bar y", "their mean", 0, 1)]
Spread = Annotated[float, Input("S", "their squared deviations from the mean, summed", low=0)]
PriorMean = Annotated[float, Input("m_0", "mean before any score", 0, 1)]
PriorKappa = Annotated[float, Input(r"\kappa_0", "pseudo-count of the mean before any score", 0)]
PriorNu = Annotated[float, Input(r"\nu_0", "degrees of freedom before any score", low=0)]
PriorTau2 = Annotated[float, Input(r"\tau_0^2", "scale of the variance before any score", low=0)]
PriorA = Annotated[float, Input("a_0", "successes before any score", low=0)]
PriorB = Annotated[float, Input("b_0", "failures before any score", low=0)]


@formula("Mean of the scores", r"\frac{$total}{$count}", left=r"\bar y")
def mean_score(count: Some, total: Total) -> float:
    """Of at least one score."""
    return float(total / count)


@formula("Spread of the scores", r"$squares - \frac{$total^2}{$count}", left="S")
def spread(count: Some, total: Total, squares: Squares) -> float:
    """The squared deviations from the mean, summed; of at least one score."""
    return float(squares - total * total / count)


@formula("Pseudo-count of the mean", r"$kappa + $count", left=r"\kappa")
def posterior_kappa(kappa: PriorKappa, count: Count) -> float:
    """How many scores the belief in the mean is worth."""
    return kappa + count


@formula("Degrees of freedom", r"$nu + $count", left=r"\nu")
def posterior_nu(nu: PriorNu, count: Count) -> float:
    """How many scores the belief in the variance is worth."""
    return nu + count


@formula(
    "Mean of the belief",
    r"\frac{$kappa * $m + $count * $mean}{$kappa + $count}",
    left="m",
)
def posterior_m(m: PriorMean, kappa: PriorKappa, count: Count, mean: MeanScore) -> float:
    """Between the prior's mean and that of the scores."""
    return (kappa * m + count * mean) / posterior_kappa(kappa, count)


@formula(
    "Scale of the variance",
    r"\frac{$nu * $tau2 + $spread + \frac{$count * $kappa * \left($m - $mean\right)^2}"
    r"{$kappa + $count}}{$nu + $count}",
    left=r"\tau^2",
)
def posterior_tau2(
    m: PriorMean,
    kappa: PriorKappa,
    nu: PriorNu,
    tau2: PriorTau2,
    count: Count,
    mean: MeanScore,
    spread: Spread,
) -> float:
    """How far the scores lie apart, and their mean from the prior's."""
    shift = count * kappa * (m - mean) ** 2 / posterior_kappa(kappa, count)
    return (nu * tau2 + spread + shift) / posterior_nu(nu, count)


@formula("Successes", "$a + $total", left="a")
def posterior_a(a: PriorA, total: Total) -> float:
    """A score y counts as y successes."""
    return a + float(total)


@formula("Failures", "$b + $count - $total", left="b")
def posterior_b(b: PriorB, count: Count, total: Total) -> float:
    """A score y counts as 1 - y failures."""
    return b + float(count - total)


GAUSSIAN_PRIOR: Mapping[str, float] = MappingProxyType(
    {"m": 0.0, "kappa": 1.0, "nu": 1.0, "tau2": 0.1}
)
"""What is believed of mean and variance before any score, as in TreeQuest."""

BETA_PRIOR: Mapping[str, float] = MappingProxyType({"a": 0.5, "b": 0.5})
"""What is believed of the mean before any score: Jeffreys' prior."""


Child = Annotated[float, Input(r"\text{CONT}", "draw for going on below the children")]
New = Annotated[float, Input(r"\text{GEN}", "draw for a new child here")]


@formula("Wider or deeper", r"$cont > $gen", names=("deeper",))
def goes_deeper(gen: New, cont: Child) -> bool:
    """Whether a walk goes on below the children: only if that draw is the greater one."""
    return cont > gen


Drawn = Annotated[Sequence[float], Input(r"\theta", "draw of the posterior of a child", each=True)]


@formula(
    "Thompson draw among the children",
    "$greatest",
    left=r"\theta^*",
    names=("thompson",),
    greatest=Over("max", "$draws"),
)
def greatest_draw(draws: Drawn) -> float:
    """The draw that wins: a walk goes to the child that it was made for, among equals the first."""
    return max(draws)


POSTERIORS: Mapping[str, str] = MappingProxyType(
    {
        "m": "posterior_m",
        "kappa": "posterior_kappa",
        "nu": "posterior_nu",
        "tau2": "posterior_tau2",
        "a": "posterior_a",
        "b": "posterior_b",
    }
)
"""The formula of each parameter of a belief, by the parameter's name."""

DRAWS = ("thompson", "deeper", "mean_score", "spread")
"""The formulas of draws, and of what is known of the scores behind them."""
