"""A run as a file: JSON lines, one header, then its nodes, then its events, then what stands beside
them: later scores and links.

The header holds the format's version, the run (spec, manifest, ledger, how it ended), its problem
and how many lines of each kind follow. What only means something inside one store is left out: the
run's number there and that it was imported. What it was forked from is kept, but marked as a run of
another store. A file that is read must pass the same checks as a stored run; then writing it again
gives the same bytes, but for what older versions said otherwise (`storage.earlier`).
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from pydantic import ValidationError

from backend.core.errors import BadInput, StorageFailure
from backend.core.events import LimitReached
from backend.core.limits import Limit
from backend.core.records import EventRow, NodeRecord
from backend.core.types import JSON
from backend.exchange.base import Imported, LaterScore, LinkRecord
from storage.beside import Beside, faults
from storage.earlier import complete_spec, split_sentence
from storage.lines import (
    FORMAT,
    TYPED,
    EventLine,
    HeaderLine,
    Line,
    LinkLine,
    NodeLine,
    RunLine,
    ScoreLine,
)
from storage.queries import UNFINISHED
from storage.rows import NodeFull, RunRow
from storage.runs import check_value, problem_values
from storage.tables import json_text
from storage.verify import findings

OWN = ("jsonl", "parquet")
"""Names of the project's own formats."""
ELSEWHERE = "elsewhere"
OPTIONAL = ("forked_from", "limit_axis", "limit_value")
"""Fields of the run that a file leaves out where they are empty."""


class _Claim(NamedTuple):
    """What the checks need to know of a run that is not stored yet."""

    status: str
    ledger: dict[str, JSON]
    chosen_node: int | None
    forked_from: JSON
    manifest: dict[str, JSON]


AnyLine = TypeVar("AnyLine", bound=Line)
Place = Callable[[str, int], str]
"""Where the `nodes`, `events`, `scores` or `links` of a position from 0, or the `run` itself, stand
in a file."""


def write(
    path: Path, run: RunRow, nodes: Sequence[NodeFull], events: Sequence[EventRow], beside: Beside
) -> None:
    """Write the file under another name first, so that a half-written one is never taken for
    whole.
    """
    part = path.with_name(path.name + ".part")
    try:
        with part.open("w", encoding="utf-8", newline="\n") as file:
            for line in lines(run, nodes, events, beside):
                file.write(line + "\n")
        part.replace(path)
    except OSError as problem:
        raise StorageFailure(
            f"the export {path} cannot be written: {problem.strerror}"
        ) from problem


def lines(
    run: RunRow, nodes: Sequence[NodeFull], events: Sequence[EventRow], beside: Beside
) -> Iterator[str]:
    """The lines of the file."""
    plain = run_fields(run)
    for name in OPTIONAL:
        if plain[name] is None:
            del plain[name]
    more: dict[str, JSON] = {
        name: len(records) for name, records in beside._asdict().items() if records
    }
    yield json_text(
        {
            "format": FORMAT,
            "version": version_of(run, beside),
            "run": plain,
            "problem": run.problem,
            "nodes": len(nodes),
            "events": len(events),
            **more,
        }
    )
    for node in nodes:
        yield json_text({name: _plain(getattr(node, name)) for name in NodeLine.model_fields})
    for event in events:
        yield json_text({name: getattr(event, name) for name in EventLine.model_fields})
    for score in beside.scores:
        yield json_text({name: _plain(value) for name, value in score._asdict().items()})
    for link in beside.links:
        yield json_text(link._asdict())


def version_of(run: RunRow, beside: Beside) -> int:
    """The oldest version of the format that holds the run and what stands beside it."""
    if run.limit is not None or complete_spec(run.spec) != run.spec:
        return TYPED
    return 2 if any(beside) else 1


def run_fields(run: RunRow) -> dict[str, JSON]:
    """The run as it leaves: without the mark of its import into this store, and its fork by the
    name that it came with."""
    plain = {name: _plain(getattr(run, name)) for name in RunLine.model_fields}
    mark, forked = run.manifest.get("imported"), run.forked_from
    if isinstance(mark, dict) and mark.get("format") in OWN:
        rest: dict[str, JSON] = {
            name: value
            for name, value in run.manifest.items()
            if name != "imported" or "before" in mark
        }
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
        raise BadInput(
            "export file", given=str(path), accepted=f"a readable file ({problem.strerror})"
        ) from problem


