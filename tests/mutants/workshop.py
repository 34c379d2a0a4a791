"""A copy of the project in which mutants are tried.

The module that was edited is imported first, in the process that runs the tests: a mutant that does
not even import has proved nothing.
"""

from __future__ import annotations

import ast
import importlib.util
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

from tests.mutants.edit import ROOT, Edit

PARTS = ("backend", "storage", "components", "pages", "benchmarks", "tests", "docs", ".streamlit")
FILES = ("app.py", "pyproject.toml")
LARGE_BYTES = 100_000


class Ran(NamedTuple):
    """How a run of tests ended: its exit status, what failed (with the message) and what passed by
    node id below `tests/`, whether some could not even be tried, and all that was printed."""

    status: int
    failed: dict[str, str]
    passed: set[str]
    broken: bool
    output: str


class Workshop:
    """The copy, and the process that runs tests in it."""

    def __init__(self, folder: Path, nurse: subprocess.Popen[str]) -> None:
        self._folder, self._nurse = folder, nurse

    @contextmanager
    def edited(self, edit: Edit) -> Iterator[None]:
        """The copy with the edit in it, and nothing else changed: a file of Python is written as
        its syntax tree before the edit too."""
        path = self._folder / edit.file
        before = path.read_text(encoding="utf-8")
        written(path, edit.applied(before))
        try:
            yield
        finally:
            written(path, before)

    def run(self, tests: Sequence[str], module: str = "backend") -> Ran:
        """Run tests of the copy by the copy's own settings, after an import of `module`."""
        report, output = self._folder / "report.xml", self._folder / "output.txt"
        report.unlink(missing_ok=True)
        asked = [f"tests/{test}" for test in dict.fromkeys(tests)]
        arguments = [
            "-q",
            "--tb=short",
            *("-p", "no:xdist", "-W", "ignore::pytest.PytestAssertRewriteWarning"),
            f"--junit-xml={report}",
            f"--basetemp={self._folder / 'temporary'}",
            *asked,
        ]
        assert self._nurse.stdin is not None and self._nurse.stdout is not None
        print(
            json.dumps({"module": module, "arguments": arguments, "output": str(output)}),
            file=self._nurse.stdin,
            flush=True,
        )
        return Ran(
            int(self._nurse.stdout.readline()),
            *outcomes(report),
            output.read_text(encoding="utf-8"),
        )


@contextmanager
def opened(folder: Path, edits: Sequence[Edit]) -> Iterator[Workshop]:
    """A workshop for these edits in an empty folder. Large files (weights, samples) are links.

    Files to be edited are written as their syntax trees, as an edit writes them, so that layout and
    comments make no difference between a sound and an edited copy.
    """
    for part in PARTS:
        shutil.copytree(
            ROOT / part,
            folder / part,
            ignore=shutil.ignore_patterns("__pycache__"),
            copy_function=copied,
        )
    for name in FILES:
        shutil.copy2(ROOT / name, folder / name)
    for file in {edit.file for edit in edits if edit.file.suffix == ".py"}:
        tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
        written(folder / file, ast.unparse(tree))
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")
    }
    environment |= {"PYTHONPATH": str(folder), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "tests.mutants.nurse"]
    with subprocess.Popen(
        command,
        cwd=folder,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as nurse:
        yield Workshop(folder, nurse)


def written(path: Path, text: str) -> None:
    """Write a source file and drop its compiled form, which Python would take for that of any text
    as long and as old."""
    path.write_text(text, encoding="utf-8")
    Path(importlib.util.cache_from_source(str(path))).unlink(missing_ok=True)


def copied(source: str, target: str) -> None:
    if Path(source).stat().st_size > LARGE_BYTES:
        Path(target).symlink_to(source)
    else:
        shutil.copy2(source, target)


def outcomes(report: Path) -> tuple[dict[str, str], set[str], bool]:
    """What a report of pytest says of failed, passed and broken tests."""
    failed, passed, broken = dict[str, str](), set[str](), False
    for case in ElementTree.parse(report).getroot().iter("testcase") if report.exists() else ():
        name = f"{case.get('classname', '').removeprefix('tests.').replace('.', '/')}.py::{case.get('name')}"
        failure = case.find("failure")
        broken |= case.find("error") is not None
        if failure is not None:
            failed[name] = failure.get("message", "")
        elif case.find("skipped") is None:
            passed.add(name)
    return failed, passed, broken


def meant(test: str, names: Collection[str]) -> bool:
    """Whether a node id names one of the tests, as it is or in one of its cases."""
    return any(name == test or name.startswith(test + "[") for name in names)
