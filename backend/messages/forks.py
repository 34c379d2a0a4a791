"""What travels over HTTP about forks: what is asked for, and who comes from whom."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from backend.core.grades import GradeState
from backend.core.spec import Fork, TextEdit, TokenEdit
from backend.messages.runs import Answer, Status, Submitted

Edited = Literal["", "text", "token"]


class ContinueAsk(BaseModel):
    """All limits of the continued run by axis; an axis that is left out has none."""

    model_config = ConfigDict(extra="forbid")

    budget: dict[str, float]


class ExpandAsk(BaseModel):
    """How many children a node is to get."""

    model_config = ConfigDict(extra="forbid")

    n: Annotated[int, Field(ge=1, le=64)] = 1


class Expanded(Answer):
    """The new children; fewer than asked for where the budget let fewer through."""

    nodes: list[int]


class Origin(Answer):
    """Where a run comes from. A fork goes on from `node` of run `run`: `path` are the origin's
    nodes down to it, and the first nodes of the fork, in order, are copies of them; where a person
    `edited` the last, by `words` in its place (from token `position` on), only of those above it.
    `continued`: the run has the origin's settings and a larger budget, and `replayed` counts what
    it took over. `elsewhere`: the numbers are those of another store. `stored`: the origin is still
    there, with its `strategy`."""

    run: int
    node: int | None = None
    root: int | None = None
    path: list[int] = Field(default_factory=list)
    edited: Edited = ""
    words: str = ""
    position: int | None = None
    continued: bool = False
    replayed: dict[str, int] = Field(default_factory=dict)
    elsewhere: bool = False
    stored: bool = True
    strategy: str = ""

    @property
    def shared(self) -> tuple[int, ...]:
        """Nodes of the origin; node i of the fork is a copy of the i-th."""
        return tuple(self.path[:-1] if self.edited else self.path)


class Descendant(Answer):
    """A run that was forked from another, or continues it."""

    run: int
    node: int | None
    edited: Edited
    continued: bool
    strategy: str
    status: Status
    answer: str | None
    correct: bool | None
    grade: GradeState = "not graded"


class Kin(Answer):
    """Whom a run comes from, the nearest first, and what comes from it. `limit` names the axis
    whose budget ended it."""

    origins: list[Origin]
    forks: list[Descendant]
    limit: str | None = None


__all__ = [
    "ContinueAsk",
    "Descendant",
    "Edited",
    "ExpandAsk",
    "Expanded",
    "Fork",
    "Kin",
    "Origin",
    "Submitted",
    "TextEdit",
    "TokenEdit",
]
