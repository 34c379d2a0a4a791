"""A run as a file: JSON lines, one header, then its nodes, then its events.

The header holds the format's version, the run (spec, manifest, ledger, how it ended), its problem and how many nodes and events follow. What
only means something inside one store is left out: the run's number there, where it came from and what it was forked from. A file that is
read must pass the same checks as a stored run; then writing it again gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, TypeVar

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, JsonValue, ValidationError, field_validator

from backend.errors import BadInput, StorageFailure
from backend.trace import EventRecord, NodeRecord
from backend.types import JSON
from storage.queries import UNFINISHED
from storage.rows import EventRow, NodeFull, RunRow
from storage.runs import checked, problem_values
from storage.tables import json_text
from storage.verify import Finding, findings

FORMAT, VERSION = "arboretum-run", 1
Int32 = Annotated[int, Field(ge=-(2**31), lt=2**31)]


class Line(BaseModel):
    """What every line of the file obeys: no unknown names, no converted types, finite numbers."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False)


class RunLine(Line):
    """The run itself."""

    status: str
    strategy: str
    model: str
    seed: int
    spec: dict[str, JsonValue]
    manifest: dict[str, JsonValue]
    ledger: dict[str, JsonValue]
    answer: str | None
    correct: bool | None
    chosen_node: int | None
    reason: str | None
    error: str | None
    remedy: str | None
    created_at: AwareDatetime
    finished_at: AwareDatetime | None


class HeaderLine(Line):
    """The first line."""

    format: Literal["arboretum-run"]
    version: int
    run: RunLine
    problem: dict[str, JsonValue] | None
    nodes: int = Field(ge=0)
    events: int = Field(ge=0)

    @field_validator("version")
    @classmethod
    def _known(cls, version: int) -> int:
        if version != VERSION:
            raise ValueError(f"{VERSION}" + (", this file is from a newer version of the program: update it" if version > VERSION else ""))
        return version


class NodeLine(Line):
    """A node; see `backend.trace.NodeRecord`."""

    id: int
    parent_id: int | None
    depth: int
    kind: str
    role: str
    text: str
    token_ids: tuple[Int32, ...]
    logprobs: tuple[float, ...] | None
    finish: str | None
    done: bool
    key: str
    seq: int
    alternatives: JsonValue


class EventLine(Line):
    """An event; see `backend.trace.EventRecord`."""

    seq: int
    t_ms: float
    kind: str
    node_id: int | None
    track: str
    round: Int32
    phase: str
    label: str
    value: float | None
    data: dict[str, JsonValue] | None


class RunFile(NamedTuple):
    """A file that was read and found sound."""

    problem: dict[str, JSON] | None
    values: dict[str, Any]
    nodes: list[NodeRecord]
    events: list[EventRecord]


class _Claim(NamedTuple):
    """What the checks need to know of a run that is not stored yet."""

    status: str
    ledger: dict[str, JSON]
    chosen_node: int | None
    forked_from: JSON = None


AnyLine = TypeVar("AnyLine", bound=Line)


def write(path: Path, run: RunRow, nodes: Sequence[NodeFull], events: Sequence[EventRow]) -> None:
    """Write the file under another name first, so that a half-written one is never taken for whole."""
    part = path.with_name(path.name + ".part")
    try:
        with part.open("w", encoding="utf-8", newline="\n") as file:
            for line in lines(run, nodes, events):
                file.write(line + "\n")
        part.replace(path)
    except OSError as problem:
        raise StorageFailure(f"the export {path} cannot be written: {problem.strerror}") from problem


def lines(run: RunRow, nodes: Sequence[NodeFull], events: Sequence[EventRow]) -> Iterator[str]:
    """The lines of the file."""
    plain = {name: _plain(getattr(run, name)) for name in RunLine.model_fields}
    yield json_text(
        {"format": FORMAT, "version": VERSION, "run": plain, "problem": run.problem, "nodes": len(nodes), "events": len(events)}
    )
    for node in nodes:
        yield json_text({name: _plain(getattr(node, name)) for name in NodeLine.model_fields})
    for event in events:
        yield json_text({name: getattr(event, name) for name in EventLine.model_fields})


def _plain(value: Any) -> JSON:
    if isinstance(value, datetime):
        return value.isoformat()
    plain: JSON = list(value) if isinstance(value, tuple) else value
    return plain


def read(path: Path) -> RunFile:
    """Read and check a file. Raises `BadInput` naming the line and what is accepted there."""
    try:
        raw = path.read_bytes().split(b"\n")
    except OSError as problem:
        raise BadInput("export file", given=str(path), accepted=f"a readable file ({problem.strerror})") from problem
    if raw[-1] != b"":
        raise BadInput(f"line {len(raw)} of {path.name}", given="a line that breaks off", accepted="a file that ends with a line break")
    header = _parsed(HeaderLine, raw, 0, path)
    expected = 1 + header.nodes + header.events
    if len(raw) - 1 != expected:
        given = f"a file of {len(raw) - 1} lines"
        raise BadInput(f"line {min(len(raw) - 1, expected)} of {path.name}", given=given, accepted=f"{expected} lines, as line 1 says")
    nodes = [NodeRecord(**_fields(_parsed(NodeLine, raw, 1 + index, path))) for index in range(header.nodes)]
    events = [EventRecord(**_fields(_parsed(EventLine, raw, 1 + header.nodes + index, path))) for index in range(header.events)]
    _require_sound(header, nodes, events, path)
    return RunFile(header.problem, {**_fields(header.run), "origin": "import"}, nodes, events)


def _parsed(model: type[AnyLine], raw: list[bytes], index: int, path: Path) -> AnyLine:
    try:
        return model.model_validate_json(raw[index])
    except ValidationError as problem:
        first = problem.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        given = ascii(first["input"])[:80]
        message = first["msg"].removeprefix("Value error, ")
        accepted = f"{where}: {message}" if where else message
        raise BadInput(f"line {index + 1} of {path.name}", given=given, accepted=accepted) from problem


def _fields(line: Line) -> dict[str, Any]:
    return {name: getattr(line, name) for name in type(line).model_fields}


def _require_sound(header: HeaderLine, nodes: list[NodeRecord], events: list[EventRecord], path: Path) -> None:
    if header.run.status in UNFINISHED:
        raise BadInput(f"line 1 of {path.name}", given=f"status {header.run.status}", accepted="a run that is over")
    try:
        for name, value in _fields(header.run).items():
            checked(name, value)
        if header.problem is not None:
            problem_values(header.problem)
    except BadInput as problem:
        raise BadInput(f"line 1 of {path.name}", given=problem.given, accepted=f"{problem.what}: {problem.accepted}") from problem
    claim = _Claim(header.run.status, dict(header.run.ledger), header.run.chosen_node)
    for finding in findings(claim, nodes, events):
        raise BadInput(f"line {_line_of(finding, len(nodes))} of {path.name}", given=finding.text, accepted="a sound run")


def _line_of(finding: Finding, nodes: int) -> int:
    if finding.node is not None:
        return 2 + finding.node
    return 1 if finding.event is None else 2 + nodes + finding.event


__all__ = ["FORMAT", "VERSION", "RunFile", "lines", "read", "write"]
