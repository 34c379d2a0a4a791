"""First finish search: N solutions race, the first to end wins, and the others are stopped.

Agarwal, Sengupta and Chakraborty 2025 (arXiv 2505.18149); with k > 1 it is FFS-k@N.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Annotated

from pydantic import AfterValidator, Field, ValidationInfo

from backend.core.ports import END, Policy, Rng, Verifier
from backend.core.registry import Params, strategy
from backend.core.steps import Note, Pruned, Remarked, Step
from backend.core.types import Finish, Node
from backend.strategies.parts.rounds import dead


@strategy("first_finish")
async def first_finish(
    root: Node, policy: Policy, verifier: Verifier, params: FirstFinishParams, rng: Rng
) -> AsyncGenerator[Step]:
    """Race N whole solutions; the first k that the model itself ends are the candidates."""
    if root.done:
        return
    winners: list[Node] = []
    values: list[float | None] = []
    running = params.n
    async with aclosing(policy.race([root], params.n, until=END)) as race:
        async for _, node in race:
            running -= 1
            notes: tuple[Note, ...] = dead([node])
            if not notes and node.finish is not Finish.END:
                notes = (Pruned((node,), "cut off before its end"),)
            if not notes:
                winners.append(node)
                values.append(None)
            if len(winners) == params.k:
                # the race is closed before anything else is done, because until then the others go
                # on writing
                break
            yield Step(winners, values, notes, phase="race", stats={"running": running})
    if len(winners) == params.k:
        remark = Remarked(
            f"the race is over after {len(winners)} of {params.n}: {running} were stopped",
            tuple(winners),
        )
        yield Step(winners, values, (remark,), phase="win", stats={"running": 0})


def in_the_race(k: int, info: ValidationInfo) -> int:
    """Return `k`. Raises `ValueError` where there are fewer than `k` solutions."""
    if k > info.data.get("n", k):
        raise ValueError(f"at most n = {info.data['n']}")
    return k


class FirstFinishParams(Params):
    """Parameters of first finish search."""

    n: int = Field(
        4,
        ge=1,
        le=4096,
        description=(
            "N: solutions started at once; 4 is said to be the paper's main setting, unverified"
        ),
    )
    k: Annotated[int, AfterValidator(in_the_race)] = Field(
        1, ge=1, le=4096, description="winners, at most n: 1 as published, more for FFS-k@N"
    )
