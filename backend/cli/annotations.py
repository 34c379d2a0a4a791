"""`annotations export`: people's labels as a file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

from backend.cli.store import within
from backend.core.errors import BadInput
from backend.service.annotations_export import write_labels

DONE = 0


class Wanted(NamedTuple):
    """Which labels, in which format; None does not choose."""

    format: str
    author: str | None
    strategy: str | None
    problem: str | None
    blind_only: bool
    quoted: bool = True


def export_labels(wanted: Wanted, out: Path, db: Path | None, *, as_json: bool) -> int:
    """Write the labels that match; the file is complete or is not there."""
    content = within(db, lambda services: write_labels(services, *wanted))
    part = out.with_name(out.name + ".part")
    try:
        part.write_bytes(content)
        part.replace(out)
    except OSError as problem:
        raise BadInput(
            "--out",
            given=str(out),
            accepted=f"a path that can be written ({problem.strerror})",
        ) from problem
    written = {"path": str(out), "format": wanted.format, "bytes": len(content)}
    print(json.dumps(written) if as_json else f"{len(content)} bytes written to {out}")
    return DONE


__all__ = ["Wanted", "export_labels"]
