"""Diffusion tree sampling and search, for text: a tree of draws whose soft values say where to go
on.

Jain et al. 2025 (arXiv 2506.20701), known from its project page and summaries. Each walk selects
among the children of a prefix, or draws a new one while the prefix has fewer than its visits allow,
rolls out to the end, and backs the reward of the finished text up as soft values. DTS chooses and
answers by chance, so that its answers come in proportion to p(x) exp(lambda r(x)) as walks grow
many; DTS* takes the best. The values are in `soft_values`, the walks in `soft_walks`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import partial
from typing import Literal

from pydantic import Field

from backend.core.ports import Policy, Rng, Verifier
from backend.core.registry import Params, strategy
from backend.core.steps import Step
from backend.core.streams import closing
from backend.core.types import Node
from backend.strategies.parts.rounds import MaxSteps
from backend.strategies.parts.soft_tree.soft_values import ANSWERS, MODES, State, backed, widening
from backend.strategies.parts.soft_tree.soft_walks import Method, grown


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


@strategy(
    # The only candidate is where the final descent ends: `first` keeps it the answer also where a
    # spent budget adds other finished texts to it.
    "tree_sampling",
    TreeSamplingParams,
    title="Diffusion tree sampling",
    paper="arXiv 2506.20701",
    year=2025,
    selector="first",
    views=("walks", "visits"),
    sources=(
        (
            "selection by exp(lambda v), widening, rollouts that stay in the tree, the soft "
            "backup: Diffusion Tree Sampling (arXiv 2506.20701)"
        ),
        (
            "64 walks, lambda = C = c_uct = 1, alpha = 1/2: a public port, because the paper's "
            "values are not established here"
        ),
    ),
    departures=(
        (
            "a state is a prefix of text and a transition one step of the policy, in place of "
            "noisy images and denoising"
        ),
        (
            "draws of the same text are one child that counts as many times in means and "
            "choices, and B(N) limits draws, not distinct children"
        ),
        (
            "the N of B(N) counts the visit under way, because before it C N^alpha would allow "
            "a new prefix no draw at all"
        ),
        (
            "an empty step or a failed generation counts as no draw, so that p is the policy "
            "that writes something"
        ),
        "a text without a score has no value, and no walk selects it",
        "the answer is drawn anew after every walk, so that a search can stop anywhere",
    ),
    avoided=(
        (
            "the backup takes the mean over draws; the sum of a public port adds ln(children) "
            "/ lambda at every level and favours wide prefixes"
        ),
        (
            "a text drawn twice is not merged into one that counts once, which would sample "
            "from another distribution"
        ),
        (
            "a walk that ends in a known text without asking the policy is told apart and "
            "costs nothing"
        ),
    ),
    formulas={"boltzmann": None, "uct": None, "soft": None},
    phases={
        "rollout": (
            "select down to a prefix with fewer than B(N) draws; draw a child; roll out to the "
            "end; reward = score; back up; answer"
        ),
        "revisit": (
            "every prefix on the way has its draws: the walk ends in a known text; back up; answer"
        ),
    },
)
async def tree_sampling(
    root: Node, policy: Policy, verifier: Verifier, params: TreeSamplingParams, rng: Rng
) -> AsyncIterator[Step]:
    """Walks from the root, each to the end of a text; a last descent that expands nothing gives the
    answer."""
    mode, weight = MODES[params.mode], params.reward_weight
    method = Method(
        mode.formula,
        mode.worth(weight, params.exploration),
        mode.pick,
        widening(params.widening, params.widening_power),
        partial(backed, weight=weight),
        ANSWERS[mode.answer if params.answer == "mode" else params.answer](weight),
    )
    async with closing(
        grown(
            State(root),
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
