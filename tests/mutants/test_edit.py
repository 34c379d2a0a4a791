"""Edits are made by structure: layout, comments, order of keywords and names of places play no
part."""

from __future__ import annotations

import pytest

from tests.mutants import test_edit
from tests.mutants.edit import Misfit, Opening, TextSwap, swap

CODE = '''"""A module."""
from __future__ import annotations

def search(policy, n):
    """A function."""
    found = policy.extend(
        n,  # as many as asked for
        until=3, sampling=None,
    )
    total = len(found) + len(found)
    return found if found else []

def other(n):
    return range(n)
'''


def search() -> None:
    """Stands for the function that is edited."""


def changed(old: str, new: str, **names: object) -> str:
    """The lines that an edit of `search` brings in."""
    before = swap(search, "len(A) + len(A)", "len(A) + len(A)").applied(CODE).splitlines()
    after = swap(search, old, new, **names).applied(CODE).splitlines()
    return "\n".join(line.strip() for line in after if line not in before)


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("A if A else B", "B", "return []"),
        ("len(A) + len(A)", "len(A)", "total = len(found)"),
        ("F(*R, sampling=A, **M)", "F(*R, **M)", "found = policy.extend(n, until=3)"),
        ("F(A, sampling=B, until=C)", "F(A, until=C + 1)", "found = policy.extend(n, until=3 + 1)"),
        ("total = A", "pass", "pass"),
        ("return A", "n += 1\nreturn A", "n += 1"),
    ],
)
def test_a_pattern_is_found_by_structure(old: str, new: str, line: str) -> None:
    assert changed(old, new) == line


def test_a_name_is_found_by_the_object_that_it_means() -> None:
    assert changed("size(A) + B", "0", size=len) == "total = 0"
    with pytest.raises(Misfit):
        changed("size(A) + B", "0", size=max)


def test_a_bound_name_after_a_dot_is_that_of_its_object_on_both_sides() -> None:
    def extend() -> None:
        """Named as what the code calls."""

    old, new = "policy.call(A, *R, **M)", "policy.call(A + 1, *R, **M)"
    assert changed(old, new, call=extend) == "found = policy.extend(n + 1, until=3, sampling=None)"


@pytest.mark.parametrize(
    ("old", "times"), [("len(A)", 2), ("range(A)", 0), ("F(A, until=B)", 0), ("len(A) + len(n)", 0)]
)
def test_a_pattern_that_does_not_fit_once_is_refused(old: str, times: int) -> None:
    with pytest.raises(Misfit, match=f"stands {times} times in {__name__}.search"):
        swap(search, old, "0").applied(CODE)


def test_an_opening_comes_behind_docstring_and_future() -> None:
    lines = Opening(test_edit, "import time").applied(CODE).splitlines()
    assert lines[1:3] == ["from __future__ import annotations", "import time"]
    assert Opening(search, "n = 1").applied(CODE).splitlines()[5] == "    n = 1"


def test_a_text_is_replaced_where_it_stands_once() -> None:
    assert TextSwap("a.toml", "x = 1", "x = 2").applied("x = 1\n") == "x = 2\n"
    with pytest.raises(Misfit, match=r"stands 2 times in a\.toml"):
        TextSwap("a.toml", "x", "y").applied("x x")
