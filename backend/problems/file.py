"""Problem sets from a file: JSON lines with `question`, `answer` and optionally `level` and
`tolerance` (the largest relative difference at which a number is right), so that GSM8K, MATH-500 or
AIME can be brought along.

Every other key is ignored, but for two that these benchmarks use: `problem` is read as the
question, and an answer with a worked solution before `####` is cut down to what follows it. Answers
are graded by equivalence. Ids are `file:<name>/<line>`, lines counted from 1.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, ValidationError, field_validator

from backend.core.errors import ProblemError
from backend.problems.base import Problem

LARGEST_FILE_BYTES = 32 << 20
MOST_PROBLEMS = 100_000
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")


class FileRow(BaseModel):
    """One line of a file."""

    model_config = ConfigDict(coerce_numbers_to_str=True)

    question: str = Field(
        min_length=1, max_length=20_000, validation_alias=AliasChoices("question", "problem")
    )
    answer: str | None = Field(default=None, max_length=20_000)
    level: int | None = Field(default=None, ge=1, le=100)
    tolerance: float | None = Field(default=None, gt=0, le=0.5)

    @field_validator("answer")
    @classmethod
    def _after_hashes(cls, answer: str | None) -> str | None:
        return None if answer is None else answer.rpartition("####")[2].strip() or None


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


def read_file(path: Path, name: str | None = None) -> FileSet:
    """The set in a file, named after it unless `name` is given. Raises ProblemError, which names
    the line that cannot be read."""
    stem = name or path.stem
    if not _NAME.fullmatch(stem):
        raise ProblemError(
            f"a set cannot be called {stem[:80]!r}; accepted: up to 64 letters, digits, "
            "'_', '-' and '.'"
        )
    if not path.is_file():
        raise ProblemError(f"there is no file {path.name}; accepted: a file of JSON lines")
    if (size := path.stat().st_size) > LARGEST_FILE_BYTES:
        raise ProblemError(f"{path.name} has {size} bytes; accepted: up to {LARGEST_FILE_BYTES}")
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ProblemError(
            f"{path.name} is not UTF-8 at byte {error.start}; accepted: JSON lines in UTF-8"
        ) from error
    return read_lines(text, f"file:{stem}", path.name)


def read_lines(text: str, set_name: str, source: str) -> FileSet:
    """The set in a text of JSON lines; empty lines are skipped but counted. `source` is what errors
    call the text."""
    return FileSet(
        set_name,
        MappingProxyType(
            {problem.seed or 0: problem for problem in _problems(text, set_name, source)}
        ),
    )


def _problems(text: str, set_name: str, source: str) -> Iterator[Problem]:
    count = 0
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        count += 1
        if count > MOST_PROBLEMS:
            raise ProblemError(
                f"{source} has more than {MOST_PROBLEMS} problems; accepted: up to that many"
            )
        try:
            row = FileRow.model_validate_json(line)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            where = ".".join(map(str, first["loc"])) or "the line"
            raise ProblemError(
                f"{source} line {number}: {where}: {first['msg']}; accepted: question, "
                "answer and level in JSON"
            ) from error
        meta = {} if row.tolerance is None else {"tolerance": row.tolerance}
        name = f"{set_name}/{number}"
        yield Problem(name, set_name, row.level, number, row.question, row.answer, meta)
    if count == 0:
        raise ProblemError(
            f"{source} holds no problem; accepted: at least one line of JSON with a question"
        )
