"""Parallel tempering over particle chains: hot chains roam, cold chains keep what they find.

Named in Puri et al. 2025 (arXiv 2502.01618); the swaps are replica exchange (Geyer 1991).
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from itertools import pairwise
from typing import Literal

from pydantic import Field, ValidationInfo, field_validator

from backend.core.formulas.particles import ladder
from backend.core.ports import Policy, Rng, Verifier
from backend.core.registry import Params, strategy
from backend.core.steps import Step
from backend.core.types import Node
from backend.strategies.parts.compose import Gathered, InnerSearch, side_by_side
from backend.strategies.parts.particles import conditional, smc
from backend.strategies.parts.rounds import MaxSteps


@strategy("parallel_tempering", formulas=dict.fromkeys((*smc.FORMULAS, "ladder", "swap")))
async def parallel_tempering(
    root: Node, policy: Policy, verifier: Verifier, params: TemperingParams, rng: Rng
) -> AsyncGenerator[Step]:
    """K times: a conditional pass of every chain side by side, then swaps of neighbours."""
    chains: list[conditional.Chain] = []
    for rung, temperature in enumerate(ladder(params.temperature, params.hottest, params.chains)):
        sampler = smc.method(
            params.mode,
            params.potential,
            temperature=temperature,
            clip=params.clip,
            ess_min=params.ess_min,
            max_steps=params.max_steps,
        )
        chains.append(conditional.Chain(root, params.particles, sampler, name=f"chain {rung + 1}"))
    gathered = ANSWERS[params.answer]()
    for _ in range(0 if root.done else params.iterations):
        async with aclosing(
            side_by_side(
                [InnerSearch(chain.name, chain.sweep) for chain in chains], policy, verifier, rng
            )
        ) as steps:
            async for step in steps:
                yield gathered(step)
        swaps = tuple(
            note for pair in pairwise(chains) for note in conditional.exchange(*pair, rng)
        )
        yield Step(gathered.nodes, gathered.values, swaps, phase="swap", rounds=0)


ANSWERS: Mapping[str, Callable[[], Gathered]] = {
    "coldest": lambda: Gathered(lambda name: name == "chain 1"),
    "all": Gathered,
}


class TemperingParams(Params):
    """Parameters of parallel tempering."""

    particles: smc.PassSize = 4
    chains: int = Field(
        3,
        ge=2,
        le=64,
        description="M; our choice, the published one is not established; the budget is N K M",
    )
    iterations: int = Field(
        3, ge=1, le=10_000, description="K passes of every chain, swaps after each; our choice"
    )
    temperature: smc.Temperature = 1.0
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
    mode: smc.Mode = "paper"
    potential: smc.PotentialField = "mode"
    clip: smc.Clip = 1e-7
    ess_min: smc.EssMin = None
    max_steps: MaxSteps = 40

    @field_validator("hottest")
    @classmethod
    def above(cls, value: float, info: ValidationInfo) -> float:
        if value < info.data.get("temperature", value):
            raise ValueError(f"at least temperature = {info.data['temperature']:g}")
        return value
