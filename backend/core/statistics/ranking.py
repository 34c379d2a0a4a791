"""How well scores tell good from bad, whatever their scale."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from backend.core.statistics.weights import FloatsLike


def auroc(scores: FloatsLike, good: Sequence[bool] | NDArray[np.bool_]) -> float:
    """Chance that a good one scores above a bad one, ties half (Mann-Whitney), in [0, 1]; NaN if
    one side is empty. One flag a score."""
    from scipy.stats import rankdata  # heavy, and most commands rank nothing

    right = np.asarray(good, dtype=np.bool_)
    above, below = int(right.sum()), int((~right).sum())
    if not above or not below:
        return math.nan
    ranks = float(rankdata(np.asarray(scores, dtype=np.float64))[right].sum())
    return (ranks - above * (above + 1) / 2) / (above * below)


__all__ = ["auroc"]
