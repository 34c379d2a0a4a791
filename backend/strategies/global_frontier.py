"""Global frontier selection: follow the best new child as long as nothing ends, then jump to the
best open node of the whole tree.

DeepSearch (arXiv 2509.25454), whose search was made for training, as a search at inference. An open
node s at depth d is worth F(s) = lambda_1 tanh(Q(parent)) + lambda_2 H(s) + lambda_3 D(d) +
lambda_4 tanh(Q(s)): good company, a surprising step, some depth. Symbols: Q mean of what was backed
up, in [-1, 1], H mean surprise of a step's tokens in nats, D bonus of the depth, d_T the greatest
depth.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Literal

from pydantic import Field

from backend.core.ports import Policy, Rng, Verifier
from backend.core.registry import strategy
from backend.core.steps import Note, Step
from backend.core.types import Node
from backend.strategies.parts.rounds import complete, expand
from backend.strategies.parts.tree.backups import signed
from backend.strategies.parts.tree.choices import RULES, deepsearch
from backend.strategies.parts.tree.promise import (
    GlobalFrontier,
    OutlookParams,
    judge,
    most_confident,
    terminal,
)
from backend.strategies.parts.tree.vertex import Vertex, descend, earliest, selected


class GlobalFrontierParams(OutlookParams):
    """Parameters of global frontier selection."""

    finish: Literal["greedy", "none"] = Field(
        "greedy",
        description="where nothing is finished in the end: complete the next node greedily",
    )


@strategy(
    "global_frontier",
    GlobalFrontierParams,
    title="Global frontier",
    paper="arXiv 2509.25454",
    year=2025,
    needs=("logprobs",),
    views=("turns", "visits"),
    sources=(
        (
            "F, its weights, width, depth, local UCT, backup with its signs and the leaf that "
            "is backed up: DeepSearch and its published program"
        ),
    ),
    departures=(
        (
            "a leaf counts 2 r - 1 by the verifier's score r instead of +1 or -1, because at "
            "inference nobody knows which answer is right"
        ),
        (
            "a leaf cut off at the step limit counts -1, because it has no answer; the score "
            "of an incomplete leaf is not established"
        ),
        (
            "before anything is backed up through a node its own 2 r - 1 is its Q, so that new "
            "children can be told apart"
        ),
        (
            "a node is expanded once, by all its draws, and leaves the frontier; DeepSearch "
            "keeps it until it has enough children"
        ),
        "the number of expansions ends the search, because there is no right answer to stop at",
        "siblings with the same text are merged",
    ),
    avoided=("the right answer never steers the search, as it does in training",),
    formulas={"deepsearch": RULES["deepsearch"].c, "signed": None, "outlook": None},
    phases={
        "local": (
            "draw the children of the node and score them; none ends: go on with the best of "
            "them by local UCT"
        ),
        "jump": (
            "a child ends, or all died: back up the most confident leaf; go on with the open "
            "node of the greatest F in the whole tree"
        ),
        "finish": "nothing is finished: complete the next node greedily",
    },
)
async def global_frontier(
    root: Node, policy: Policy, verifier: Verifier, params: GlobalFrontierParams, rng: Rng
) -> AsyncIterator[Step]:
    """Local descents that start at the most promising open node of the tree."""
    finished, values = list[Node](), list[float | None]()
    horizon, current = root.depth + params.max_steps, None if root.done else Vertex(root)
    frontier = GlobalFrontier(params, horizon)
    for _ in range(params.expansions):
        if current is None:
            return
        [(children, told)] = await expand(
            policy, verifier, [current.node], params.width, merge=True
        )
        finished += [child.node for child in children if child.node.done]
        values += [child.value for child in children if child.node.done]
        current.adopt(children)
        notes: list[Note] = [*told, *judge(current.children, horizon)]
        leaves = [child for child in current.children if terminal(child, horizon)]
        if leaves:
            leaf = most_confident(leaves)
            notes.append(signed(leaf.path(), leaf.score))
        frontier.renew(current.path() if leaves else [current])
        if current.children and not leaves:
            walk, phase = (
                descend(current, deepsearch(RULES["deepsearch"].c), earliest(rng)),
                "local",
            )
            current = walk.path[-1]
            notes.append(selected(walk, "deepsearch"))
        else:
            current, phase = frontier.best(), "jump"
            notes += (frontier.told(current),) if current else ()
        yield Step(finished, values, tuple(notes), phase=phase, stats={"frontier": len(frontier)})
    if current is not None and not finished and params.finish == "greedy":
        children, told = await complete(policy, verifier, current.node)
        finished += [child.node for child in children]
        values += [child.value for child in children]
        yield Step(finished, values, told, phase="finish")
