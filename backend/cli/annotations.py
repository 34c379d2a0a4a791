"""`annotations export`: people's labels as a file."""

from __future__ import annotations

import argparse
import json

from backend.cli.store import within
from backend.core.errors import BadInput
from backend.service.annotations_export import exported

DONE = 0


def export_labels(options: argparse.Namespace) -> int:
    """Write the labels that match; the file is complete or is not there."""
    given = (options.format, options.author, options.strategy, options.problem, options.blind_only)
    content = within(options.db, lambda services: exported(services, *given))
    part = options.out.with_name(options.out.name + ".part")
    try:
        part.write_bytes(content)
        part.replace(options.out)
    except OSError as problem:
        raise BadInput(
            "--out",
            given=str(options.out),
            accepted=f"a path that can be written ({problem.strerror})",
        ) from problem
    told = {"path": str(options.out), "format": options.format, "bytes": len(content)}
    print(json.dumps(told) if options.json else f"{len(content)} bytes written to {options.out}")
    return DONE


__all__ = ["export_labels"]
