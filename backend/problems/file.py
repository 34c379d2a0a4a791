"""Problem sets from a file: JSON lines, a JSON array, CSV or Parquet with a question, an answer and
optionally a `level` and a `tolerance` (the largest relative difference at which a number is right),
so that GSM8K, MATH-500 or AIME can be brought along.

`file_tables` finds the rows, `file_fields` the question and the answer in each. Answers are graded
by equivalence; where a row names several, each of them is right. Ids are `file:<name>/<line>`,
lines counted from 1 (rows, where the file is no JSON lines).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import MappingProxyType

from backend.core.errors import ProblemError
from backend.core.types import JSON
from backend.problems.base import Problem
from backend.problems.file_fields import FieldError, read_fields
from backend.problems.file_tables import FORMS, MOST_PROBLEMS, Row, read_table

LARGEST_FILE_BYTES = 32 << 20
PREFIX = "file:"
"""What the names of sets from files begin with."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
NAMES = "up to 64 letters, digits, '_', '-' and '.', the first a letter or a digit"


@dataclass(frozen=True)
class FileSet:
    """The problems of a file, by line."""

    name: str
    problems: Mapping[int, Problem]

    def problem(self, line: int) -> Problem:
        """The problem of a line. Raises ProblemError."""
        if line not in self.problems:
            raise ProblemError(
                f"{self.name} has no problem in line {line}; accepted: 1 to "
                f"{max(self.problems, default=0)}"
            )
        return self.problems[line]

    @cached_property
    def levels(self) -> Mapping[int, int]:
        """How many problems of each level there are; those without a level are not counted."""
        levels = (each.level for each in self.problems.values())
        return dict(sorted(Counter(each for each in levels if each is not None).items()))

    def list_ids(self, level: int | None, skipped: int, count: int) -> list[str]:
        """The ids of `count` problems in the order of the file, of one level or of all, after the
        first `skipped` of them; fewer where the file has fewer."""
        of_level = [
            each.id for each in self.problems.values() if level is None or each.level == level
        ]
        return of_level[skipped : skipped + count]


def check_name(name: str) -> str:
    """The name, if a set may be called so. Raises ProblemError."""
    if not _NAME.fullmatch(name):
        raise ProblemError(f"a set cannot be called {name[:80]!r}; accepted: {NAMES}")
    return name


def read_file(path: Path, name: str | None = None) -> FileSet:
    """The set in a file, named after it unless `name` is given. Raises ProblemError, which names
    the line that cannot be read."""
    stem = check_name(name or path.stem)
    if not path.is_file():
        raise ProblemError(f"there is no file {path.name}; accepted: a file of {FORMS}")
    check_size(path.stat().st_size, path.name)
    return read_content(path.read_bytes(), f"{PREFIX}{stem}", path.name)


def check_size(size: int, source: str) -> None:
    """Raises ProblemError where a file is too long."""
    if size > LARGEST_FILE_BYTES:
        raise ProblemError(f"{source} has {size} bytes; accepted: up to {LARGEST_FILE_BYTES}")


def read_lines(text: str, set_name: str, source: str) -> FileSet:
    """The set in a text; in JSON lines empty lines are skipped but counted. `source` is what errors
    call the text."""
    return read_content(text.encode("utf-8", "surrogatepass"), set_name, source)


def read_content(content: bytes, set_name: str, source: str) -> FileSet:
    """The set in the bytes of a file. Raises ProblemError, which names the row that cannot be
    read."""
    rows = read_table(content, source).rows
    found = {problem.seed or 0: problem for problem in _problems(rows, set_name, source)}
    return FileSet(set_name, MappingProxyType(found))


def _problems(rows: Iterator[Row], set_name: str, source: str) -> Iterator[Problem]:
    count = 0
    for row in rows:
        count += 1
        if count > MOST_PROBLEMS:
            raise ProblemError(
                f"{source} has more than {MOST_PROBLEMS} problems; accepted: up to that many"
            )
        try:
            found = read_fields(row.value)
        except FieldError as error:
            raise ProblemError(f"{row.place}: {error}") from error
        meta: dict[str, JSON] = {} if found.tolerance is None else {"tolerance": found.tolerance}
        if len(found.accepted) > 1:
            meta["accepted"] = list(found.accepted)
        answer = found.accepted[0] if found.accepted else None
        name = f"{set_name}/{row.number}"
        yield Problem(name, set_name, found.level, row.number, found.question, answer, meta)
    if count == 0:
        raise ProblemError(
            f"{source} holds no problem; accepted: at least one row with a question, as {FORMS}"
        )
