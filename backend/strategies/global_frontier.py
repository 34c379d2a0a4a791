"""Global frontier selection: follow the best new child as long as nothing ends, then jump to the
best open node of the whole tree. DeepSearch (arXiv 2509.25454), as a search at inference.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Literal

from pydantic import Field

from backend.core.ports import Policy, Rng, Verifier
from backend.core.registry import strategy
from backend.core.steps import Note, Step
from backend.core.types import Node
from backend.strategies.parts.rounds import complete, expand
from backend.strategies.parts.tree import backups, promise
from backend.strategies.parts.tree.choices import RULES, by_deepsearch
from backend.strategies.parts.tree.vertex import Vertex, descend, earliest, note_walk


@strategy(
    "global_frontier",
    formulas={"deepsearch": RULES["deepsearch"].c, **dict.fromkeys(promise.FORMULAS)},
)
async def global_frontier(
    root: Node, policy: Policy, verifier: Verifier, params: GlobalFrontierParams, rng: Rng
) -> AsyncGenerator[Step]:
    """Local descents that start at the most promising open node of the tree."""
    finished, values = list[Node](), list[float | None]()
    horizon, current = root.depth + params.max_steps, None if root.done else Vertex(root)
    frontier = promise.GlobalFrontier(params, horizon)
    for _ in range(params.expansions):
        if current is None:
            return
        [(children, fresh_notes)] = await expand(
            policy, verifier, [current.node], params.width, merge=True
        )
        finished += [child.node for child in children if child.node.done]
        values += [child.value for child in children if child.node.done]
        current.adopt(children)
        notes: list[Note] = [*fresh_notes, *promise.judge(current.children, horizon)]
        leaves = [child for child in current.children if promise.terminal(child, horizon)]
        if leaves and any(child.scored for child in current.children):
            leaf = promise.most_confident(leaves)
            notes.append(backups.back_up_signed(leaf.path(), leaf.score))
        frontier.renew(current.path() if leaves else [current])
        if current.children and not leaves:
            walk, phase = (
                descend(current, by_deepsearch(RULES["deepsearch"].c), earliest(rng)),
                "local",
            )
            current = walk.path[-1]
            notes.append(note_walk(walk, "deepsearch"))
        else:
            current, phase = frontier.best(), "jump"
            notes += (frontier.explain_jump(current),) if current else ()
        yield Step(finished, values, tuple(notes), phase=phase, stats={"frontier": len(frontier)})
    if current is not None and not finished and params.finish == "greedy":
        children, fresh_notes = await complete(policy, verifier, current.node)
        finished += [child.node for child in children]
        values += [child.value for child in children]
        yield Step(finished, values, fresh_notes, phase="finish")


class GlobalFrontierParams(promise.OutlookParams):
    """Parameters of global frontier selection."""

    finish: Literal["greedy", "none"] = Field(
        "greedy",
        description="where nothing is finished in the end: complete the next node greedily",
    )
