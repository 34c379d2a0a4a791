"""Best-of-N at every step: draw N next steps, keep the best one, go on from there.

A beam search with a beam of one, also called greedy process-reward search; equal to one subtree of
DVTS (arXiv 2408.03314, section 5, with N/M = 1). Cost: N calls and N scores a step; serial depth:
the length of one solution.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator

from pydantic import Field

from backend.core.ports import Policy, Rng, Verifier
from backend.core.registry import Params, strategy
from backend.core.steps import Kept, Step
from backend.core.types import Node
from backend.strategies.parts.rounds import MaxSteps, expand, pass_over, rank


@strategy("stepwise_best_of_n", formulas={"cut": None})
async def stepwise_best_of_n(
    root: Node, policy: Policy, verifier: Verifier, params: StepwiseParams, rng: Rng
) -> AsyncGenerator[Step]:
    """At every step the best of N drawn continuations is kept and the others are dropped."""
    node, value = root, None
    for _ in range(params.max_steps):
        if node.done:
            return
        [(children, notes)] = await expand(policy, verifier, [node], params.n)
        if not children:
            yield Step([node], [value], notes, phase="end")
            return
        node, value, _ = best = rank(children)[0]
        told = (*notes, Kept((node,), (value,)), *pass_over(best, children))
        yield Step([node], [value], told, phase="select")


class StepwiseParams(Params):
    """Parameters of step-wise best-of-N."""

    n: int = Field(
        4, ge=1, le=1024, description="next steps to draw at every step; 4 as n in search-and-learn"
    )
    max_steps: MaxSteps = 40
