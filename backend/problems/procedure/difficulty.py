"""What makes a problem of procedure hard."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from pydantic import ConfigDict

from backend.problems.difficulty import STRICT, Range, Share


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
