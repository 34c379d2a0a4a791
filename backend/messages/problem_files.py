"""Problem files that users brought."""

from __future__ import annotations

from backend.messages.runs import Answer


class ProblemPreview(Answer):
    """A problem of a file: its id, the beginning of its question, and all answers that count as
    right."""

    id: str
    question: str
    answers: list[str]
    level: int | None = None


class ProblemFile(Answer):
    """A set of problems from a file. `name` is what a run or an experiment names it by, such as
    `file:gsm8k`; `levels` says how many problems of each level there are, `answered` how many have
    a known right answer, `first` shows the first of them. Only what was brought is `removable`;
    what cannot be read says why in `trouble`."""

    name: str
    problems: int
    answered: int
    levels: dict[int, int]
    first: list[ProblemPreview]
    removable: bool = True
    trouble: str = ""


class ProblemFiles(Answer):
    """All sets from files; `limit_bytes` is the largest file that is taken, `allowed` whether this
    service takes any."""

    files: list[ProblemFile]
    limit_bytes: int
    allowed: bool = True


__all__ = ["ProblemFile", "ProblemFiles", "ProblemPreview"]
