"""The loop of a beam search over steps; what a next step is ranked by is a function.

In every round the beam is extended to n next steps. Finished ones are set aside as candidates for
the answer; of the others the n / M best are the next beam. The last round writes to the end.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Annotated, NamedTuple

from pydantic import Field

from backend.core.formulas.shares import even_share, least_kept
from backend.core.ports import END, STEP, Policy, Verifier
from backend.core.steps import Allocated, Kept, Note, Pruned, Step
from backend.core.types import Node
from backend.strategies.parts.rounds import Valuation, distinct, expand, rank

NextSteps = Annotated[
    int,
    Field(
        ge=1,
        le=4096,
        description=(
            "next steps drawn in every round; 4 in search-and-learn, up to 256 in its recipes"
        ),
    ),
]
FilterDuplicates = Annotated[
    bool,
    Field(
        description="select among distinct texts only; off in search-and-learn, on in its recipes"
    ),
]


class Beam(NamedTuple):
    """`n` next steps a round for at most `rounds` rounds, of which the n / `width` best survive;
    `distinct`: only the first of equal texts."""

    n: int
    width: int
    rounds: int
    distinct: bool


async def search_beam(
    root: Node, policy: Policy, verifier: Verifier, beam: Beam, value: Valuation
) -> AsyncGenerator[Step]:
    """Run a beam search; `value` returns what each next step is ranked by."""
    finished: list[Node] = []
    values: list[float | None] = []
    prefixes = [] if root.done else [root]
    for turn in range(beam.rounds):
        if not prefixes:
            return
        widths = even_share(beam.n, len(prefixes))
        parents = [node for node, width in zip(prefixes, widths, strict=True) for _ in range(width)]
        broods = await expand(
            policy, verifier, parents, until=END if turn == beam.rounds - 1 else STEP, value=value
        )
        children = [child for brood in broods for child in brood.children]
        finished += [child.node for child in children if child.node.done]
        values += [child.value for child in children if child.node.done]
        survivors = [child for child in children if not child.node.done]
        survivors, doubles = distinct(survivors) if beam.distinct else (survivors, ())
        kept = rank(survivors)[: beam.n // beam.width]
        notes: list[Note] = [
            Allocated(tuple(prefixes), widths),
            *(note for brood in broods for note in brood.notes),
            *doubles,
        ]
        prefixes = [child.node for child in kept]
        if kept:
            notes.append(Kept(tuple(prefixes), tuple(child.value for child in kept)))
        if cut := tuple(child.node for child in survivors if child.node not in set(prefixes)):
            values_kept = [child.value for child in kept if child.value is not None]
            needed = least_kept(values_kept) if values_kept else None
            notes.append(Pruned(cut, "outside the beam", needed))
        yield Step(
            finished,
            values,
            tuple(notes),
            phase="select",
            stats={"beam": len(prefixes), "finished": len(finished)},
        )
