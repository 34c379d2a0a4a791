"""What makes a problem of countdown hard."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from pydantic import ConfigDict

from backend.problems.difficulty import STRICT, Range


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
