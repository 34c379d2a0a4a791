"""Beam search over steps, steered by a process reward model.

Snell et al. 2024 (arXiv 2408.03314), section 5.2, with the parameters of search-and-learn: n next steps are drawn in every round; the n / M
best of those that are unfinished survive, and are extended by M steps each. Finished ones are set aside as candidates for the answer.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from pydantic import Field

from backend.ports import END, STEP, Policy, Rng, Verifier
from backend.registry import Params, strategy
from backend.strategies.rounds import BeamWidth, MaxSteps, distinct, expand, ranked, shared
from backend.types import Allocated, Kept, Node, Note, Pruned, Step


class BeamParams(Params):
    """Parameters of beam search."""

    n: int = Field(4, ge=1, le=4096, description="next steps drawn in every round; 4 in search-and-learn, up to 256 in its recipes")
    beam_width: BeamWidth = 4
    max_steps: MaxSteps = 40
    filter_duplicates: bool = Field(False, description="select among distinct texts only; off in search-and-learn, on in its recipes")


@strategy(
    "beam_search", BeamParams, title="Beam search", paper="arXiv 2408.03314", year=2024, views=("beam",),
    departures=(
        "every finished solution is a candidate once: search-and-learn keeps the first n to arrive and fills up with copies, which vote twice",
        "an empty step is dropped; search-and-learn takes it for a finished solution",
    ),
    phases={"select": "extend the survivors to n next steps; score; set finished ones aside; keep the best n / M"},
)
async def beam_search(root: Node, policy: Policy, verifier: Verifier, params: BeamParams, rng: Rng) -> AsyncIterator[Step]:
    """Keep the n / M best unfinished prefixes of every round; the last round writes to the end."""
    finished: list[Node] = []
    values: list[float | None] = []
    beam = [] if root.done else [root]
    for turn in range(params.max_steps):
        if not beam:
            return
        widths = shared(params.n, len(beam))
        parents = [node for node, width in zip(beam, widths, strict=True) for _ in range(width)]
        broods = await expand(policy, verifier, parents, until=END if turn == params.max_steps - 1 else STEP)
        children = [child for brood in broods for child in brood.children]
        finished += [child.node for child in children if child.node.done]
        values += [child.value for child in children if child.node.done]
        survivors = [child for child in children if not child.node.done]
        survivors, doubles = distinct(survivors) if params.filter_duplicates else (survivors, ())
        kept = ranked(survivors)[: params.n // params.beam_width]
        notes: list[Note] = [Allocated(tuple(beam), widths), *(note for brood in broods for note in brood.notes), *doubles]
        beam = [child.node for child in kept]
        if kept:
            notes.append(Kept(tuple(beam), tuple(child.value for child in kept)))
        if cut := tuple(child.node for child in survivors if child.node not in set(beam)):
            notes.append(Pruned(cut, "outside the beam", kept[-1].value))
        yield Step(finished, values, tuple(notes), phase="select", stats={"beam": len(beam), "finished": len(finished)})
