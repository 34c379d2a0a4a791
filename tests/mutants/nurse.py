"""Runs tests in children of a process that has loaded what all tests need and no mutant touches:
that is most of what a start costs.

A job is a line of JSON: the module to import first, the arguments of pytest, a file for what is
printed. The answer is a line with the exit status.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import traceback
from pathlib import Path
from typing import Any

import anyio.pytest_plugin  # noqa: F401
import hypothesis.strategies  # noqa: F401
import numpy  # noqa: F401
import pydantic  # noqa: F401
import pytest
import pytest_asyncio.plugin  # noqa: F401
import scipy.stats  # noqa: F401

NOT_RUN = 70
"""Exit status where the module could not be imported."""


def run(job: dict[str, Any]) -> int:
    """The child's whole life, its output in a file."""
    with (
        Path(os.devnull).open() as nothing,
        Path(job["output"]).open("w", encoding="utf-8") as output,
    ):
        for own, other in ((0, nothing), (1, output), (2, output)):
            os.dup2(other.fileno(), own)
    try:
        importlib.import_module(job["module"])
    except Exception:  # noqa: BLE001 - whatever it is, it is told, and no test is run
        traceback.print_exc()
        return NOT_RUN
    return int(pytest.main(job["arguments"]))


def main() -> None:
    for line in sys.stdin:
        child = os.fork()
        if not child:
            status = run(json.loads(line))
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(status)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


if __name__ == "__main__":
    main()
