"""N independent solutions, the best of which is chosen in the end: repeated sampling.

Cobbe et al. 2021 (arXiv 2110.14168) with the selector `best`; other selectors make it a vote.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import aclosing

from pydantic import Field

from backend.core.ports import END, Policy, Rng, Verifier
from backend.core.registry import Params, strategy
from backend.core.statistics.majority import majority_stays
from backend.core.steps import Pruned, Remarked, Step
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
    votes: Counter[str] = Counter()
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
            votes.update(filter(None, [policy.answer(node)]))
            if content(score.value, params.enough) or settled(votes, params.converged):
                break
            told = remark_unscored([Scored(node, score.value)])
            yield Step(solutions, values, told, phase="score")
    if values and content(values[-1], params.enough):
        yield Step(solutions, values, phase="enough")
    elif settled(votes, params.converged):
        remark = Remarked(f"the answers agree: {len(values)} of {params.n} solutions were needed")
        yield Step(solutions, values, (remark,), phase="enough")


def content(value: float | None, enough: float | None) -> bool:
    """Whether a score is high enough to end the sampling."""
    return value is not None and enough is not None and value >= enough


def settled(votes: Counter[str], converged: float | None) -> bool:
    """Whether the commonest answer will stay it with at least this chance."""
    if converged is None or not votes:
        return False
    first, second = [*(count for _, count in votes.most_common(2)), 0][:2]
    return majority_stays(first, second) >= converged


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
    converged: float | None = Field(
        None,
        gt=0.5,
        lt=1.0,
        description="stop when the commonest answer stays it with this chance, 0.95 as published "
        "for adaptive consistency; absent: never",
    )
