"""In what a stored run differs from one that is made today."""

from __future__ import annotations

from backend.core.spec import NEWEST
from backend.review.versions import version_differences


def test_older_versions_are_told_as_differences() -> None:
    assert version_differences(NEWEST.model_dump(), {NEWEST.grader}) == []
    told = version_differences(None, {1, NEWEST.grader})
    assert told[0] == f"its answers are read by reader 1; a new run takes {NEWEST.reader}"
    assert told[-1] == f"verdicts of grader 1; a new run takes {NEWEST.grader}"
