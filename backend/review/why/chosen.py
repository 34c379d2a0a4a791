"""The number by which a final rule measured its candidates, where one number says it: that of the
winner, and that of a right answer that lost."""

from __future__ import annotations

from collections.abc import Sequence

from backend.judging.measures import ClassOf, Measured, count_votes
from backend.judging.rules import SELECTORS
from backend.review.reselect import Ranked


def measure_by(rule: str, pool: Sequence[Ranked], classes: ClassOf) -> Measured:
    """What `rule` goes by, as its selector says; of one that this version does not know, how many
    candidates give the answer."""
    known = SELECTORS.find(rule)
    return (count_votes if known is None else known.measure)(pool, classes)
