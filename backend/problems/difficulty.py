"""From a level to numbers: how many steps, distractors and how large the numbers are. All knobs are
in `backend/classroom/levels.json`.

A knob that is a pair `[low, high]` is drawn uniformly for each problem (both ends included), so
that one difficulty may be a single point or the whole range. Level 0 of each set is that whole
range: what the training corpus is drawn from. Levels 1 to 5 are fixed by measurement.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, ClassVar, TypeAlias

from pydantic import AfterValidator, ConfigDict, Field, TypeAdapter, ValidationError

from backend.problems.base import ProblemError


def _ascending(pair: tuple[int, int]) -> tuple[int, int]:
    if pair[0] > pair[1]:
        raise ValueError(f"{pair[0]} to {pair[1]} is empty")
    return pair


Range: TypeAlias = Annotated[tuple[int, int], AfterValidator(_ascending)]
Share: TypeAlias = Annotated[float, Field(ge=0, le=1)]
STRICT = ConfigDict(extra="forbid")
LEVELS_FILE = Path(__file__).parent.parent / "classroom" / "levels.json"


@dataclass(frozen=True)
class LedgerDifficulty:
    """steps: operations needed; distractors: facts that are not needed; largest: bound on every
    quantity; probabilities in [0, 1].
    """

    __pydantic_config__: ClassVar[ConfigDict] = STRICT
    steps: Range = (1, 9)
    distractors: Range = (0, 4)
    largest: Range = (20, 99)
    branching: Share = 0.3
    shuffled: Share = 0.5
    together: Share = 0.25
    skew: float = 1.0


@dataclass(frozen=True)
class CountdownDifficulty:
    """numbers: how many; largest: bound on the given numbers; target: range of the number to reach;
    operations allowed when it is made.
    """

    __pydantic_config__: ClassVar[ConfigDict] = STRICT
    numbers: Range = (3, 5)
    largest: Range = (9, 25)
    target: Range = (5, 99)
    operations: str = "+-*/"


@dataclass(frozen=True)
class ProcedureDifficulty:
    """steps: instructions; length: numbers at the start; largest: bound on the numbers at the
    start; arithmetic: share of such steps.
    """

    __pydantic_config__: ClassVar[ConfigDict] = STRICT
    steps: Range = (1, 9)
    length: Range = (3, 6)
    largest: Range = (9, 30)
    arithmetic: Share = 0.4
    skew: float = 1.0


@dataclass(frozen=True)
class Levels:
    """Difficulty by level for each set; level 0 is the range that training draws from."""

    ledger: Mapping[int, LedgerDifficulty] = field(default_factory=dict)
    countdown: Mapping[int, CountdownDifficulty] = field(default_factory=dict)
    procedure: Mapping[int, ProcedureDifficulty] = field(default_factory=dict)


def load_levels(path: Path = LEVELS_FILE) -> Levels:
    """Reads the map from level to difficulty. Raises ProblemError for an unknown knob or a value
    that does not fit."""
    try:
        return TypeAdapter(Levels).validate_json(path.read_bytes())
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise ProblemError(
            f"{path.name}: {'.'.join(map(str, first['loc']))}: {first['msg']}; accepted: "
            "the knobs of backend/problems/difficulty.py"
        ) from error
