"""The command line: `python -m backend COMMAND`. COMMAND is serve, run, resume, fork, continue,
catalog, problems, classroom, verify-run, reselect, why, what-if, export, import, annotations or
sweep; `--help` says what each does.

With `--json` standard output holds one JSON value and nothing else; messages and logs go to
standard error. Exit status: 0 done, 2 bad input, 3 failed run (or a stored run that is not sound),
130 interrupted.
"""

from __future__ import annotations

import gc
import json
import logging
import os
import sys
from collections.abc import Sequence

# What imports make stays, and the collector would look through it a hundred times; to look for
# plug-ins of pydantic is to read the description of every package. Together a fifth of a start.
gc.set_threshold(50_000, 20, 20)
os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")

from typer import TyperException  # noqa: E402
from typer.main import get_command  # noqa: E402

from backend.cli.commands import app  # noqa: E402
from backend.cli.refusals import refusal  # noqa: E402
from backend.core.errors import (  # noqa: E402
    ArboretumError,
    BadInput,
    Conflict,
    MissingCapability,
    NotFound,
    ProblemError,
)

DONE, BAD_INPUT, FAILED, INTERRUPTED = 0, 2, 3, 130
BAD = (BadInput, NotFound, Conflict, ProblemError, MissingCapability)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status."""
    given = sys.argv[1:] if arguments is None else list(arguments)
    logging.basicConfig(
        stream=sys.stderr, level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s"
    )
    try:
        status: int = get_command(app).main(
            args=given, prog_name="python -m backend", standalone_mode=False
        )
    except TyperException as error:
        print(refusal(error), file=sys.stderr)
        return BAD_INPUT
    except ArboretumError as error:
        complain(error, as_json="--json" in given)
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
