"""In what a stored run differs from one that is made today, as far as it is read by versions."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from backend.core.spec import NEWEST


def version_differences(stored: object, graders: Collection[int]) -> list[str]:
    """In what the versions of a stored run, and of the graders of its verdicts, differ from those
    of a new run."""
    named = stored if isinstance(stored, Mapping) else {}
    parts = {"reader": "its answers are read", "splitter": "its steps are found"}
    told = [
        f"{what} by {part} {given}; a new run takes {newest}"
        for part, what in parts.items()
        if (given := named.get(part, 1)) != (newest := getattr(NEWEST, part))
    ]
    older = sorted(set(graders) - {NEWEST.grader})
    by = ", ".join(map(str, older))
    return told + ([f"verdicts of grader {by}; a new run takes {NEWEST.grader}"] if older else [])


__all__ = ["version_differences"]
