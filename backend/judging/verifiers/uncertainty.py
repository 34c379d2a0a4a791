"""The policy's own doubt as verifier: how evenly it spread its next token, read off the likeliest
tokens that the engine reports.

- `entropy`: exp of minus the mean entropy, the inverse of the number of tokens among which the
  model chose on average;
- `top_gap`: the mean distance between the likeliest token and the second;
- `deep_conf`: the least confident stretch of the path (Fu et al. 2025, arXiv 2508.15260);
- `perplexity`: the inverse of the perplexity of what was sampled, over the path or its worst step.

They ask no second model and cost nothing; a run with one of the first three asks its engine for the
likeliest tokens, and they can be stored with a run for a series of scores afterwards.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Literal, TypeAlias

from pydantic import Field

from backend.core.ports import VerifierTokens
from backend.core.registry import NoParams, Params
from backend.core.types import Node, Score
from backend.judging.confidence import (
    FEWEST,
    Position,
    bottom_tenth,
    gap_to_second,
    group_confidences,
    lowest_group,
    mean,
    next_token_entropy,
    tail,
    token_confidence,
)
from backend.judging.scorers import VerifierInputs, verifier
from backend.judging.selectors.path import list_generated
from backend.judging.verifiers.logprob import LogprobVerifier

Measure: TypeAlias = Callable[[Sequence[Position]], float]
"""From the positions of one text, at least one, to a number in [0, 1]."""

NOTHING_RECORDED = (
    "no likeliest tokens: the run stored fewer than two at each position, or nothing was sampled "
    "on this path"
)
ASKED = 5
"""Likeliest tokens that a run asks for where it names fewer; with more the entropy comes nearer to
the true one."""


class UncertaintyVerifier:
    """`measure` of all positions on the path, in [0, 1], and the same of each node as score of its
    step. Injected text, and positions whose likeliest tokens are not known, do not count."""

    tokens = VerifierTokens(0, 0)

    def __init__(self, measure: Measure) -> None:
        self._measure = measure

    async def score(self, nodes: Sequence[Node]) -> list[Score]:
        """One score a node, None with the reason where the likeliest tokens are not known."""
        return [self._score(node) for node in nodes]

    def _score(self, node: Node) -> Score:
        steps = [known for part in list_generated(node) if (known := list_positions(part))]
        if not steps:
            return Score(None, reason=NOTHING_RECORDED)
        return Score(
            self._measure([position for step in steps for position in step]),
            tuple(map(self._measure, steps)),
        )


def list_positions(node: Node) -> list[Position]:
    """The positions of a node whose likeliest tokens are known; a server may leave some out."""
    return [position for position in node.alternatives if len(position) >= FEWEST]


def inverse_choices(positions: Sequence[Position]) -> float:
    """exp of minus the mean entropy, in (0, 1]: 1 where the model was certain, 1/m where it chose
    evenly among m tokens."""
    return math.exp(-math.fsum(map(next_token_entropy, positions)) / len(positions))


def mean_gap(positions: Sequence[Position]) -> float:
    """The mean gap between the two likeliest tokens, in [0, 1]."""
    return math.fsum(map(gap_to_second, positions)) / len(positions)


class DeepConfParams(Params):
    """Parameters of DeepConf's confidence."""

    group: int = Field(2048, ge=1, le=32_768, description="tokens of a window; 2048 as published")
    take: Literal["lowest", "bottom", "tail", "mean"] = Field(
        "lowest",
        description="which windows count: the least confident, the least confident tenth, the "
        "last, or all",
    )


TAKES: dict[str, Callable[[Sequence[float]], float]] = {
    "lowest": lowest_group,
    "bottom": bottom_tenth,
    "tail": tail,
    "mean": mean,
}


def group_measure(params: DeepConfParams) -> Measure:
    """1 - log k / C in [0, 1), where C is the confidence of the windows that count and k the number
    of likeliest tokens: 0 where the model chose evenly among them."""

    def measure(positions: Sequence[Position]) -> float:
        groups = group_confidences(list(map(token_confidence, positions)), params.group)
        return 1.0 - math.log(min(map(len, positions))) / TAKES[params.take](groups)

    return measure


@verifier("entropy", needs=("alternatives",), alternatives=ASKED)
def by_entropy(params: NoParams, inputs: VerifierInputs) -> UncertaintyVerifier:
    """How few tokens the policy chose among on average: exp of minus the mean entropy of the next
    token along the path. It costs nothing."""
    return UncertaintyVerifier(inverse_choices)


@verifier("top_gap", needs=("alternatives",), alternatives=FEWEST)
def by_top_gap(params: NoParams, inputs: VerifierInputs) -> UncertaintyVerifier:
    """How far the likeliest token stood before the second, on average along the path. It costs
    nothing."""
    return UncertaintyVerifier(mean_gap)


@verifier("deep_conf", DeepConfParams, needs=("alternatives",), alternatives=ASKED)
def by_deep_conf(params: DeepConfParams, inputs: VerifierInputs) -> UncertaintyVerifier:
    """The policy's confidence where it was least sure: the least mean over a window of tokens of
    minus the mean log-probability of the likeliest tokens. It costs nothing."""
    return UncertaintyVerifier(group_measure(params))


class PerplexityParams(Params):
    """Parameters of the perplexity."""

    over: Literal["path", "worst", "last"] = Field(
        "path",
        description="what is taken: all tokens of the path, or those of its most surprising or its "
        "last step; the path as published, which is what `logprob` gives",
    )


class PerplexityVerifier:
    """The inverse of the perplexity of what was sampled, in (0, 1], over the path or one step."""

    tokens = VerifierTokens(0, 0)

    def __init__(self, over: str) -> None:
        self._path, self._over = LogprobVerifier(), over

    async def score(self, nodes: Sequence[Node]) -> list[Score]:
        """One score a node, None with the reason where nothing is known."""
        return [self._choose(score) for score in await self._path.score(nodes)]

    def _choose(self, score: Score) -> Score:
        if score.value is None or self._over == "path":
            return score
        return Score(min(score.steps) if self._over == "worst" else score.steps[-1], score.steps)


@verifier("perplexity", PerplexityParams, needs=("logprobs",))
def by_perplexity(params: PerplexityParams, inputs: VerifierInputs) -> PerplexityVerifier:
    """How little the policy was surprised by what it wrote, over the path or its worst step: the
    inverse of the perplexity. It costs nothing."""
    return PerplexityVerifier(params.over)
