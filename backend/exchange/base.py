"""What every reader of a foreign file shares: its result, its limits, and errors that name the
place.

A reader is a pure function from bytes to runs. It writes nothing; what it refuses is a `BadInput`
whose place is a line or a JSON path such as `$.nodes[3].parent_id`. Refused is a structure that is
not the format's. A single value that is none (NaN, null, a word for a number) is missing, with the
reason, and a name that the reader does not know is left alone and remarked on.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, NamedTuple, TypeVar

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    PlainValidator,
    ValidationError,
    ValidationInfo,
    model_validator,
)

from backend.core.errors import BadInput
from backend.core.outside import clean_text
from backend.core.records import EventRow, NodeRecord
from backend.core.types import JSON

NODE_LIMIT = 200_000
"""Nodes of one imported run."""
EVENT_LIMIT = 2_000_000
RUN_LIMIT = 10_000
"""Runs of one file."""
TEXT_LIMIT = 2**20
"""Characters of one imported text."""
REMARKS = 20
"""Remarks of one kind on a file, and names in one of them."""
SHOWN = 80
BYTES_LIMIT = 128 * 2**20
"""Bytes of one file of another program."""
LAST = 1000
"""The order of the format that every text fits."""


class ImportHints(NamedTuple):
    """What the user knows beyond the file: most formats hold no question. `accepted` are answers
    that are right as well."""

    question: str | None = None
    answer: str | None = None
    accepted: tuple[str, ...] = ()


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
    - `recognises`: from the beginning of a file that cannot be parsed (text, an archive, JSON that
      was cut off) to whether it may be one of this format.
    - `holds`: from one of the values that a JSON file holds to whether it is one of this format; None
      for a format that is no JSON.
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
    holds: Callable[[JSON], bool] | None = None


class FileRemarks:
    """What is to be said of a file beside its runs: names that were not read, values that are
    missing."""

    def __init__(self) -> None:
        self._ignored = dict[str, None]()
        self._said = dict[str, None]()

    def ignore(self, name: str) -> None:
        """Note a name that no reader knows."""
        if len(self._ignored) <= REMARKS:
            self._ignored[clean_text(name)[:80]] = None

    def say(self, sentence: str) -> None:
        """Note a sentence; the same one is said once."""
        if len(self._said) <= REMARKS:
            self._said[clean_text(sentence)[:300]] = None

    def sentences(self) -> list[str]:
        """All remarks, those on names in one sentence."""
        names = list(self._ignored)
        more = f" and {len(names) - REMARKS} or more others" if len(names) > REMARKS else ""
        ignored = [f"not read: {', '.join(names[:REMARKS])}{more}"] if names else []
        return [*ignored, *list(self._said)[:REMARKS]]


class Foreign(BaseModel):
    """What a reader believes of a file: types as they are. Names that it does not know are noted in
    the `FileRemarks` that are the context of validation, and left alone."""

    model_config = ConfigDict(strict=True, extra="ignore", frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _note_names(cls, given: Any, info: ValidationInfo) -> Any:
        if isinstance(given, Mapping) and isinstance(info.context, FileRemarks):
            for name in sorted(map(str, given.keys() - cls.model_fields.keys())):
                info.context.ignore(name)
        return given


class GivenNumber(NamedTuple):
    """A number of a file, or why there is none."""

    value: float | None = None
    reason: str | None = None


def read_number(given: JSON) -> GivenNumber:
    """The number that a file says; a text that writes one counts. Missing: null, NaN, an infinite
    one, a word, a list."""
    try:
        value = float(given) if isinstance(given, int | float | str) else math.nan
    except (ValueError, OverflowError):
        value = math.nan
    if math.isfinite(value):
        return GivenNumber(value)
    return GivenNumber(None, f"the file says {say_value(given)}, which is no number")


def say_value(given: JSON) -> str:
    """A value of a file in a sentence, as JSON writes it."""
    return json.dumps(given, ensure_ascii=True, default=str)[:SHOWN]


def text_or_none(given: object) -> object:
    """A text, a number as it is written; None for what is neither."""
    if isinstance(given, bool) or not isinstance(given, str | int | float):
        return None
    return given if isinstance(given, str) else f"{given:g}" if given == given else None


def whole_or_none(given: object) -> object:
    """A whole number of 0 or more; None for anything else."""
    return given if isinstance(given, int) and not isinstance(given, bool) and given >= 0 else None


Number = Annotated[GivenNumber, PlainValidator(read_number)]
"""A number that may be missing."""
MaybeText = Annotated[str | None, BeforeValidator(text_or_none)]
"""A text that may be missing, and is where the file says anything else."""
MaybeWhole = Annotated[int | None, BeforeValidator(whole_or_none)]
"""A count that may be missing."""

Model = TypeVar("Model", bound=BaseModel)


def decode(
    model: type[Model], value: JSON, where: str = "$", remarks: FileRemarks | None = None
) -> Model:
    """A parsed value as the model. Raises `BadInput` with the JSON path; `where` is the path of the
    value."""
    try:
        return model.model_validate(value, context=remarks)
    except ValidationError as problem:
        raise refuse(problem, where) from problem


def refuse(problem: ValidationError, where: str) -> BadInput:
    """The first mistake as an error with its place; `where` is the path of what was validated."""
    first = problem.errors(include_url=False)[0]
    message = first["msg"].removeprefix("Value error, ")
    return BadInput(
        json_path(where, first["loc"]), given=ascii(first["input"])[:80], accepted=message
    )


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
    "FileRemarks",
    "Foreign",
    "Format",
    "GivenNumber",
    "ImportHints",
    "Imported",
    "LaterScore",
    "LinkRecord",
    "MaybeText",
    "MaybeWhole",
    "Number",
    "begins",
    "decode",
    "json_path",
    "read_number",
    "refuse",
    "say_value",
    "within_limit",
]
