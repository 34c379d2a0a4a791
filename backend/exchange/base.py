"""What every reader of a foreign file shares: its result, its limits, and errors that name the
place.

A reader is a pure function from bytes to runs. It writes nothing; what it refuses is a `BadInput`
whose place is a line or a JSON path such as `$.nodes[3].score`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from backend.core.errors import BadInput
from backend.core.records import EventRow, NodeRecord
from backend.core.types import JSON

NODE_LIMIT = 200_000
"""Nodes of one imported run."""
EVENT_LIMIT = 2_000_000
RUN_LIMIT = 10_000
"""Runs of one file."""
TEXT_LIMIT = 2**20
"""Characters of one imported text."""
BYTES_LIMIT = 128 * 2**20
"""Bytes of one file of another program."""
LAST = 1000
"""The order of the format that every text fits."""


class ImportHints(NamedTuple):
    """What the user knows beyond the file: most formats hold no question."""

    question: str | None = None
    answer: str | None = None


class LaterScore(NamedTuple):
    """What a verifier said of a node after the run, in one of its series; see
    `storage.rows.SeriesScore`."""

    series: str
    node_id: int
    value: float | None
    steps: tuple[float, ...]
    reason: str | None


class LinkRecord(NamedTuple):
    """A relation of the node `src` to the node `dst` that is not parentage."""

    src: int
    dst: int
    kind: str


class Imported(NamedTuple):
    """A run that was read and is not stored yet: its problem, the columns of its row, its nodes and
    events, and what stands beside them."""

    problem: dict[str, JSON] | None
    values: dict[str, Any]
    nodes: list[NodeRecord]
    events: list[EventRow]
    scores: Sequence[LaterScore] = ()
    links: Sequence[LinkRecord] = ()


@dataclass(frozen=True)
class Format:
    """One format of files, and how it is read.

    - `name`: what a command or a request names it by; `title`: its name on the page.
    - `program`: the program that writes such files.
    - `recognises`: from the beginning of a file to whether the file may be one of this format. It
      looks at the bytes and does not parse them.
    - `parse`: from the bytes of a file and the user's `ImportHints` to its runs. Raises `BadInput`
      that names the line or the JSON path of what is wrong.
    - `order`: a file of unknown format is tried by the formats in this order, the least first. A
      format that many texts fit comes late, plain text (`LAST`) at the end.
    """

    name: str
    title: str
    program: str
    recognises: Callable[[bytes], bool]
    parse: Callable[[bytes, ImportHints], list[Imported]]
    order: int


class Foreign(BaseModel):
    """What a reader believes of a file: types as they are, finite numbers; names that it does not
    know are left alone."""

    model_config = ConfigDict(strict=True, extra="ignore", frozen=True, allow_inf_nan=False)


Model = TypeVar("Model", bound=BaseModel)


def decode(model: type[Model], content: bytes, where: str = "$") -> Model:
    """The content as the model. Raises `BadInput` with the line and column where it is no JSON,
    else with the JSON path."""
    try:
        return model.model_validate_json(content)
    except ValidationError as problem:
        raise refuse(problem, where) from problem


def refuse(problem: ValidationError, where: str) -> BadInput:
    """The first mistake as an error with its place; `where` is the path of what was validated."""
    first = problem.errors(include_url=False)[0]
    given = ascii(first["input"])[:80]
    message = first["msg"].removeprefix("Value error, ")
    broken = (
        re.search(r" at line (\d+) column (\d+)$", message)
        if first["type"] == "json_invalid"
        else None
    )
    if broken is not None:
        return BadInput(
            f"line {broken[1]}, column {broken[2]} of the file",
            given=given,
            accepted=f"JSON ({message[: broken.start()]})",
        )
    return BadInput(json_path(where, first["loc"]), given=given, accepted=message)


def json_path(where: str, parts: Sequence[int | str]) -> str:
    """`$.nodes[3].score`."""
    return where + "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in parts)


def within_limit(where: str, what: str, count: int, limit: int) -> None:
    """Raises `BadInput` where a file holds more of something than is taken in."""
    if count > limit:
        raise BadInput(where, given=f"{count} {what}", accepted=f"at most {limit}")


def begins(content: bytes, pattern: bytes, within: int = 4096) -> bool:
    """Whether the pattern is found near the beginning."""
    return re.search(pattern, content[:within]) is not None


__all__ = [
    "BYTES_LIMIT",
    "EVENT_LIMIT",
    "LAST",
    "NODE_LIMIT",
    "RUN_LIMIT",
    "TEXT_LIMIT",
    "Foreign",
    "Format",
    "ImportHints",
    "Imported",
    "LaterScore",
    "LinkRecord",
    "begins",
    "decode",
    "json_path",
    "refuse",
    "within_limit",
]
