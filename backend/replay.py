"""What an earlier attempt of a run already paid for.

A rerun of the same spec makes the same calls under the same keys. The policy looks here before it asks the engine: a key that was paid is
answered from the store, and the first key that was not goes live. Nothing is paid twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from backend.ports import Completion
from backend.types import Alternative, Finish, Score


@dataclass(frozen=True)
class PaidScore:
    """A stored score with the verifier tokens it took."""

    score: Score
    tokens: int = 0
    cached: int = 0


@dataclass(frozen=True)
class Paid:
    """Stored answers by key. `order` numbers the keys as they were recorded; `next_seq` events are stored; `elapsed_ms` had passed."""

    completions: Mapping[str, Completion] = field(default_factory=dict)
    order: Mapping[str, int] = field(default_factory=dict)
    scores: Mapping[tuple[str, str], PaidScore] = field(default_factory=dict)
    next_seq: int = 0
    elapsed_ms: float = 0.0

    @property
    def empty(self) -> bool:
        return not self.completions


NOTHING_PAID = Paid()


def paid(
    completions: Iterable[Completion], scores: Mapping[tuple[str, str], PaidScore], *, next_seq: int, elapsed_ms: float
) -> Paid:
    """`Paid` from stored completions in order of record and from scores by (scorer, node key). A completion that was cut by the budget is left
    out, because with more budget the engine would have gone on."""
    kept = [completion for completion in completions if completion.finish is not Finish.BUDGET]
    return Paid(
        {completion.key: completion for completion in kept},
        {completion.key: index for index, completion in enumerate(kept)},
        dict(scores),
        next_seq,
        elapsed_ms,
    )


def alternatives_from(stored: object) -> tuple[tuple[Alternative, ...], ...]:
    """Alternatives as `trace.node_record` stored them, typed again."""
    if not isinstance(stored, list):
        return ()
    return tuple(tuple(Alternative(int(i), str(text), float(lp)) for i, text, lp in position) for position in stored)
