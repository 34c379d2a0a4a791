"""Everything about a problem, by its id: problem sets, graders, step checkers and answer
extraction. Importing this package registers the generated sets: every folder in it is one, but
`answers` and `extraction`.

Ids: `ledger/3/17` (generated: set, level, seed), `curated/12` (line of the curated problems),
`file:gsm8k/12` (line of a file that was read).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from backend.core.errors import ProblemError
from backend.core.registry import import_modules
from backend.problems.base import JSON, SETS, Grade, Problem, ProblemSet, Verdict
from backend.problems.equivalence import Equivalence
from backend.problems.extraction import extract_answer
from backend.problems.file import FileSet, read_file, read_lines
from backend.problems.grading import grade_text
from backend.problems.seeds import in_file, parse_id

__all__ = [
    "CURATED",
    "JSON",
    "SETS",
    "Equivalence",
    "FileSet",
    "Grade",
    "Problem",
    "ProblemError",
    "ProblemSet",
    "Verdict",
    "check",
    "extract_answer",
    "grade",
    "problem",
    "read_file",
]
CURATED_FILE = Path(__file__).parent / "curated.jsonl"


READING_ORDER = ("ledger", "countdown", "procedure")
"""The order of the catalogue; a set that is not named here comes after these."""

NOT_SETS = ("answers", "extraction")
"""Folders of this package that hold no problem set."""

for _folder in import_modules(__name__, first=READING_ORDER, folders=True, without=NOT_SETS):
    _set: ProblemSet = _folder.SET
    SETS.add(_set.name, _set)

CURATED: FileSet = read_lines(
    CURATED_FILE.read_text(encoding="utf-8"), "curated", CURATED_FILE.name
)


def problem(problem_id: str, files: Sequence[FileSet] = ()) -> Problem:
    """The problem of an id, file sets looked up among `files`. Raises ProblemError, which names
    what is accepted."""
    by_line = {each.name: each for each in (CURATED, *files)}
    if place := in_file(problem_id, by_line):
        return by_line[place.set].problem(place.line)
    name, level, seed = parse_id(problem_id, SETS, by_line)
    return SETS[name].problem(level, seed)


def grade(problem: Problem, answer: str | None, equivalence: Equivalence | None = None) -> Grade:
    """Grade of an answer: by the set's own rules, else by equivalence to the known answer.

    Without `equivalence` only what reading decides without algebra is decided. Undecided: no known
    answer, out of time, not understood.
    """
    if problem.set in SETS:
        return SETS[problem.set].grade(problem, answer)
    if problem.answer is None:
        return Grade(None, "no right answer is known")
    if answer is None:
        return Grade(False, "no answer was given")
    return grade_text(
        problem, problem.answer, answer, None if equivalence is None else equivalence.algebra
    )


def check(problem: Problem, steps: Sequence[str]) -> list[Verdict] | None:
    """One verdict per step, or None where the set has no step checker."""
    return SETS[problem.set].check(problem, steps) if problem.set in SETS else None
