"""Lookahead search: a beam search that judges a next step by what becomes of it.

Snell et al. 2024 (arXiv 2408.03314), section 5.2. Before a next step is scored, k further steps are
written below it at temperature 0, and the verifier's score of where they end ranks it; k = 0 is
beam search. Rollouts are hidden nodes: they are scored and counted, and never continued by the
search. A round of N next steps costs N (k + 1) generated steps. The loop is in `beam`, the rollout
in `rollouts`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from pydantic import Field

from backend.core.ports import Policy, Rng, Verifier
from backend.core.registry import Params, strategy
from backend.core.steps import Step
from backend.core.streams import closing
from backend.core.types import Node
from backend.strategies.parts.beam import Beam, FilterDuplicates, NextSteps, beamed
from backend.strategies.parts.rollouts import ahead
from backend.strategies.parts.rounds import BeamWidth, MaxSteps


class LookaheadParams(Params):
    """Parameters of lookahead search."""

    n: NextSteps = 4
    beam_width: BeamWidth = 4
    k: int = Field(
        3,
        ge=0,
        le=100,
        description=(
            "steps to look ahead; 1 and 3 in the paper's experiments (unverified), 0 is beam search"
        ),
    )
    max_steps: MaxSteps = 40
    filter_duplicates: FilterDuplicates = False


@strategy(
    "lookahead",
    LookaheadParams,
    title="Lookahead search",
    paper="arXiv 2408.03314",
    year=2024,
    selector="weighted",
    views=("lookahead", "beam"),
    sources=(
        (
            "rollouts of k steps at temperature 0, their score, the cost N (k + 1) and the "
            "weighted vote: Snell et al. 2024 (arXiv 2408.03314)"
        ),
        (
            "n = M = 4, the last round to the end, the choice among distinct texts: "
            "search-and-learn (Hugging Face)"
        ),
    ),
    departures=(
        (
            "a rollout ends early where the model ends it, where nothing more is written, and "
            "at max_steps; its last living node is scored"
        ),
        (
            "a next step that is itself finished is scored as it is, so that a round can cost "
            "less than N (k + 1)"
        ),
        (
            "every finished solution is a candidate once: search-and-learn keeps the first n "
            "to arrive and fills up with copies, which vote twice"
        ),
        "an empty step is dropped; search-and-learn takes it for a finished solution",
    ),
    avoided=(
        (
            "the score of a rollout is what ranks the step; the beam search of "
            "search-and-learn writes rollouts and then ignores them"
        ),
        "each step of a rollout is a call of its own on the ledger, with the engine's token counts",
    ),
    formulas={"even_share": None, "cut": None},
    phases={
        "select": (
            "extend the survivors to n next steps; roll each out k steps greedily; score the "
            "ends; set finished ones aside; keep n / M"
        )
    },
)
async def lookahead(
    root: Node, policy: Policy, verifier: Verifier, params: LookaheadParams, rng: Rng
) -> AsyncIterator[Step]:
    """Beam search in which the score of a rollout of k greedy steps ranks a next step."""
    beam = Beam(params.n, params.beam_width, params.max_steps, params.filter_duplicates)
    async with closing(
        beamed(root, policy, verifier, beam, ahead(params.k, root.depth + params.max_steps))
    ) as steps:
        async for step in steps:
            yield step
