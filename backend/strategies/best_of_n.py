"""N independent solutions, the best of which is chosen in the end: repeated sampling.

With the selector `best` this is best-of-N by a verifier (Cobbe et al. 2021, arXiv 2110.14168;
defaults of search-and-learn), with `majority` it is self-consistency (Wang et al. 2022, arXiv
2203.11171), with `weighted` the verifier-weighted vote (Li et al. 2022, arXiv 2206.02336), with
`rpc` perplexity consistency after pruning (arXiv 2510.15444). What a pool of solutions would give
with fewer of them is in `backend.core.statistics.estimators`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from pydantic import Field

from backend.core.errors import VerifierFailure
from backend.core.ports import END, Policy, Rng, Verifier
from backend.core.registry import Params, strategy
from backend.core.steps import Pruned, Step
from backend.core.streams import closing
from backend.core.types import Node
from backend.strategies.parts.rounds import dead


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


@strategy(
    "best_of_n",
    BestOfNParams,
    title="Best of N",
    paper="arXiv 2110.14168",
    year=2021,
    views=("candidates", "race"),
    sources=(
        "the choice by a verifier: Cobbe et al. 2021 (arXiv 2110.14168); n = 4: search-and-learn",
        (
            "the votes: self-consistency (arXiv 2203.11171), the verifier-weighted vote (arXiv "
            "2206.02336)"
        ),
        "repeated sampling until a checker is content: Large Language Monkeys (arXiv 2407.21787)",
    ),
    departures=(
        (
            "a text cut off by its length limit is kept in the tree but is neither scored nor "
            "a candidate unless the policy calls it finished"
        ),
        (
            "solutions are sampled with the run's own settings, and not at the 0.6 or 0.7 that "
            "the papers are said to use"
        ),
    ),
    avoided=(
        "a failed score is not a score of 0, and fails the run only where every score has failed",
        (
            "each solution has a seed of its own, and a solution without a readable answer is "
            "no class of a vote"
        ),
        (
            "what k of the N solutions would give is computed without bias, and never by the "
            "plug-in formula or by drawing subsets"
        ),
    ),
    phases={
        "score": "sample N whole solutions at once; score each one as it finishes",
        "enough": "a solution scores `enough`: stop the others",
    },
)
async def best_of_n(
    root: Node, policy: Policy, verifier: Verifier, params: BestOfNParams, rng: Rng
) -> AsyncIterator[Step]:
    """Sample N whole solutions side by side; each is scored as soon as it is finished."""
    if root.done:
        return
    solutions: list[Node] = []
    values: list[float | None] = []
    reason: str | None = None
    async with closing(policy.race([root], params.n, until=END)) as race:
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
            reason = reason or score.reason
            if content(score.value, params.enough):
                break
            yield Step(solutions, values, phase="score")
    if solutions and all(value is None for value in values):
        raise VerifierFailure(f"none of {len(values)} solutions could be scored: {reason}")
    if values and content(values[-1], params.enough):
        yield Step(solutions, values, phase="enough")


def content(value: float | None, enough: float | None) -> bool:
    """Whether a score ends the sampling."""
    return value is not None and enough is not None and value >= enough
