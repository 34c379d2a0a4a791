"""Diverse verifier tree search: n / M greedy searches that share nothing. Beeching, Tunstall and
Rush 2024 ("Scaling test-time compute with open models", search-and-learn)."""

from __future__ import annotations

from collections.abc import AsyncGenerator

from pydantic import Field

from backend.core.ports import END, STEP, Policy, Rng, Verifier
from backend.core.registry import Params, strategy
from backend.core.steps import Kept, Note, Step
from backend.core.types import Node
from backend.strategies.parts.rounds import BeamWidth, MaxSteps, expand, pass_over, rank


@strategy("dvts", formulas={"cut": None})
async def dvts(
    root: Node, policy: Policy, verifier: Verifier, params: DvtsParams, rng: Rng
) -> AsyncGenerator[Step]:
    """Independent greedy subtrees in lockstep, one batch a round for all of them."""
    finished: list[Node] = []
    values: list[float | None] = []
    prefixes = {} if root.done else dict.fromkeys(range(params.n // params.beam_width), root)
    for turn in range(params.max_steps):
        last = turn == params.max_steps - 1
        broods = (
            await expand(
                policy,
                verifier,
                list(prefixes.values()),
                params.beam_width,
                until=END if last else STEP,
            )
            if prefixes
            else []
        )
        for subtree, (children, brood_notes) in zip(list(prefixes), broods, strict=True):
            del prefixes[subtree]
            notes: list[Note] = list(brood_notes)
            best = rank(children)[0] if children else None
            if best is None or best.node.done or last:
                ended = [child for child in children if child.node.done] or children
                finished += [child.node for child in ended]
                values += [child.value for child in ended]
            else:
                prefixes[subtree] = best.node
                notes.append(Kept((best.node,), (best.value,)))
                notes += pass_over(best, children)
            phase = "select" if subtree in prefixes else "collect"
            yield Step(
                finished,
                values,
                tuple(notes),
                phase=phase,
                track=f"subtree {subtree}",
                stats={"subtrees": len(prefixes)},
            )


class DvtsParams(Params):
    """Parameters of diverse verifier tree search."""

    n: int = Field(
        4,
        ge=1,
        le=4096,
        description=(
            "next steps drawn in every round, over all subtrees; 4 in search-and-learn, up to "
            "256 in recipes"
        ),
    )
    beam_width: BeamWidth = 4
    max_steps: MaxSteps = 40
