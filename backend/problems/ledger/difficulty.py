"""What makes a problem of ledger hard."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from pydantic import ConfigDict

from backend.problems.difficulty import STRICT, Range, Share


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
