"""What travels over HTTP of the scores that came after a run."""

from __future__ import annotations

from backend.messages.runs import Answer


class SeriesScore(Answer):
    """What a verifier said of a node after the run: `value` in [0, 1] or None with a reason;
    `steps` are the scores of the steps of its path."""

    node_id: int
    value: float | None
    steps: list[float]
    reason: str | None


class SeriesScores(Answer):
    """A series in order of node."""

    series: str
    scores: list[SeriesScore]


__all__ = ["SeriesScore", "SeriesScores"]
