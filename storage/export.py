"""A run as a file: JSON lines, one header, then its nodes, then its events.

The header holds the format's version, the run (spec, manifest, ledger, how it ended), its problem and how many nodes and events follow. What
only means something inside one store is left out: the run's number there and that it was imported. What it was forked from is kept, but marked as a
run of another store. A file that is read must pass the same checks as a stored run; then writing it again gives the same bytes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, TypeVar

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, JsonValue, ValidationError, field_validator

from backend.errors import BadInput, StorageFailure
from backend.exchange.base import EVENT_LIMIT, NODE_LIMIT, Imported
from backend.trace import EventRecord, NodeRecord
from backend.types import JSON
from storage.queries import UNFINISHED
from storage.rows import EventRow, NodeFull, RunRow
from storage.runs import checked, problem_values
from storage.tables import json_text
from storage.verify import findings

FORMAT, VERSION = "arboretum-run", 1
OWN = ("jsonl", "parquet")
"""Names of the project's own formats."""
ELSEWHERE = "elsewhere"
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
    forked_from: JsonValue = None


class HeaderLine(Line):
    """The first line."""

    format: Literal["arboretum-run"]
    version: int
    run: RunLine
    problem: dict[str, JsonValue] | None
    nodes: int = Field(ge=0, le=NODE_LIMIT)
    events: int = Field(ge=0, le=EVENT_LIMIT)

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


class _Claim(NamedTuple):
    """What the checks need to know of a run that is not stored yet."""

    status: str
    ledger: dict[str, JSON]
    chosen_node: int | None
    forked_from: JSON


AnyLine = TypeVar("AnyLine", bound=Line)
Place = Callable[[int | None, int | None], str]
"""Where a node, an event or (both None) the run itself stands in a file; positions from 0."""


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
    plain = run_fields(run)
    if plain["forked_from"] is None:
        del plain["forked_from"]
    yield json_text(
        {"format": FORMAT, "version": VERSION, "run": plain, "problem": run.problem, "nodes": len(nodes), "events": len(events)}
    )
    for node in nodes:
        yield json_text({name: _plain(getattr(node, name)) for name in NodeLine.model_fields})
    for event in events:
        yield json_text({name: getattr(event, name) for name in EventLine.model_fields})


def run_fields(run: RunRow) -> dict[str, JSON]:
    """The run as it leaves: without the mark of its import into this store, and its fork by the name that it came with."""
    plain = {name: _plain(getattr(run, name)) for name in RunLine.model_fields}
    mark, forked = run.manifest.get("imported"), run.forked_from
    if isinstance(mark, dict) and mark.get("format") in OWN:
        rest: dict[str, JSON] = {name: value for name, value in run.manifest.items() if name != "imported" or "before" in mark}
        plain["manifest"] = rest | ({"imported": mark["before"]} if "before" in mark else {})
    if isinstance(forked, dict) and set(forked) == {ELSEWHERE}:
        plain["forked_from"] = forked[ELSEWHERE]
    return plain


def _plain(value: Any) -> JSON:
    if isinstance(value, datetime):
        return value.isoformat()
    plain: JSON = list(value) if isinstance(value, tuple) else value
    return plain


def read(path: Path) -> bytes:
    """The content of a file. Raises `BadInput` saying why it cannot be read."""
    try:
        return path.read_bytes()
    except OSError as problem:
        raise BadInput("export file", given=str(path), accepted=f"a readable file ({problem.strerror})") from problem


def parse(content: bytes, name: str) -> Imported:
    """Read and check a file called `name`. Raises `BadInput` naming the line and what is accepted there."""
    raw = content.split(b"\n")
    if raw[-1] != b"":
        raise BadInput(f"line {len(raw)} of {name}", given="a line that breaks off", accepted="a file that ends with a line break")
    header = _parsed(HeaderLine, raw, 0, name)
    expected = 1 + header.nodes + header.events
    if len(raw) - 1 != expected:
        given = f"a file of {len(raw) - 1} lines"
        raise BadInput(f"line {min(len(raw) - 1, expected)} of {name}", given=given, accepted=f"{expected} lines, as line 1 says")
    nodes = [NodeRecord(**_fields(_parsed(NodeLine, raw, 1 + index, name))) for index in range(header.nodes)]
    events = [EventRecord(**_fields(_parsed(EventLine, raw, 1 + header.nodes + index, name))) for index in range(header.events)]
    source: dict[str, JSON] = {"format": OWN[0], "sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content), "file": name}
    return sound(header.run, header.problem, nodes, events, source, lambda node, event: f"line {_line_of(node, event, header.nodes)} of {name}")


def recognises(beginning: bytes) -> bool:
    """Whether a file may be an export."""
    return beginning.startswith(b'{"format":"' + FORMAT.encode())


def sound(
    run: RunLine, problem: dict[str, JSON] | None, nodes: list[NodeRecord], events: list[EventRecord], source: dict[str, JSON], place: Place
) -> Imported:
    """The run with its source marked. Raises `BadInput` with the place of what does not hold."""
    if run.status in UNFINISHED:
        raise BadInput(place(None, None), given=f"status {run.status}", accepted="a run that is over")
    try:
        for name, value in _fields(run).items():
            checked(name, value)
        if problem is not None:
            problem_values(problem)
    except BadInput as wrong:
        raise BadInput(place(None, None), given=wrong.given, accepted=f"{wrong.what}: {wrong.accepted}") from wrong
    claim = _Claim(run.status, dict(run.ledger), run.chosen_node, run.forked_from)
    for finding in findings(claim, nodes, events):
        raise BadInput(place(finding.node, finding.event), given=finding.text, accepted="a sound run")
    forked = None if run.forked_from is None else {ELSEWHERE: run.forked_from}
    values = {**_fields(run), "origin": "import", "manifest": marked(run.manifest, source), "forked_from": forked}
    return Imported(problem, values, nodes, events)


def marked(manifest: Mapping[str, JSON], source: dict[str, JSON]) -> dict[str, JSON]:
    """The manifest of an imported run says where it came from; an earlier mark is kept below the new one."""
    before = {"before": manifest["imported"]} if "imported" in manifest else {}
    return {**manifest, "imported": {**source, **before}}


def _parsed(model: type[AnyLine], raw: list[bytes], index: int, name: str) -> AnyLine:
    try:
        return model.model_validate_json(raw[index])
    except ValidationError as problem:
        first = problem.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        given = ascii(first["input"])[:80]
        message = first["msg"].removeprefix("Value error, ")
        accepted = f"{where}: {message}" if where else message
        raise BadInput(f"line {index + 1} of {name}", given=given, accepted=accepted) from problem


def _fields(line: Line) -> dict[str, Any]:
    return {name: getattr(line, name) for name in type(line).model_fields}


def _line_of(node: int | None, event: int | None, nodes: int) -> int:
    if node is not None:
        return 2 + node
    return 1 if event is None else 2 + nodes + event


__all__ = [
    "FORMAT", "OWN", "VERSION", "EventLine", "Line", "NodeLine", "RunLine", "lines", "parse", "read", "recognises", "run_fields", "sound", "write",
]  # fmt: skip
