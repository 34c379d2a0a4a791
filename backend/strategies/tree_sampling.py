"""Diffusion tree sampling and search, for text: a tree of draws whose soft values say where to go
on. Jain et al. 2025 (arXiv 2506.20701), after its project page and summaries."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from functools import partial
from typing import Literal

from pydantic import Field

from backend.core.formulas.soft_values import allowed_draws, soft
from backend.core.ports import Policy, Rng, Verifier
from backend.core.registry import Params, strategy
from backend.core.steps import Step
from backend.core.types import Node
from backend.strategies.parts.rounds import MaxSteps
from backend.strategies.parts.soft_tree.soft_values import ANSWERS, MODES, SoftVertex
from backend.strategies.parts.soft_tree.soft_walks import FORMULAS, Method, grow


@strategy("tree_sampling", formulas=FORMULAS)
async def tree_sampling(
    root: Node, policy: Policy, verifier: Verifier, params: TreeSamplingParams, rng: Rng
) -> AsyncGenerator[Step]:
    """Walks from the root, each to the end of a text; a last descent that expands nothing gives the
    answer."""
    mode, weight = MODES[params.mode], params.reward_weight
    method = Method(
        mode.formula,
        mode.worth(weight, params.exploration),
        mode.pick,
        lambda visits: allowed_draws(visits, params.widening, params.widening_power),
        partial(soft, reward_weight=weight),
        ANSWERS[mode.answer if params.answer == "mode" else params.answer](weight),
    )
    async with aclosing(
        grow(
            SoftVertex(root),
            policy,
            verifier,
            method,
            params.iterations,
            root.depth + params.max_steps,
            rng,
        )
    ) as steps:
        async for step in steps:
            yield step


class TreeSamplingParams(Params):
    """Parameters of diffusion tree sampling."""

    mode: Literal["dts", "dts_star"] = Field(
        "dts",
        description="dts samples from p exp(lambda r); dts_star searches for the greatest reward",
    )
    answer: Literal["mode", "sample", "greedy", "best"] = Field(
        "mode", description="final descent; mode: sample in dts, greedy in dts_star"
    )
    iterations: int = Field(
        64,
        ge=1,
        le=1_000_000,
        description="walks; 64 in a public port, the paper's number is not established",
    )
    reward_weight: float = Field(
        1.0,
        gt=0.0,
        le=1000.0,
        description="lambda: how much reward counts against probability; 1 in a public port",
    )
    widening: float = Field(
        1.0,
        gt=0.0,
        le=1000.0,
        description=(
            "C of B(N) = ceil(C N^alpha), the draws that N visits allow; 1 in a public port"
        ),
    )
    widening_power: float = Field(0.5, ge=0.0, le=1.0, description="alpha; 0.5 in a public port")
    exploration: float = Field(
        1.0, ge=0.0, le=1000.0, description="c_uct of dts_star; 1 in a public port"
    )
    max_steps: MaxSteps = 40
