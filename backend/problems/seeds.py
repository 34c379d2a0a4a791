"""Names of problems, and the random sources behind the generated ones."""

from __future__ import annotations

import random
from collections.abc import Collection
from typing import NamedTuple

from backend.core.errors import ProblemError

LARGEST_SEED = 10**12


class Named(NamedTuple):
    """The parts of the id of a generated problem."""

    set: str
    level: int
    seed: int


class FileLine(NamedTuple):
    """The parts of the id of a problem from a file."""

    set: str
    line: int


def problem_id(name: str, level: int | None, seed: int | None) -> str:
    """`set/level/seed`, or `set/own` for a problem that no level and seed stand for."""
    return f"{name}/{level}/{seed}" if level is not None and seed is not None else f"{name}/own"


def random_source(name: str, level: int, seed: int, levels: Collection[int]) -> random.Random:
    """The random source of a problem, the same on every machine. Raises ProblemError for an unknown
    level or seed."""
    if level not in levels:
        raise ProblemError(
            f"{name} has no level {level}; accepted: {', '.join(map(str, sorted(levels)))}"
        )
    if not 0 <= seed < LARGEST_SEED:
        raise ProblemError(f"there is no seed {seed}; accepted: 0 to {LARGEST_SEED - 1}")
    return random.Random(f"{name}/{level}/{seed}")


def _whole(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 12


def in_file(problem_id: str, known: Collection[str]) -> FileLine | None:
    """Takes an id `set/line` of one of the known sets apart; None if it is not of that kind."""
    name, _, line = problem_id.rpartition("/")
    return FileLine(name, int(line)) if name in known and _whole(line) else None


def parse_id(problem_id: str, known: Collection[str], by_line: Collection[str] = ()) -> Named:
    """Takes an id `set/level/seed` apart. Raises ProblemError."""
    name, *numbers = problem_id.split("/")
    if name not in known or len(numbers) != 2 or not all(map(_whole, numbers)):
        lines = "".join(f"; {each}/LINE" for each in by_line)
        accepted = (
            f"SET/LEVEL/SEED with SET one of {', '.join(sorted(known))}, for example "
            f"{next(iter(known), 'SET')}/3/17{lines}"
        )
        raise ProblemError(f"no problem is called {problem_id[:80]!r}; accepted: {accepted}")
    return Named(name, int(numbers[0]), int(numbers[1]))
