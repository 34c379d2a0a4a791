"""How promising an open node of a tree is: F of the global frontier of DeepSearch (arXiv
2509.25454)."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Annotated, NamedTuple

from backend.core.formulas.formula import Input, formula
from backend.core.formulas.latex import Case

ParentWeight = Annotated[float, Input(r"\lambda_1", "weight of the parent's Q", low=0)]
EntropyWeight = Annotated[float, Input(r"\lambda_2", "weight of the surprise", low=0)]
DepthWeight = Annotated[float, Input(r"\lambda_3", "weight of the depth", low=0)]
OwnWeight = Annotated[float, Input(r"\lambda_4", "weight of the own Q", low=0)]
ParentMean = Annotated[float, Input("Q_p", "mean value of the parent", -1, 1)]
OwnMean = Annotated[float, Input("Q", "mean value, or 2 r - 1 before the first visit", -1, 1)]
Entropy = Annotated[
    float, Input("H", "surprise: mean of -ln p over the tokens of the step", 0, unit="nats")
]
DepthBonus = Annotated[float, Input("D", "bonus of the depth", low=0)]


class Promise(NamedTuple):
    """The four parts of F."""

    parent: float
    entropy: float
    depth: float
    own: float

    @property
    def total(self) -> float:
        """F."""
        return math.fsum(self)


def promise_parts(
    parent_weight: float,
    parent_mean: float,
    entropy_weight: float,
    entropy: float,
    depth_weight: float,
    depth_bonus: float,
    own_weight: float,
    own_mean: float,
) -> Promise:
    """lambda_1 tanh Q_p, lambda_2 H, lambda_3 D and lambda_4 tanh Q."""
    return Promise(
        parent_weight * math.tanh(parent_mean),
        entropy_weight * entropy,
        depth_weight * depth_bonus,
        own_weight * math.tanh(own_mean),
    )


@formula(
    "Global frontier",
    r"$parent_weight * \tanh $parent_mean + $entropy_weight * $entropy + "
    r"$depth_weight * $depth_bonus + $own_weight * \tanh $own_mean",
    left="F",
    names=("outlook",),
)
def promise(
    parent_weight: ParentWeight,
    parent_mean: ParentMean,
    entropy_weight: EntropyWeight,
    entropy: Entropy,
    depth_weight: DepthWeight,
    depth_bonus: DepthBonus,
    own_weight: OwnWeight,
    own_mean: OwnMean,
) -> float:
    """F of an open node: good company, a surprising step, some depth."""
    return promise_parts(
        parent_weight,
        parent_mean,
        entropy_weight,
        entropy,
        depth_weight,
        depth_bonus,
        own_weight,
        own_mean,
    ).total


Depth = Annotated[int, Input("d", "depth below the root", low=0, whole=True)]
Deepest = Annotated[int, Input("d_T", "greatest depth", low=1, whole=True)]


@formula("Bonus of the depth", r"\sqrt{\frac{$depth}{$max_steps}}", left="D")
def depth_sqrt(depth: Depth, max_steps: Deepest) -> float:
    """The root of the relative depth, as in DeepSearch."""
    return math.sqrt(depth / max_steps)


@formula("Bonus of the depth", "$depth", left="D")
def depth_linear(depth: Depth) -> float:
    """The depth itself."""
    return depth


@formula("Bonus of the depth", r"\ln($depth + 1)", left="D")
def depth_log(depth: Depth) -> float:
    """The logarithm of the depth."""
    return math.log1p(depth)


DEPTHS: Mapping[str, Callable[[int, int], float]] = MappingProxyType(
    {
        "sqrt": depth_sqrt,
        "linear": lambda depth, max_steps: depth_linear(depth),
        "log": lambda depth, max_steps: depth_log(depth),
    }
)
"""D of a node at a depth, where `max_steps` is the greatest one."""

Score = Annotated[float, Input("r", "score", 0, 1)]
CutOff = Annotated[
    bool, Input(r"\text{cut}", "1 where the step limit cut it off", 0, 1, whole=True)
]


@formula(
    "Value of a new node",
    (
        Case("2 * $score - 1", r"$cut_off = 0", lambda cut_off, **others: not cut_off),
        Case("-1", r"$cut_off = 1", lambda cut_off, **others: bool(cut_off)),
    ),
    left="Q",
)
def signed_score(score: Score, cut_off: CutOff) -> float:
    """A score in [0, 1] as a value in [-1, 1]; what is cut off at the step limit has no answer and
    counts -1."""
    return -1.0 if cut_off else 2.0 * score - 1.0
