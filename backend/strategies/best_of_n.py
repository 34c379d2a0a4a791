"""N independent solutions, the best of which is chosen in the end: repeated sampling.

Cobbe et al. 2021 (arXiv 2110.14168) with the selector `best`; other selectors make it a vote.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing

from pydantic import Field

from backend.core.ports import END, Policy, Rng, Verifier
from backend.core.registry import Params, strategy
from backend.core.steps import Pruned, Step
from backend.core.types import Node
from backend.strategies.parts.rounds import Scored, dead, remark_unscored


@strategy("best_of_n")
async def best_of_n(
    root: Node, policy: Policy, verifier: Verifier, params: BestOfNParams, rng: Rng
) -> AsyncGenerator[Step]:
    """Sample N whole solutions side by side; each is scored as soon as it is finished."""
    if root.done:
        return
    solutions: list[Node] = []
    values: list[float | None] = []
    async with aclosing(policy.race([root], params.n, until=END)) as race:
        async for _, node in race:
            if not node.done or dead([node]):
                yield Step(
                    solutions,
                    values,
                    dead([node]) or (Pruned((node,), "cut off before its end"),),
                    phase="score",
                )
                continue
            [score] = await verifier.score([node])
            solutions.append(node)
            values.append(score.value)
            if content(score.value, params.enough):
                break
            told = remark_unscored([Scored(node, score.value)])
            yield Step(solutions, values, told, phase="score")
    if values and content(values[-1], params.enough):
        yield Step(solutions, values, phase="enough")


def content(value: float | None, enough: float | None) -> bool:
    """Whether a score is high enough to end the sampling."""
    return value is not None and enough is not None and value >= enough


class BestOfNParams(Params):
    """Parameters of best-of-N."""

    n: int = Field(
        4,
        ge=1,
        le=10_000,
        description="solutions to sample; 4 in search-and-learn, up to 256 in its recipes",
    )
    enough: float | None = Field(
        None,
        ge=0.0,
        le=1.0,
        description="stop at the first solution scored so: 1 with an exact checker; absent: never",
    )
