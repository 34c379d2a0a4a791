"""How sure a model was of the tokens that it wrote, read off the likeliest tokens at each position.

All functions are pure; a position is the tuple of its likeliest tokens (at least two), likeliest
first or not, with natural logarithms of their probabilities.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import accumulate
from typing import TypeAlias

from backend.core.types import Alternative

Position: TypeAlias = Sequence[Alternative]

FEWEST = 2
"""Likeliest tokens without which a position says nothing of how sure the model was."""


def next_token_entropy(position: Position) -> float:
    """Entropy of the next token in nats, at least 0, from below: all tokens that are not among the
    likeliest count as one, so that the true entropy is at least this."""
    chances = [math.exp(min(0.0, option.logprob)) for option in position]
    rest = max(0.0, 1.0 - math.fsum(chances))
    return -math.fsum(chance * math.log(chance) for chance in (*chances, rest) if chance > 0.0)


def gap_to_second(position: Position) -> float:
    """Probability of the likeliest token less that of the second, in [0, 1]."""
    first, second = sorted((min(0.0, option.logprob) for option in position), reverse=True)[:2]
    return math.exp(first) - math.exp(second)


def token_confidence(position: Position) -> float:
    """C = -(1/k) sum of log p_j over the k likeliest tokens, at least log k; infinite where one of
    them is impossible (Fu et al. 2025, arXiv 2508.15260, section 2)."""
    return -math.fsum(min(0.0, option.logprob) for option in position) / len(position)


def group_confidences(confidences: Sequence[float], group: int) -> list[float]:
    """The mean over each window of `group` tokens, one window a token from the `group`-th on; one
    of all tokens where there are fewer (section 3.1)."""
    width = min(group, len(confidences))
    sums = [0.0, *accumulate(confidences)]
    return [(sums[end] - sums[end - width]) / width for end in range(width, len(sums))]


def lowest_group(groups: Sequence[float]) -> float:
    """The least confident group (section 3.1)."""
    return min(groups)


def bottom_tenth(groups: Sequence[float]) -> float:
    """The mean of the least confident tenth of the groups, one at least (section 3.1)."""
    lowest = sorted(groups)[: max(1, len(groups) // 10)]
    return math.fsum(lowest) / len(lowest)


def tail(groups: Sequence[float]) -> float:
    """The last group: how sure the model was at the end (section 3.1)."""
    return groups[-1]


def mean(groups: Sequence[float]) -> float:
    """The mean of the groups."""
    return math.fsum(groups) / len(groups)


__all__ = [
    "FEWEST",
    "Position",
    "bottom_tenth",
    "gap_to_second",
    "group_confidences",
    "lowest_group",
    "mean",
    "next_token_entropy",
    "tail",
    "token_confidence",
]
