"""Average, best and worst of k: how much there is to gain by choosing well, and how much to lose by
bad luck (Balachandran et al. 2025, "Inference-Time Scaling for Complex Tasks", arXiv 2504.00294).

Of k samples of a problem the best is right where any is (a perfect verifier finds it), the worst
where all are. Best less average is the room for a verifier; average less worst is what a user who
asks once does not know.
"""

from __future__ import annotations

from typing import NamedTuple

from backend.core.statistics.estimators import pass_at_k


class Spread(NamedTuple):
    """Chances in [0, 1] that the worst, one, and the best of k samples are right."""

    worst: float
    average: float
    best: float

    @property
    def room(self) -> float:
        """Best less average."""
        return self.best - self.average

    @property
    def instability(self) -> float:
        """Average less worst."""
        return self.average - self.worst


def spread(n: int, right: int, k: int) -> Spread:
    """Exact over all subsets of k of n samples with `right` right ones. Raises `BadInput` as
    `pass_at_k` does."""
    return Spread(1.0 - pass_at_k(n, n - right, k), right / n, pass_at_k(n, right, k))


__all__ = ["Spread", "spread"]
