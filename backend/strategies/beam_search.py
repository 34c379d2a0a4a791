"""Beam search over steps, steered by a process reward model.

Snell et al. 2024 (arXiv 2408.03314), section 5.2, with the parameters of search-and-learn: n next
steps are drawn in every round; the n / M best of those that are unfinished survive, and are
extended by M steps each. Finished ones are set aside as candidates for the answer. The loop is in
`beam`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from backend.core.ports import Policy, Rng, Verifier
from backend.core.registry import Params, strategy
from backend.core.steps import Step
from backend.core.streams import closing
from backend.core.types import Node
from backend.strategies.parts.beam import Beam, FilterDuplicates, NextSteps, beamed
from backend.strategies.parts.rounds import BeamWidth, MaxSteps, own_score


class BeamParams(Params):
    """Parameters of beam search."""

    n: NextSteps = 4
    beam_width: BeamWidth = 4
    max_steps: MaxSteps = 40
    filter_duplicates: FilterDuplicates = False


@strategy(
    "beam_search",
    BeamParams,
    title="Beam search",
    paper="arXiv 2408.03314",
    year=2024,
    views=("beam",),
    sources=(
        "the search and its cost of N steps a round: Snell et al. 2024 (arXiv 2408.03314)",
        (
            "defaults, the last round to the end, the choice among distinct texts: "
            "search-and-learn (Hugging Face)"
        ),
    ),
    departures=(
        (
            "every finished solution is a candidate once: search-and-learn keeps the first n "
            "to arrive and fills up with copies, which vote twice"
        ),
        "an empty step is dropped; search-and-learn takes it for a finished solution",
    ),
    avoided=(
        "copies of a solution do not vote twice, and solutions that arrive early are not preferred",
        "a step that ends at its length limit is not taken for the end of the solution",
        "token counts are those of the engine; search-and-learn leaves them at 0",
    ),
    formulas={"even_share": None, "cut": None},
    phases={
        "select": (
            "extend the survivors to n next steps; score; set finished ones aside; keep the "
            "best n / M"
        )
    },
)
async def beam_search(
    root: Node, policy: Policy, verifier: Verifier, params: BeamParams, rng: Rng
) -> AsyncIterator[Step]:
    """Keep the n / M best unfinished prefixes of every round; the last round writes to the end."""
    beam = Beam(params.n, params.beam_width, params.max_steps, params.filter_duplicates)
    async with closing(beamed(root, policy, verifier, beam, own_score)) as steps:
        async for step in steps:
            yield step
