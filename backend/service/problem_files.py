"""Problem files that users bring: list them, take one in, remove one. Everything here blocks."""

from __future__ import annotations

from backend.core.errors import BadInput, Conflict, ProblemError
from backend.messages.problem_files import ProblemFile, ProblemFiles, ProblemPreview
from backend.problems.file import LARGEST_FILE_BYTES, PREFIX, FileSet
from backend.problems.grading import accepted_answers
from backend.problems.shelf import Shelf, name_of_file
from backend.service.assembly import Services

PREVIEWED = 3
LONGEST_PREVIEW = 300


def list_problem_files(services: Services) -> ProblemFiles:
    """All sets from files, those that the service was started with first."""
    fixed = [
        describe_file(found, removable=False)
        for name, found in services.library.fixed.items()
        if name.startswith(PREFIX)
    ]
    shelf = shelf_of(services)
    brought = [
        _describe_brought(shelf, name) for name in shelf if name not in services.library.fixed
    ]
    return ProblemFiles(
        files=fixed + brought, limit_bytes=LARGEST_FILE_BYTES, allowed=are_taken(services)
    )


def take_problem_file(services: Services, content: bytes, name: str, file_name: str) -> ProblemFile:
    """Keep a file as the set `file:NAME`; without a name it is called after the file. Raises
    `BadInput` where this service takes none, and what `Shelf.add` raises."""
    if not are_taken(services):
        raise BadInput(
            "problem file",
            given="a file",
            accepted="none: imports are switched off in the settings of this service",
        )
    chosen = name.removeprefix(PREFIX) or name_of_file(file_name)
    if f"{PREFIX}{chosen}" in services.library.fixed:
        raise Conflict(
            f"there is a set {PREFIX}{chosen} already, in the folder of problem files of this "
            "service: choose another name"
        )
    return describe_file(shelf_of(services).add(content, chosen))


def remove_problem_file(services: Services, name: str) -> None:
    """Remove the set `file:NAME`; runs on its problems stay as they are. Raises `NotFound`."""
    shelf_of(services).remove(name.removeprefix(PREFIX))


def shelf_of(services: Services) -> Shelf:
    """Where the files are kept."""
    return services.library.shelf or Shelf(services.settings.own_problems)


def are_taken(services: Services) -> bool:
    """Whether this service takes problem files: as it takes imports."""
    return not services.settings.public or services.preferences.current.allow_imports


def describe_file(found: FileSet, *, removable: bool = True) -> ProblemFile:
    """A set as the page shows it."""
    problems = list(found.problems.values())
    first = [
        ProblemPreview(
            id=each.id,
            question=each.question[:LONGEST_PREVIEW],
            answers=list(accepted_answers(each, each.answer)) if each.answer is not None else [],
            level=each.level,
        )
        for each in problems[:PREVIEWED]
    ]
    return ProblemFile(
        name=found.name,
        problems=len(problems),
        answered=sum(each.answer is not None for each in problems),
        levels=dict(found.levels),
        first=first,
        removable=removable,
    )


def _describe_brought(shelf: Shelf, name: str) -> ProblemFile:
    try:
        return describe_file(shelf[name])
    except (KeyError, OSError, ProblemError) as error:
        trouble = str(error) if isinstance(error, ProblemError) else "the file is gone"
        return ProblemFile(name=name, problems=0, answered=0, levels={}, first=[], trouble=trouble)


__all__ = ["list_problem_files", "remove_problem_file", "take_problem_file"]
