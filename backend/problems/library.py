"""All problems by id, and their grading: generated sets, the curated set, and sets from files.

Generated problems are graded by their own exact graders; the others by equivalence with the known
answer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from backend import problems
from backend.core.errors import ProblemError
from backend.core.settings import Settings
from backend.problems.answers.grader import AnswerVerdict, grade_answer
from backend.problems.base import Grade, Problem
from backend.problems.equivalence import Equivalence
from backend.problems.file import FileSet, read_file
from backend.problems.grading import grade_text
from backend.problems.shelf import Shelf


@dataclass(frozen=True)
class SetInfo:
    """A problem set as the catalogue shows it; `size` None means endless, and then `levels` names
    what may be asked for."""

    name: str
    title: str
    levels: Sequence[int]
    size: int | None


class Library:
    """Finds and grades problems. `files` maps the name of a set (`curated`, `file:gsm8k`) to its
    problems and stays as it is; the `shelf` holds those that users brought, and may change at any
    time."""

    def __init__(
        self, equivalence: Equivalence, files: Mapping[str, FileSet], shelf: Shelf | None = None
    ) -> None:
        self._equivalence, self.shelf, self.fixed = equivalence, shelf, dict(files)

    @property
    def sets(self) -> list[SetInfo]:
        generated = [
            SetInfo(each.name, each.title, tuple(each.levels), None)
            for each in problems.SETS.values()
        ]
        brought = {} if self.shelf is None else self.shelf.readable()
        return [
            *generated,
            *(
                SetInfo(name, name.removeprefix("file:").capitalize(), (), len(each.problems))
                for name, each in self.fixed.items()
            ),
            *(
                SetInfo(name, name.removeprefix("file:"), (), len(each.problems))
                for name, each in brought.items()
                if name not in self.fixed
            ),
        ]

    def file_set(self, name: str) -> FileSet | None:
        """The set by line of that name; None where there is none. Raises `ProblemError` where its
        file cannot be read."""
        found = self.fixed.get(name)
        return found if found or self.shelf is None else self.shelf.get(name)

    def find(self, problem_id: str) -> Problem:
        """The problem of an id such as `ledger/3/17`, `curated/4` or `file:gsm8k/120`. Raises
        `ProblemError` that names what is accepted."""
        name, _, line = problem_id.rpartition("/")
        found = self.file_set(name)
        if found is not None:
            if not line.isascii() or not line.isdecimal():
                raise ProblemError(
                    f"{problem_id!r}: the last part must be a line number, accepted: "
                    f"{name}/1 and further"
                )
            return found.problem(int(line))
        return problems.problem(problem_id)

    def same(self, answer: str, other: str) -> bool | None:
        """Whether two answers mean the same by the strict relation, with algebra if need be; None
        where that is undecided. May block for a second."""
        return self._equivalence.equal(answer, other)

    def judge(
        self, given: str, right: str, *, question: str = "", tolerance: float | None = None
    ) -> AnswerVerdict:
        """Whether an answer means the same as the right one, by algebra if need be. May block for a
        second."""
        return grade_answer(
            given, right, question=question, tolerance=tolerance, algebra=self._equivalence.algebra
        )

    def grade(self, problem: Problem, answer: str | None) -> Grade:
        """Whether an answer is right; undecided where the right one is not known or the comparison
        takes too long."""
        if problem.set in problems.SETS:
            return problems.grade(problem, answer)
        if problem.answer is None:
            return Grade(None, "the right answer is not known")
        if answer is None:
            return Grade(False, "no answer was written")
        return grade_text(problem, problem.answer, answer, self._equivalence.algebra)


def open_library(equivalence: Equivalence, settings: Settings) -> Library:
    """The library of a process: the sets of its folder of problem files, and those that users
    brought. Raises `ProblemError` that names the file and line."""
    return Library(equivalence, file_sets(settings.problems), Shelf(settings.own_problems))


def file_sets(folder: Path | None) -> dict[str, FileSet]:
    """The curated set, and one set for every `*.jsonl` of a folder. Raises `ProblemError` that
    names the file and line."""
    sets = {problems.CURATED.name: problems.CURATED}
    for path in sorted(folder.glob("*.jsonl")) if folder is not None and folder.is_dir() else ():
        found = read_file(path)
        sets[found.name] = found
    return sets


__all__ = ["Library", "SetInfo", "file_sets", "open_library"]
