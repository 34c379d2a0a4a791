"""Nested settings as flat names (`sampling.top_p`), so that two descriptions can be laid side by
side and only their differences shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from backend.core.types import JSON


class Absent:
    """Stands where a description has nothing of that name; not the same as null."""

    def __repr__(self) -> str:
        return "absent"


ABSENT = Absent()


class DescriptionLine(NamedTuple):
    """A name and its value in each description, `ABSENT` where there is none."""

    name: str
    values: tuple[JSON | Absent, ...]

    @property
    def equal(self) -> bool:
        return all(
            value == self.values[0] and isinstance(value, bool) == isinstance(self.values[0], bool)
            for value in self.values
        )


def flatten(nested: Mapping[str, JSON], prefix: str = "") -> dict[str, JSON]:
    """Objects are opened, lists are values; an empty object has no name of its own and is left
    out.
    """
    flat: dict[str, JSON] = {}
    for name, value in nested.items():
        if isinstance(value, dict):
            flat |= flatten(value, f"{prefix}{name}.")
        else:
            flat[prefix + name] = value
    return flat


def lines(flat: Sequence[Mapping[str, JSON]]) -> list[DescriptionLine]:
    """All names in order of first appearance, with the value of each description."""
    names = dict.fromkeys(name for one in flat for name in one)
    return [DescriptionLine(name, tuple(one.get(name, ABSENT) for one in flat)) for name in names]


__all__ = ["ABSENT", "Absent", "DescriptionLine", "flatten", "lines"]
