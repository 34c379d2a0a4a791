"""The command line: `python -m backend COMMAND`. COMMAND is serve, run, resume, fork, continue,
catalog, problems, classroom, verify-run, reselect, why, what-if, export, import, annotations or
sweep.

With `--json` standard output holds one JSON value and nothing else; messages and logs go to
standard error. Exit status: 0 done, 2 bad input, 3 failed run (or a stored run that is not sound),
130 interrupted.
"""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Sequence

from backend.cli.options import parser
from backend.core.errors import ArboretumError, BadInput, Conflict, MissingCapability, NotFound
from backend.problems.base import ProblemError

DONE, BAD_INPUT, FAILED, INTERRUPTED = 0, 2, 3, 130
BAD = (BadInput, NotFound, Conflict, ProblemError, MissingCapability)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status."""
    options = parser().parse_args(arguments)
    logging.basicConfig(
        stream=sys.stderr, level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s"
    )
    try:
        status: int = options.command(options)
    except ArboretumError as error:
        complain(error, as_json=getattr(options, "json", False))
        return BAD_INPUT if isinstance(error, BAD) else FAILED
    except KeyboardInterrupt:
        return INTERRUPTED
    return status


def complain(error: ArboretumError, *, as_json: bool) -> None:
    """Say what is wrong: as JSON on standard output where that was asked for, else as a line on
    standard error."""
    if as_json:
        found = {"error": str(error)}
        if isinstance(error, BadInput):
            found |= {"given": str(error.given), "accepted": str(error.accepted)}
        print(json.dumps(found, ensure_ascii=False))
    else:
        print(f"error: {error}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
