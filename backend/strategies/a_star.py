"""A* over steps: always expand the most promising unfinished prefix of the whole tree.

A*-Decoding, Chatziveroglou 2025 (arXiv 2505.13672). States are prefixes, actions are k sampled next
steps. Symbols: f = g + h, g cost so far, h = 1 - r cost to go, r score of the prefix.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Literal

from pydantic import Field

from backend.core.formulas.costs import COSTS
from backend.core.ports import Policy, Rng, Verifier
from backend.core.registry import Params, strategy
from backend.core.steps import Note, Popped, Step
from backend.core.types import Node
from backend.strategies.parts.rounds import MaxSteps, complete, expand
from backend.strategies.parts.tree.frontier import Frontier, Open


@strategy("a_star", formulas=dict.fromkeys(("cost", *COSTS, "shortfall", "no_heuristic")))
async def a_star(
    root: Node, policy: Policy, verifier: Verifier, params: AStarParams, rng: Rng
) -> AsyncGenerator[Step]:
    """Expand the open node with the least f until a finished one has the least f."""
    goals, values = list[Node](), list[float | None]()
    frontier, horizon, left = (
        Frontier(params.open_limit, COSTS[params.cost_mode]),
        root.depth + params.max_steps,
        params.expansions,
    )
    notes: list[Note] = [] if root.done else frontier.start(root)
    entry: Open | None = None
    while frontier and len(goals) < params.goals:
        entry = frontier.pop()
        notes.append(Popped(entry.node, entry.g, entry.h))
        if entry.node.done:
            goals.append(entry.node)
            values.append(entry.value)
            yield Step(
                goals,
                values,
                tuple(notes),
                phase="accept",
                stats={"frontier": len(frontier)},
                rounds=0,
            )
        elif left == 0:
            break
        else:
            left, [(children, fresh_notes)] = (
                left - 1,
                await expand(policy, verifier, [entry.node], params.branching, merge=True),
            )
            forgotten = frontier.clear() if params.scope == "local" else ()
            notes += [*fresh_notes, *forgotten, *frontier.push(entry, children, horizon)]
            yield Step(
                goals, values, tuple(notes), phase="expand", stats={"frontier": len(frontier)}
            )
        notes, entry = [], None
    for waiting in frontier.list_finished()[: params.goals - len(goals)]:
        goals.append(waiting.node)
        values.append(waiting.value)
        yield Step(
            goals, values, (Popped(waiting.node, waiting.g, waiting.h),), phase="accept", rounds=0
        )
    if entry is not None and not goals and params.finish == "greedy":
        children, fresh_notes = await complete(policy, verifier, entry.node)
        goals += [child.node for child in children]
        values += [child.value for child in children]
        yield Step(goals, values, (*notes, *fresh_notes), phase="finish")


class AStarParams(Params):
    """Parameters of A*-decoding."""

    branching: int = Field(
        4,
        ge=1,
        le=1024,
        description=(
            "k: next steps drawn from an expanded prefix; the published value is not established"
        ),
    )
    cost_mode: Literal["consistent", "rise", "one_minus_r", "nlr"] = Field(
        "consistent", description="cost of a step; the paper's is not established"
    )
    scope: Literal["global", "local"] = Field(
        "global",
        description="choose from the whole frontier (A*), or only among the newest children",
    )
    goals: int = Field(
        1,
        ge=1,
        le=4096,
        description=(
            "stop at this many accepted solutions: 1 the first, more for a vote (selector weighted)"
        ),
    )
    expansions: int = Field(
        64,
        ge=1,
        le=1_000_000,
        description="prefixes to expand at most; our choice, published budgets are not established",
    )
    open_limit: int = Field(
        10_000,
        ge=1,
        description=(
            "nodes in the frontier at most; above, the worst are given up and no guarantee is left"
        ),
    )
    finish: Literal["greedy", "none"] = Field(
        "greedy",
        description="where nothing is finished in the end: complete the best open prefix greedily",
    )
    max_steps: MaxSteps = 40
