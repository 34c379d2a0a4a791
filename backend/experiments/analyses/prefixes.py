"""How much of a known list of states a solution reproduces: ProcBench's measures (Fujisawa et al.
2024, arXiv 2410.03117).

With the gold states (the last one is the answer) and the states read from a solution: prefix match
length PML, the number of leading equal states; prefix accuracy PA = PML / max(gold, read), which
punishes too many states like too few; sequential match SM, whether PA is 1; final match FM, whether
the last states are equal.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from backend.core.errors import BadInput


class Prefix(NamedTuple):
    """The measures of one solution; see the module docstring."""

    length: int
    accuracy: float
    sequential: bool
    final: bool


def prefix(gold: Sequence[object], read: Sequence[object]) -> Prefix:
    """The measures; `gold` holds at least one state, else `BadInput`. A solution of no state
    matches nothing."""
    if not gold:
        raise BadInput("gold states", given="none", accepted="at least the answer")
    length = 0
    for right, given in zip(gold, read, strict=False):
        if right != given:
            break
        length += 1
    accuracy = length / max(len(gold), len(read))
    return Prefix(length, accuracy, accuracy == 1.0, bool(read) and gold[-1] == read[-1])


__all__ = ["Prefix", "prefix"]
