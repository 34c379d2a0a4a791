"""Tests that share what is dear to set up stay together."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support import workers
from tests.support.workers import BY_CASE, BY_FUNCTION, FIRST, encodable, scope_of

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("test", "scope"),
    [
        ("tests/api/test_stream.py::test_a[1]", "tests/api/test_stream.py"),
        (
            "tests/strategies/test_contract.py::test_a[b::c-{}]",
            "tests/strategies/test_contract.py::test_a",
        ),
        (
            "tests/mutants/test_mutants.py::test_a[runs/test_x.py-name]",
            "tests/mutants/test_mutants.py::runs/test_x",
        ),
        ("tests/mutants/test_mutants.py::test_a", "tests/mutants/test_mutants.py::"),
    ],
)
def test_a_scope_is_a_file_or_a_named_share_of_one(test: str, scope: str) -> None:
    assert scope_of(test) == scope


def test_the_files_that_are_shared_out_otherwise_are_there() -> None:
    for file in (*BY_FUNCTION, BY_CASE, *FIRST):
        assert (ROOT / file).exists(), file


def test_browser_tests_come_last_and_engines_first(request: pytest.FixtureRequest) -> None:
    items = request.session.items
    assert items == sorted(items, key=workers.order_of)


def test_a_report_with_half_a_surrogate_pair_can_be_sent() -> None:
    report = {"sections": [("log", "surprise \ud800")], "duration": 0.5, "longrepr": None}
    assert encodable(report) == {
        "sections": [("log", "surprise \\ud800")],
        "duration": 0.5,
        "longrepr": None,
    }
