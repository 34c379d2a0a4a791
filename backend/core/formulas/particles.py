"""What a particle weighs: potentials of scores, factors of a step, normalised weights, and the
temperatures and swaps of chains.

Weights are kept as natural logarithms. A potential psi turns a score into the factor by which a
prefix counts; a temperature T divides its logarithm. In paper mode the current potential counts,
alpha_t = psi_t (Puri et al. 2025, arXiv 2502.01618); in exact mode potentials telescope, alpha_t =
psi_t / psi_(t-1), with psi_0 = 1 (llamppl, arXiv 2306.03081).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Annotated, NamedTuple, TypeAlias

import numpy as np

from backend.core.formulas.formula import Input, formula
from backend.core.formulas.latex import Case, Over
from backend.core.statistics import weights

Score = Annotated[float, Input("r", "score of the prefix", 0, 1)]
Clip = Annotated[float, Input(r"\epsilon", "how near a score may come to 0 and 1", 0, 0.5)]


def inside(score: float, clip: float) -> bool:
    return clip <= score <= 1.0 - clip


def too_low(score: float, clip: float) -> bool:
    return score < clip


def too_high(score: float, clip: float) -> bool:
    return score > 1.0 - clip


def high_enough(score: float, clip: float) -> bool:
    return score >= clip


@formula(
    "Potential: odds",
    (
        Case(r"\ln\frac{$score}{1 - $score}", r"$clip \le $score \le 1 - $clip", inside),
        Case(r"\ln\frac{$clip}{1 - $clip}", "$score < $clip", too_low),
        Case(r"\ln\frac{1 - $clip}{$clip}", "$score > 1 - $clip", too_high),
    ),
    left=r"\ln\psi",
)
def log_odds(score: Score, clip: Clip = 1e-7) -> float:
    """log(r / (1 - r)) in nats, r held inside [clip, 1 - clip]: a score of exactly 1, which half
    precision produces, stays finite."""
    r = min(max(score, clip), 1.0 - clip)
    return float(np.log(r) - np.log1p(-r))


@formula(
    "Potential: probability",
    (
        Case(r"\ln $score", r"$score \ge $clip", high_enough),
        Case(r"\ln $clip", "$score < $clip", too_low),
    ),
    left=r"\ln\psi",
)
def log_probability(score: Score, clip: Clip = 1e-7) -> float:
    """log r in nats, r not below `clip`: a score of exactly 0 is almost, but not quite, the end of
    a particle."""
    return float(np.log(max(score, clip)))


Potential: TypeAlias = Callable[[float, float], float]

POTENTIALS: Mapping[str, Potential] = MappingProxyType({"odds": log_odds, "prob": log_probability})
"""(score, clip) to log potential in nats; a temperature T divides it, which makes odds^(1/T) or
r^(1/T) of it."""

Now = Annotated[float, Input(r"\ln\psi", "potential of the prefix", unit="nats")]
Earlier = Annotated[float, Input(r"\ln\psi_0", "potential one step earlier", unit="nats")]


@formula("Factor of a step, paper mode", "$now", left=r"\ln\alpha")
def paper_gain(now: Now) -> float:
    """alpha is the potential of the current score."""
    return now


@formula("Factor of a step, exact mode", "$now - $earlier", left=r"\ln\alpha")
def exact_gain(earlier: Earlier, now: Now) -> float:
    """alpha is the potential over that of the step before."""
    return now - earlier


class Weighting(NamedTuple):
    """A reading of weights: log alpha of a step from the potentials before and after it, and the
    potential that belongs to it unless another one is named."""

    gain: Callable[[float, float], float]
    potential: str


WEIGHTINGS: Mapping[str, Weighting] = MappingProxyType(
    {
        "paper": Weighting(lambda earlier, now: paper_gain(now), "odds"),
        "exact": Weighting(exact_gain, "prob"),
    }
)

Gathered = Annotated[
    float, Input(r"\ln w_0", "log weight gathered since the last resampling", unit="nats")
]
Gain = Annotated[float, Input(r"\ln\alpha", "what the step brings at temperature 1", unit="nats")]
Temperature = Annotated[float, Input("T", "temperature of the weights", low=0)]


@formula("Log weight", r"$gathered + \frac{$gain}{$temperature}", left=r"\ln w", names=("weight",))
def log_weight(gathered: Gathered, gain: Gain, temperature: Temperature) -> float:
    """The log weight of a particle after one more step, in nats."""
    return gathered + gain / temperature


LogWeights = Annotated[Sequence[float], Input(r"\ell", "log weight", unit="nats", each=True)]


@formula(
    "Normalised weight",
    r"\frac{e^{$log_weights}}{$total}",
    left="W",
    total=Over("sum", "e^{$log_weights}"),
)
def normalise(log_weights: LogWeights) -> list[float]:
    """Weights of all particles, which add up to 1. Where every log weight is -inf nobody is better
    than anybody: equal weights."""
    return [float(weight) for weight in weights.softmax(log_weights)]


@formula(
    "Effective sample size",
    r"\frac{\left($total\right)^2}{$squares}",
    left=r"\text{ESS}",
    names=("ess",),
    total=Over("sum", "e^{$log_weights}"),
    squares=Over("sum", r"e^{2 * $log_weights}"),
)
def effective_size(log_weights: LogWeights) -> float:
    """1 / sum W^2, between 1 (one particle has all the weight) and N (all weigh the same)."""
    return weights.ess(log_weights)


Slots = Annotated[int, Input("N", "slots", low=1, whole=True)]
Weight = Annotated[float, Input("W", "normalised weight at the draw", 0, 1)]


@formula("Copies to be expected of the resampling", "$slots * $weight", left=r"E[\text{copies}]")
def expected_copies(slots: Slots, weight: Weight) -> float:
    """The expected number of slots that continue a particle."""
    return slots * weight


Left = Annotated[float, Input(r"\ln w", "log weight before the draw", unit="nats")]
Beta = Annotated[float, Input(r"\beta", "inverse temperature of the draw", 0, 1)]


@formula("Log weight left by a draw", r"\left(1 - $beta\right) * $gathered", left=r"\ln w'")
def left_by_draw(gathered: Left, beta: Beta) -> float:
    """A draw by weight^beta leaves weight^(1 - beta), so that nothing is counted twice or lost."""
    return 0.0 if beta == 1.0 else (1.0 - beta) * gathered


Evenness = Annotated[float, Input("E", "evenness of the weights: ESS / N", 0, 1)]
Progress = Annotated[float, Input("p", "share of the rounds that is over", 0, 1)]


@formula(
    "Entropic annealing", r"\min\left(1, \frac{$evenness}{1 - $progress}\right)", left=r"\beta"
)
def entropic(evenness: Evenness, progress: Progress) -> float:
    """The inverse temperature beta of entropic annealing, in (0, 1]: 1 / beta = (N / ESS)(1 - t /
    T), but never less than 1.

    Giannone et al. 2025 (arXiv 2510.05825). `evenness` is ESS / N in (0, 1], `progress` is t / T in
    [0, 1). The floor is that of its_hub 1.2.0: without it the formula of the paper would sharpen
    the weights toward the end, and divide by zero there.
    """
    return min(1.0, evenness / (1.0 - progress))


Coldest = Annotated[float, Input("T_1", "temperature of the coldest chain", low=0)]
Hottest = Annotated[float, Input("T_M", "temperature of the hottest chain", low=0)]
Chains = Annotated[int, Input("M", "chains", low=2, whole=True)]


@formula(
    "Temperature of a chain",
    r"$coldest * \left(\frac{$hottest}{$coldest}\right)^{\frac{$place}{$chains - 1}}",
    left="T",
)
def ladder(coldest: Coldest, hottest: Hottest, chains: Chains) -> list[float]:
    """At least two temperatures from the coldest to the hottest, each the same factor above the one
    before."""
    return [coldest * (hottest / coldest) ** (rung / (chains - 1)) for rung in range(chains)]


TempI = Annotated[float, Input("T_i", "temperature of chain i", low=0)]
TempJ = Annotated[float, Input("T_j", "temperature of chain j", low=0)]
HeldI = Annotated[float, Input("L_i", "log potential that chain i holds", unit="nats")]
HeldJ = Annotated[float, Input("L_j", "log potential that chain j holds", unit="nats")]


@formula(
    "Swap of two chains",
    r"\min\left(1, e^{\left(\frac{1}{$t_i} - \frac{1}{$t_j}\right) * \left($l_j - $l_i\right)}"
    r"\right)",
    left="p",
    names=("swap",),
)
def swap_probability(t_i: TempI, t_j: TempJ, l_i: HeldI, l_j: HeldJ) -> float:
    """Acceptance of replica exchange, in [0, 1], where chain i targets p exp(L / T_i) and the log
    potentials are those held before the swap (Geyer 1991)."""
    return float(np.exp(min(0.0, (1.0 / t_i - 1.0 / t_j) * (l_j - l_i))))
