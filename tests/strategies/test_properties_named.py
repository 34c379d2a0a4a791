"""`docs/properties.md` names a test for every property, and the tests that it names are there."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "properties.md").read_text(encoding="utf-8")
NOT_BUILT = {"P5", "P18", "P19", "P20"}


class Row(NamedTuple):
    name: str
    says: str
    tests: str

    @property
    def named(self) -> list[str]:
        return re.findall(r"`([^`]+)`", self.tests)


def rows(page: str) -> list[Row]:
    """The rows of all tables of a page, without their heads."""
    cells = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in page.splitlines()
        if line.startswith("| ")
    ]
    return [Row(*row) for row in cells if row[0] != "Property"]


@cache
def functions_of(path: str) -> frozenset[str]:
    """The test functions of a file by name; none for a file that is not there."""
    if not (ROOT / path).is_file():
        return frozenset()
    body = ast.parse((ROOT / path).read_text(encoding="utf-8")).body
    return frozenset(
        one.name
        for one in body
        if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef) and one.name.startswith("test_")
    )


def missing(page: str) -> list[str]:
    """Tests that a page names and that are not there."""
    return [
        test
        for row in rows(page)
        for test in row.named
        if test.partition("::")[2] not in functions_of(test.partition("::")[0])
    ]


def test_every_named_test_exists() -> None:
    assert missing(PAGE) == []


def test_every_property_has_a_row_with_tests_or_is_said_not_to_be_built() -> None:
    found = rows(PAGE)
    assert {f"P{number}" for number in range(1, 24)} <= {row.name.split()[0] for row in found}
    for row in found:
        assert row.says and bool(row.named) is not row.tests.startswith("not built"), row.name
    assert {row.name.split()[0] for row in found if not row.named} == NOT_BUILT


@pytest.mark.parametrize(
    "test",
    [
        "tests/runs/test_budget.py::test_no_such_thing",
        "tests/test_no_such_file.py::test_missing",
        "tests/runs/test_budget.py",
    ],
)
def test_a_test_that_is_not_there_is_told(test: str) -> None:
    there = f"{Path(__file__).relative_to(ROOT)}::test_every_named_test_exists"
    assert missing(f"| P0 | it says | `{test}` `{there}` |") == [test]
