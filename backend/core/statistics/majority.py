"""When more votes will hardly change the majority (adaptive consistency: Aggarwal et al. 2023, arXiv
2305.11860)."""

from __future__ import annotations

import math


def majority_stays(first: int, second: int) -> float:
    """Chance, in (0, 1), that the commonest answer (`first` votes) is truly more likely than the
    second (`second` votes, at most as many): P(p > 1/2) for p ~ Beta(first + 1, second + 1), the
    posterior of its share among the two under an even prior (section 3, "Beta criterion"). Exact: it
    is the chance of at most `first` heads in `first + second + 1` tosses of a coin."""
    tosses = first + second + 1
    return sum(math.comb(tosses, heads) for heads in range(first + 1)) / (1 << tosses)


__all__ = ["majority_stays"]
