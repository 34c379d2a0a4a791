"""One chain of steps: the model thinks aloud once, and nothing is searched.

Chain of thought: Wei et al. 2022 (arXiv 2201.11903). Everything else in this package has to beat
it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

from pydantic import Field

from backend.core.ports import Policy, Rng, Verifier
from backend.core.registry import Params, strategy
from backend.core.steps import Step
from backend.core.types import Node
from backend.strategies.parts.rounds import MaxSteps, dead


class ChainParams(Params):
    """Parameters of a chain."""

    greedy: bool = Field(
        False,
        description=(
            "take the likeliest token every time instead of sampling with the run's own settings"
        ),
    )
    max_steps: MaxSteps = 40


@strategy(
    "chain",
    ChainParams,
    title="Chain of thought",
    paper="arXiv 2201.11903",
    year=2022,
    needs_verifier=False,
    sources=(
        "reasoning in steps before the answer: Wei et al. 2022 (arXiv 2201.11903)",
        "at most 40 steps: the rounds of search-and-learn",
    ),
    departures=(
        (
            "written step by step, so that every step is a node; its text has the distribution "
            "of one written in one go"
        ),
        (
            "no worked examples stand before the question, because the models meant here "
            "reason in steps without them"
        ),
        "sampled by default and not greedy, so that another seed shows another solution (greedy)",
    ),
    avoided=("a step that ends at its length limit is not taken for the end of the solution",),
    phases={"extend": "extend the chain by one step until the model ends it"},
)
async def chain(
    root: Node, policy: Policy, verifier: Verifier, params: ChainParams, rng: Rng
) -> AsyncIterator[Step]:
    """One sampled or greedy solution, step by step."""
    sampling = replace(policy.sampling, temperature=0.0) if params.greedy else None
    node = root
    for _ in range(params.max_steps):
        if node.done:
            return
        [[node]] = await policy.extend([node], sampling=sampling)
        notes = dead([node])
        yield Step([node], [None], notes, phase="extend")
        if notes:
            return
