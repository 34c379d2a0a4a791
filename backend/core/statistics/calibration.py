"""Does a confidence say how often it is right? Three figures over many problems, each 0 at best.

For problem i a rule named its winner with confidence c_i in [0, 1], and y_i in [0, 1] is the credit
of it: 1 right, 0 wrong, in between where several tied. These are the figures RPC is judged by (Zhou
et al. 2025, arXiv 2510.15444; ten bins, and the NLL as in the published program).

- ECE, expected calibration error: in M bins of equal width, the mean of |mean y - mean c| weighted
  by how many problems the bin holds;
- Brier score: the mean of (c - y)^2;
- NLL: the mean of -(y log c + (1 - y) log (1 - c)), in nats.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from backend.core.errors import BadInput
from backend.core.statistics.weights import Floats

BINS = 10
CLIP = 1e-6
"""Confidences and credits are held inside [CLIP, 1 - CLIP] by the NLL, which one certain error
would make infinite."""


class Calibration(NamedTuple):
    """The three figures, and of how many problems."""

    ece: float
    brier: float
    nll: float
    problems: int


class Bin(NamedTuple):
    """The problems with a confidence in (low, high]; `confidence` and `credit` are their means, NaN
    in an empty bin."""

    low: float
    high: float
    problems: int
    confidence: float
    credit: float


def calibration(
    confidences: Sequence[float], correct: Sequence[float], bins: int = BINS
) -> Calibration:
    """ECE, Brier score and NLL of at least one problem. Raises `BadInput` for numbers outside [0,
    1]."""
    c, y = check_pairs(confidences, correct)
    sure, right = np.clip(c, CLIP, 1.0 - CLIP), np.clip(y, CLIP, 1.0 - CLIP)
    nll = -(right * np.log(sure) + (1.0 - right) * np.log1p(-sure))
    ece = sum(
        one.problems * abs(one.credit - one.confidence)
        for one in reliability(confidences, correct, bins)
        if one.problems
    ) / len(c)
    return Calibration(float(ece), float(np.square(c - y).mean()), float(nll.mean()), len(c))


def reliability(
    confidences: Sequence[float], correct: Sequence[float], bins: int = BINS
) -> list[Bin]:
    """What a reliability diagram shows: `bins` bins of equal width from 0 to 1; a confidence of 0
    lies in the first."""
    c, y = check_pairs(confidences, correct)
    edges = np.arange(bins + 1) / bins
    place = np.clip(np.searchsorted(edges, c, side="left") - 1, 0, bins - 1)
    found = []
    for index in range(bins):
        inside = place == index
        count = int(inside.sum())
        means = (
            (float(c[inside].mean()), float(y[inside].mean()))
            if count
            else (float("nan"), float("nan"))
        )
        found.append(Bin(float(edges[index]), float(edges[index + 1]), count, *means))
    return found


def check_pairs(confidences: Sequence[float], correct: Sequence[float]) -> tuple[Floats, Floats]:
    """Both as arrays of one length, with at least one entry, each in [0, 1]."""
    c, y = np.asarray(confidences, dtype=np.float64), np.asarray(correct, dtype=np.float64)
    if (
        len(c) != len(y)
        or not len(c)
        or not (np.all((c >= 0.0) & (c <= 1.0)) and np.all((y >= 0.0) & (y <= 1.0)))
    ):
        raise BadInput(
            "confidences and correct",
            given=f"{len(c)} and {len(y)} numbers",
            accepted="as many of each, at least one, all in [0, 1]",
        )
    return c, y
