"""What the page of problem files says of them, in words and tables."""

from __future__ import annotations

from collections.abc import Sequence

from backend.messages.problem_files import ProblemFile
from components.frame.prose import visible

MEBIBYTE = 2**20


def file_row(found: ProblemFile) -> dict[str, object]:
    """One line of the list of files."""
    return {
        "set": found.name,
        "problems": None if found.trouble else found.problems,
        "with an answer": None if found.trouble else found.answered,
        "levels": level_words(found.levels),
        "state": f"cannot be read: {visible(found.trouble)}" if found.trouble else "ready",
    }


def level_words(levels: dict[int, int]) -> str:
    """`1 (12), 2 (30)`: each level with how many problems it has."""
    return ", ".join(f"{level} ({count:,})" for level, count in sorted(levels.items()))


def preview_rows(found: ProblemFile) -> list[dict[str, object]]:
    """The first problems of a file, as they were read."""
    return [
        {
            "id": each.id,
            "level": each.level,
            "question": visible(each.question),
            "right answer": visible(" or ".join(each.answers)) if each.answers else None,
        }
        for each in found.first
    ]


def sweep_example(found: ProblemFile) -> str:
    """The lines of an experiment that ask for problems of a file."""
    lines = ["[[problems]]", f'set = "{found.name}"']
    level = max(found.levels, default=None)
    if level is not None:
        lines.append(f"level = {level}")
    of_level = found.problems if level is None else found.levels[level]
    return "\n".join([*lines, f"count = {min(40, of_level)}"])


def run_example(found: ProblemFile) -> str:
    """The command that solves the first problem of a file."""
    first = found.first[0].id if found.first else f"{found.name}/1"
    return f"python -m backend run --strategy best_of_n --problem {first}"


def taken_words(found: ProblemFile) -> str:
    """What is said once a file has come in."""
    problems = f"{found.problems:,} problem{'' if found.problems == 1 else 's'}"
    unknown = found.problems - found.answered
    missing = f"; {unknown:,} without a right answer are not graded" if unknown else ""
    return f"{found.name}: {problems} came in{missing}."


def removable_names(files: Sequence[ProblemFile]) -> list[str]:
    """The sets that may be removed here."""
    return [each.name for each in files if each.removable]


__all__ = [
    "MEBIBYTE",
    "file_row",
    "level_words",
    "preview_rows",
    "removable_names",
    "run_example",
    "sweep_example",
    "taken_words",
]
