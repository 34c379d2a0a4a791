"""N independent solutions, the best of which is chosen in the end.

With the selector `best` this is best-of-N by a verifier (Cobbe et al. 2021, arXiv 2110.14168; defaults of search-and-learn), with `majority`
it is self-consistency (Wang et al. 2022, arXiv 2203.11171), with `weighted` the verifier-weighted vote (Li et al. 2022, arXiv 2206.02336).
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from pydantic import Field

from backend.errors import VerifierFailure
from backend.ports import END, Policy, Rng, Verifier
from backend.registry import Params, strategy
from backend.strategies.rounds import dead
from backend.streams import closing
from backend.types import Node, Pruned, Step


class BestOfNParams(Params):
    """Parameters of best-of-N."""

    n: int = Field(4, ge=1, le=4096, description="solutions to sample; 4 in search-and-learn, up to 256 in its recipes")


@strategy(
    "best_of_n", BestOfNParams, title="Best of N", paper="arXiv 2110.14168", year=2021, views=("candidates",),
    departures=("a text cut off by its length limit is kept in the tree but is neither scored nor a candidate unless the policy calls it finished",),
    phases={"score": "sample N whole solutions at once; score each one as it finishes"},
)
async def best_of_n(root: Node, policy: Policy, verifier: Verifier, params: BestOfNParams, rng: Rng) -> AsyncIterator[Step]:
    """Sample N whole solutions side by side; each is scored as soon as it is finished."""
    if root.done:
        return
    solutions: list[Node] = []
    values: list[float | None] = []
    reason: str | None = None
    async with closing(policy.race([root], params.n, until=END)) as race:
        async for _, node in race:
            if not node.done or dead([node]):
                yield Step(solutions, values, dead([node]) or (Pruned((node,), "cut off before its end"),), phase="score")
                continue
            [score] = await verifier.score([node])
            solutions.append(node)
            values.append(score.value)
            reason = reason or score.reason
            yield Step(solutions, values, phase="score")
    if solutions and all(value is None for value in values):
        raise VerifierFailure(f"none of {len(values)} solutions could be scored: {reason}")
