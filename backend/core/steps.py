"""What a strategy yields after a round: a step, and the notes that say what happened in it (their
fields are described in `backend.core.events`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from backend.core.events import (
    Allocated,
    Backed,
    Drawn,
    Jumped,
    Kept,
    Note,
    Popped,
    Pruned,
    Pushed,
    Referenced,
    Remarked,
    Replaced,
    Resampled,
    Rolled,
    Selected,
    Swapped,
    Weighed,
)
from backend.core.types import Node


@dataclass(frozen=True, slots=True)
class Step:
    """What a strategy yields after a round: where it stands, and a legal place to stop.

    `nodes` are the candidates for the answer (not the frontier) and `values` ranks them, one each,
    None where unknown, never NaN. A strategy that only ever adds candidates appends to the same two
    lists and passes them again; it never copies them. `phase` names the line of pseudo-code,
    `track` the part of a composed strategy ("chain 2"), `stats` holds scalars such as `ess` or
    `frontier`. `rounds` is the number of sequential rounds that the step ends: 0 where it
    only carries notes, or where a search beside it has already counted the same round.
    """

    nodes: Sequence[Node]
    values: Sequence[float | None]
    notes: tuple[Note, ...] = ()
    phase: str = "step"
    track: str = ""
    stats: Mapping[str, float] = field(default_factory=dict)
    rounds: int = 1


__all__ = [
    "Allocated",
    "Backed",
    "Drawn",
    "Jumped",
    "Kept",
    "Note",
    "Popped",
    "Pruned",
    "Pushed",
    "Referenced",
    "Remarked",
    "Replaced",
    "Resampled",
    "Rolled",
    "Selected",
    "Step",
    "Swapped",
    "Weighed",
]
