"""From a level to numbers: how many steps, distractors and how large the numbers are. The knobs of
a set are a frozen dataclass in its folder; their values are in `backend/classroom/levels.json`.

A knob that is a pair `[low, high]` is drawn uniformly for each problem (both ends included), so
that one difficulty may be a single point or the whole range. Level 0 of each set is that whole
range: what the training corpus is drawn from. Levels 1 to 5 are fixed by measurement.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, TypeAlias, TypeVar

from pydantic import (
    AfterValidator,
    ConfigDict,
    Field,
    JsonValue,
    TypeAdapter,
    ValidationError,
)

from backend.core.errors import ProblemError

Knobs = TypeVar("Knobs")


def _ascending(pair: tuple[int, int]) -> tuple[int, int]:
    if pair[0] > pair[1]:
        raise ValueError(f"{pair[0]} to {pair[1]} is empty")
    return pair


Range: TypeAlias = Annotated[tuple[int, int], AfterValidator(_ascending)]
Share: TypeAlias = Annotated[float, Field(ge=0, le=1)]
STRICT = ConfigDict(extra="forbid")
LEVELS_FILE = Path(__file__).parent.parent / "classroom" / "levels.json"
_FILE = TypeAdapter(dict[str, dict[int, dict[str, JsonValue]]])


def read_levels(name: str, knobs: type[Knobs], path: Path = LEVELS_FILE) -> Mapping[int, Knobs]:
    """The difficulties of a set by level; none where the file does not name the set. Raises
    ProblemError for an unknown knob or a value that does not fit."""
    adapter, where = TypeAdapter(knobs), ""
    found: dict[int, Knobs] = {}
    try:
        for level, given in _FILE.validate_json(path.read_bytes()).get(name, {}).items():
            where = f"{name}.{level}."
            found[level] = adapter.validate_python(given)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise ProblemError(
            f"{path.name}: {where}{'.'.join(map(str, first['loc']))}: {first['msg']}; accepted: "
            f"the knobs of backend/problems/{name}/difficulty.py"
        ) from error
    return found
