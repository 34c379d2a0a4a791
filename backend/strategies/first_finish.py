"""First finish search: N solutions race, the first to end wins, and the others are stopped.

Agarwal, Sengupta and Chakraborty 2025 (arXiv 2505.18149): among the solutions of a reasoning model
the shorter ones are right more often. With k > 1 it is FFS-k@N: a vote among the first k of N. The
race is a real one: while all texts take their tokens in lockstep, first is shortest; where requests
wait for a place or run at different speeds, first is first. The price is not one short text but N
of that length.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated

from pydantic import AfterValidator, Field, ValidationInfo

from backend.core.ports import END, Policy, Rng, Verifier
from backend.core.registry import Params, strategy
from backend.core.steps import Note, Pruned, Remarked, Step
from backend.core.streams import closing
from backend.core.types import Finish, Node
from backend.strategies.parts.rounds import dead


def in_the_race(k: int, info: ValidationInfo) -> int:
    """`k`, if there are as many solutions."""
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


@strategy(
    "first_finish",
    FirstFinishParams,
    title="First finish search",
    paper="arXiv 2505.18149",
    year=2025,
    selector="majority",
    needs_verifier=False,
    needs=("abort",),
    views=("race", "candidates"),
    sources=(
        (
            "the race and its stop at the first end token: First Finish Search (arXiv "
            "2505.18149), read in abstract and summaries"
        ),
        (
            "the vote among the first k: FFS-k@N as in The Art of Scaling Test-Time Compute, "
            "known from a summary"
        ),
    ),
    departures=(
        "k@N takes the first k to finish and not the k shortest of N finished texts, because "
        "stopping the others is what saves tokens; in lockstep "
        "both are the same",
        (
            "texts that end in the same turn of the engine stand in the order in which they "
            "were asked for, so that a rerun has the same winner"
        ),
    ),
    avoided=(
        "a text cut off by its length limit does not count as finished, and never wins",
        (
            "the others are really stopped, and what they had written is on the ledger as "
            "discarded tokens"
        ),
    ),
    phases={
        "race": "start N solutions at once; count the ends",
        "win": "the k-th has ended: stop the others; the first k are the candidates",
    },
)
async def first_finish(
    root: Node, policy: Policy, verifier: Verifier, params: FirstFinishParams, rng: Rng
) -> AsyncIterator[Step]:
    """Race N whole solutions; the first k that the model itself ends are the candidates."""
    if root.done:
        return
    winners: list[Node] = []
    values: list[float | None] = []
    running = params.n
    async with closing(policy.race([root], params.n, until=END)) as race:
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
        told = Remarked(
            f"the race is over after {len(winners)} of {params.n}: {running} were stopped",
            tuple(winners),
        )
        yield Step(winners, values, (told,), phase="win", stats={"running": 0})
