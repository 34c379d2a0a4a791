"""The limit of a budget that ended a run: an axis and a number, and the words for it, which are
written here alone."""

from __future__ import annotations

from typing import NamedTuple


class Limit(NamedTuple):
    """All that there was of a budget: `value` of `axis`, in the unit of the axis."""

    axis: str
    value: float

    def __str__(self) -> str:
        return f"budget spent: {self.axis} limit {self.value:.12g}"


def describe_end(reason: str | None, limit: Limit | None) -> str | None:
    """Why a run ended as it did, in words: what else there is to say, then the spent budget. None
    where there is nothing to say."""
    return "; ".join(str(part) for part in (reason, limit) if part) or None


__all__ = ["Limit", "describe_end"]
