"""A file of a strategy begins with its algorithm: docstring, imports and decorator take few lines,
all else comes below."""

from __future__ import annotations

import inspect

import pytest

from backend.core.registry import STRATEGIES

MOST_LINES = 25
"""Lines before the `def` of the algorithm, blank ones included."""


def lines_before(source: str, name: str) -> int:
    """How many lines of a file come before the function `name`."""
    starts = (f"def {name}(", f"async def {name}(")
    return next(
        number for number, line in enumerate(source.splitlines()) if line.startswith(starts)
    )


@pytest.mark.parametrize("name", list(STRATEGIES))
def test_the_algorithm_is_in_sight(name: str) -> None:
    run = STRATEGIES[name].run
    file = inspect.getsource(inspect.getmodule(run) or run)
    assert lines_before(file, run.__name__) <= MOST_LINES


def test_lines_before_a_function_are_counted() -> None:
    assert lines_before('"""A search."""\n\n\n@strategy("x")\nasync def x(\n', "x") == 4
    assert lines_before("def x(\n", "x") == 0
