"""What a machine lacks is skipped, told and, where it is required, not skipped."""

from __future__ import annotations

import pytest

from tests.support.parts import (
    PARTS,
    Part,
    check_required,
    reason_of,
    required,
    skip_missing,
    summary,
)

LACKING = {"ray": Part(lambda: False, "Ray is not installed", "make ray")}


class Item:
    """A test that needs Ray, as far as skipping looks at it."""

    def __init__(self) -> None:
        self.marks: list[pytest.MarkDecorator] = []

    def get_closest_marker(self, name: str) -> str | None:
        return name if name == "ray" else None

    def add_marker(self, mark: pytest.MarkDecorator) -> None:
        self.marks.append(mark)


@pytest.mark.parametrize(
    ("required", "reasons"), [("", ["ray: Ray is not installed"]), ("ray", [])]
)
def test_a_missing_part_is_skipped_unless_it_is_required(
    required: str, reasons: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ARBORETUM_REQUIRE", required)
    item = Item()
    skip_missing([item], LACKING)  # type: ignore[list-item]
    assert [mark.kwargs["reason"] for mark in item.marks] == reasons


def test_requiring_what_is_no_part_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARBORETUM_REQUIRE", "ray,brwser")
    with pytest.raises(pytest.UsageError, match="names brwser; there are browser, vllm, ray"):
        required()


def test_requiring_what_is_missing_fails_before_any_test(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARBORETUM_REQUIRE", "ray")
    with pytest.raises(pytest.UsageError, match="Ray is not installed; to get it: make ray"):
        check_required(LACKING)


def test_the_summary_says_how_many_why_and_how_to_get_them() -> None:
    missing = reason_of("ray", LACKING["ray"])
    assert summary([missing, "no seeds", missing], LACKING) == [
        "1 test skipped: no seeds",
        "ray: 2 tests skipped, Ray is not installed; to try them: make ray",
    ]


def test_every_part_has_a_marker(pytestconfig: pytest.Config) -> None:
    known = {line.partition(":")[0] for line in pytestconfig.getini("markers")}
    assert set(PARTS) <= known
