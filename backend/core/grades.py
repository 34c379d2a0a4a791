"""What is known of an answer's being right: right, wrong, undecided, or not graded.

*Undecided* means that the grader was asked and could not tell. *Not graded* means that it was never
asked: no right answer is known, nothing was answered, or the run was brought by a file and nobody
judged it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, TypeAlias

from backend.core.types import JSON

GradeState: TypeAlias = Literal["right", "wrong", "undecided", "not graded"]
GRADED_BY = "graded_by"
"""Where the source of an imported run names who judged its answer: the grader, or the file."""
OWN_FORMATS = ("jsonl", "parquet")


def grade_state(
    correct: bool | None, *, known: bool, answered: bool = True, asked: bool = True
) -> GradeState:
    """The state of an answer. `known`: whether the right answer is known; `answered`: whether
    anything was answered; `asked`: whether a grader was."""
    if correct is not None:
        return "right" if correct else "wrong"
    return "undecided" if known and answered and asked else "not graded"


def was_judged(manifest: Mapping[str, JSON]) -> bool:
    """Whether somebody judged the answer of a run: of a run that was made here the grader did, of
    one that another program made the source says so."""
    source = foreign_source(manifest)
    return source is None or GRADED_BY in source


def foreign_source(manifest: Mapping[str, JSON]) -> Mapping[str, JSON] | None:
    """What a run's manifest says of the other program that made it; None for a run made here, even
    if it came in as an export."""
    source: JSON | Mapping[str, JSON] = manifest.get("imported")
    while isinstance(source, Mapping):
        if source.get("format") not in (*OWN_FORMATS, None):
            return source
        source = source.get("before")
    return None


__all__ = ["GRADED_BY", "GradeState", "foreign_source", "grade_state", "was_judged"]