def parse(content: bytes, name: str) -> Imported:
    """Read and check a file called `name`. Raises `BadInput` naming the line and what is accepted
    there."""
    raw = content.split(b"\n")
    if raw[-1] != b"":
        raise BadInput(
            f"line {len(raw)} of {name}",
            given="a line that breaks off",
            accepted="a file that ends with a line break",
        )
    header = _parse(HeaderLine, raw, 0, name)
    counts = {
        "run": 1,
        "nodes": header.nodes,
        "events": header.events,
        "scores": header.scores,
        "links": header.links,
    }
    starts = dict(zip(counts, itertools.accumulate(counts.values(), initial=0), strict=False))
    expected = sum(counts.values())
    if len(raw) - 1 != expected:
        given = f"a file of {len(raw) - 1} lines"
        raise BadInput(
            f"line {min(len(raw) - 1, expected)} of {name}",
            given=given,
            accepted=f"{expected} lines, as line 1 says",
        )

    def parse_as(model: type[AnyLine], kind: str) -> Iterator[AnyLine]:
        return (_parse(model, raw, starts[kind] + index, name) for index in range(counts[kind]))

    nodes = [NodeRecord(**_fields(line)) for line in parse_as(NodeLine, "nodes")]
    events = [EventRow(**_fields(line)) for line in parse_as(EventLine, "events")]
    scores = [LaterScore(**_fields(line)) for line in parse_as(ScoreLine, "scores")]
    links = [LinkRecord(**_fields(line)) for line in parse_as(LinkLine, "links")]
    source: dict[str, JSON] = {
        "format": OWN[0],
        "sha256": hashlib.sha256(content).hexdigest(),
        "bytes": len(content),
        "file": name,
    }

    def place(kind: str, index: int) -> str:
        return f"line {1 + starts[kind] + index} of {name}"

    run = header.run if header.version >= TYPED else in_todays_terms(header.run, events)
    return sound(run, header.problem, nodes, events, source, place, Beside(scores, links))


def recognises(beginning: bytes) -> bool:
    """Whether a file may be an export."""
    return beginning.startswith(b'{"format":"' + FORMAT.encode())


def in_todays_terms(run: RunLine, events: Sequence[EventRow]) -> RunLine:
    """The run of a file below version `TYPED`: with the limit that it tells in its log or its
    reason, and with the parameters that its strategy got later."""
    bodies = (event.record().body for event in events)
    limits = [Limit(body.axis, body.limit) for body in bodies if isinstance(body, LimitReached)]
    reason, limit = split_sentence(run.reason, limits[-1] if limits else None, run.spec)
    changes: dict[str, Any] = {"reason": reason, "spec": complete_spec(run.spec)}
    if limit is not None:
        changes |= {"limit_axis": limit.axis, "limit_value": limit.value}
    return run.model_copy(update=changes)


def sound(
    run: RunLine,
    problem: dict[str, JSON] | None,
    nodes: list[NodeRecord],
    events: list[EventRow],
    source: dict[str, JSON],
    place: Place,
    beside: Beside,
) -> Imported:
    """The run with its source marked. Raises `BadInput` with the place of what does not hold."""
    if run.status in UNFINISHED:
        raise BadInput(place("run", 0), given=f"status {run.status}", accepted="a run that is over")
    try:
        for name, value in _fields(run).items():
            check_value(name, value)
        if problem is not None:
            problem_values(problem)
    except BadInput as wrong:
        raise BadInput(
            place("run", 0), given=wrong.given, accepted=f"{wrong.what}: {wrong.accepted}"
        ) from wrong
    claim = _Claim(
        run.status, dict(run.ledger), run.chosen_node, run.forked_from, dict(run.manifest)
    )
    for finding in findings(claim, nodes, events):
        kind, index = (
            ("nodes", finding.node) if finding.node is not None else ("events", finding.event)
        )
        raise BadInput(
            place("run", 0) if index is None else place(kind, index),
            given=finding.text,
            accepted="a sound run",
        )
    for fault in faults(beside, len(nodes)):
        raise BadInput(
            place("links" if fault.link else "scores", fault.position),
            given=fault.text,
            accepted="a sound run",
        )
    forked = None if run.forked_from is None else {ELSEWHERE: run.forked_from}
    values = {
        **_fields(run),
        "origin": "import",
        "manifest": mark_source(run.manifest, source),
        "forked_from": forked,
    }
    return Imported(problem, values, nodes, events, *beside)


def mark_source(manifest: Mapping[str, JSON], source: dict[str, JSON]) -> dict[str, JSON]:
    """The manifest of an imported run says where it came from; an earlier mark is kept below the
    new one."""
    before = {"before": manifest["imported"]} if "imported" in manifest else {}
    return {**manifest, "imported": {**source, **before}}


def _parse(model: type[AnyLine], raw: list[bytes], index: int, name: str) -> AnyLine:
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


__all__ = [
    "OPTIONAL",
    "OWN",
    "in_todays_terms",
    "lines",
    "parse",
    "read",
    "recognises",
    "run_fields",
    "sound",
    "version_of",
    "write",
]
