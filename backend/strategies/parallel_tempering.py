"""Parallel tempering over particle chains: hot chains roam, cold chains keep what they find.

Named in Puri et al. 2025 (arXiv 2502.01618) without details that could be established; the swaps
are standard replica exchange. M chains of particle Gibbs, chain m with the potential psi^(1/T_m),
T_1 < ... < T_M. After every pass neighbours i, j propose to swap their references, and do so with
probability min(1, exp((1/T_i - 1/T_j)(L(x_j) - L(x_i)))), where L(x) is the log potential of x at T
= 1.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from itertools import pairwise
from typing import Literal

from pydantic import Field, ValidationInfo, field_validator

from backend.core.ports import Policy, Rng, Verifier
from backend.core.registry import Params, strategy
from backend.core.statistics.weights import ladder
from backend.core.steps import Step
from backend.core.streams import closing
from backend.core.types import Node
from backend.strategies.parts.compose import Gathered, Part, side_by_side
from backend.strategies.parts.particles.conditional import Chain, exchanged
from backend.strategies.parts.particles.smc import (
    Clip,
    EssMin,
    Mode,
    PassSize,
    PotentialField,
    Temperature,
    method,
)
from backend.strategies.parts.rounds import MaxSteps

ANSWERS: Mapping[str, Callable[[], Gathered]] = {
    "coldest": lambda: Gathered(lambda name: name == "chain 1"),
    "all": Gathered,
}


class TemperingParams(Params):
    """Parameters of parallel tempering."""

    particles: PassSize = 4
    chains: int = Field(
        3,
        ge=2,
        le=64,
        description="M; our choice, the published one is not established; the budget is N K M",
    )
    iterations: int = Field(
        3, ge=1, le=10_000, description="K passes of every chain, swaps after each; our choice"
    )
    temperature: Temperature = 1.0
    hottest: float = Field(
        4.0,
        gt=0.0,
        le=1e4,
        validate_default=True,
        description="T_M, not below T_1 = temperature, evenly in log T; our choice",
    )
    answer: Literal["coldest", "all"] = Field(
        "coldest", description="candidates: the particles of the coldest chain, or of all chains"
    )
    mode: Mode = "paper"
    potential: PotentialField = "mode"
    clip: Clip = 1e-7
    ess_min: EssMin = None
    max_steps: MaxSteps = 40

    @field_validator("hottest")
    @classmethod
    def above(cls, value: float, info: ValidationInfo) -> float:
        if value < info.data.get("temperature", value):
            raise ValueError(f"at least temperature = {info.data['temperature']:g}")
        return value


@strategy(
    "parallel_tempering",
    TemperingParams,
    title="Parallel tempering",
    paper="arXiv 2502.01618",
    year=2025,
    views=("particles", "swaps", "references"),
    sources=("the passes: particle_gibbs; the swaps: replica exchange (Geyer 1991)",),
    departures=(
        (
            "the published schedule is not established: chains, iterations, hottest, the "
            "temperatures between and the order of the swaps are our choice"
        ),
    ),
    avoided=(
        "the reference weighs by the score of its prefix of the same depth, not by its final one",
    ),
    formulas={"weight": None, "ladder": None},
    phases={
        "start": (
            "every chain m: extend N copies of the root by one step, at potential psi^(1/T_m); "
            "from the second pass on one slot follows x_m"
        ),
        "resample": "draw ancestors by weight; one step further; weigh",
        "carry": "the ESS is high enough: keep particles and weights; one step further; weigh",
        "reference": "all are finished: draw x_m by weight; back to the root",
        "swap": (
            "neighbours propose to swap x_i and x_j; accept by min(1, exp((1/T_i - "
            "1/T_j)(L(x_j) - L(x_i))))"
        ),
    },
)
async def parallel_tempering(
    root: Node, policy: Policy, verifier: Verifier, params: TemperingParams, rng: Rng
) -> AsyncIterator[Step]:
    """K times: a conditional pass of every chain side by side, then swaps of neighbours."""
    chains: list[Chain] = []
    for rung, temperature in enumerate(ladder(params.temperature, params.hottest, params.chains)):
        smc = method(
            params.mode,
            params.potential,
            temperature=temperature,
            clip=params.clip,
            ess_min=params.ess_min,
            max_steps=params.max_steps,
        )
        chains.append(Chain(root, params.particles, smc, name=f"chain {rung + 1}"))
    gathered = ANSWERS[params.answer]()
    for _ in range(0 if root.done else params.iterations):
        async with closing(
            side_by_side([Part(chain.name, chain.sweep) for chain in chains], policy, verifier, rng)
        ) as steps:
            async for step in steps:
                yield gathered(step)
        swaps = tuple(note for pair in pairwise(chains) for note in exchanged(*pair, rng))
        yield Step(gathered.nodes, gathered.values, swaps, phase="swap", rounds=0)
