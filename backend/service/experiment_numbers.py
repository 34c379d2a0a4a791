"""Numbers of experiments as they travel: plain Python, None for what is not finite."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from backend.core.statistics.intervals import Interval
from backend.messages import experiments as schemas


def point_of(point: Any) -> schemas.CurvePoint:
    return schemas.CurvePoint(
        budget=point.budget,
        cost=finite(point.cost),
        accuracy=band(point.accuracy),
        unanswered=point.unanswered,
        problems=point.problems,
        n=point.n,
    )


def band(interval: Interval) -> schemas.Band:
    return schemas.Band(
        value=finite(interval.value), low=finite(interval.low), high=finite(interval.high)
    )


def finite(number: float) -> float | None:
    return number if math.isfinite(number) else None


def plain(value: Any) -> Any:
    """Plain Python numbers, None for what is not finite."""
    if isinstance(value, dict):
        return {name: plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    if isinstance(value, np.generic):
        value = value.item()
    return finite(value) if isinstance(value, float) else value


__all__ = ["band", "finite", "plain", "point_of"]
