"""AB-MCTS-A: adaptive branching between one more fresh answer (wider) and one more revision of an
answer (deeper). Inoue et al. 2025 (arXiv 2503.04412), as in TreeQuest.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Literal

from pydantic import Field

from backend.core.formulas.posteriors import DRAWS, POSTERIORS
from backend.core.ports import END, Policy, Rng, Verifier
from backend.core.registry import Params, strategy
from backend.core.steps import Note, Remarked, Step
from backend.core.types import Node
from backend.strategies.parts.answer_tree.branching import Branch, ask, cut_off, open_answer, tell
from backend.strategies.parts.answer_tree.thompson import PRIORS
from backend.strategies.parts.rounds import UNSCORED_ROUND, Scored, dead, living, remark_unscored


@strategy("ab_mcts", formulas=dict.fromkeys((*DRAWS, *POSTERIORS.values())))
async def ab_mcts(
    root: Node, policy: Policy, verifier: Verifier, params: AbMctsParams, rng: Rng
) -> AsyncGenerator[Step]:
    """Thompson draws choose between answering anew and revising; the best-scored answer of the tree
    wins."""
    answers, values, tree = list[Node](), list[float | None](), Branch(root)
    left = 0 if root.done else params.answers
    while left:
        asks = [
            ask(tree, PRIORS[params.prior], rng, params.max_depth)
            for _ in range(min(params.batch, left))
        ]
        left -= len(asks)
        parents = [await open_answer(policy, asked.branch, params.revision) for asked in asks]
        written = [node for [node] in await policy.extend(parents, until=END)]
        notes: list[Note] = [
            *(note for asked in asks for note in asked.notes),
            *dead(written),
            *cut_off(written),
        ]
        fresh = [
            (asked.branch, node)
            for asked, node in zip(asks, written, strict=True)
            if node.done and living([node])
        ]
        scores = await verifier.score([node for _, node in fresh]) if fresh else []
        for (branch, node), score in zip(fresh, scores, strict=True):
            answers.append(node)
            values.append(score.value)
            if score.value is not None:
                notes += tell(branch.grow(node), score.value)
            elif any(other.value is not None for other in scores):
                notes += remark_unscored([Scored(node, None)])
        if fresh and all(score.value is None for score in scores):
            notes.append(Remarked(UNSCORED_ROUND, tuple(node for _, node in fresh)))
        phase = "wider" if all(asked.branch is tree for asked in asks) else "deeper"
        yield Step(answers, values, tuple(notes), phase=phase, stats={"answers": len(answers)})


class AbMctsParams(Params):
    """Parameters of AB-MCTS-A."""

    answers: int = Field(
        16,
        ge=1,
        le=1_000_000,
        description=(
            "answers to write, fresh or revised; our choice, 128 and 250 in the experiments"
        ),
    )
    prior: Literal["gaussian", "beta"] = Field(
        "gaussian",
        description="an arm's scores: normal-inverse-gamma as in TreeQuest, or beta (Jeffreys)",
    )
    batch: int = Field(
        1,
        ge=1,
        le=4096,
        description=(
            "answers asked for before any is scored; 1 in TreeQuest, large ones make the tree wide"
        ),
    )
    max_depth: int = Field(
        4,
        ge=1,
        le=1000,
        description=(
            "answers on a path at most; 1: only fresh ones; TreeQuest has no limit, a context has"
        ),
    )
    revision: str = Field(
        "Let me check this solution and, where it can be better, write it again.",
        min_length=1,
        max_length=2000,
        description="what reopens an answer, so that the model goes on; our own words",
    )
