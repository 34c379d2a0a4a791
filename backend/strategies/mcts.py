"""Monte-Carlo tree search over steps, valued by a process reward model instead of random play-outs.

Vanilla search (Kocsis and Szepesvari 2006) as in TreeQuest and OpenR (arXiv 2410.09671): walk down by UCT or PUCT, expand the leaf by k next
steps, score them, and back the best of their scores up the path. `descent` holds the statistics and the formulas.
"""

from __future__ import annotations

import math
from collections.abc import AsyncIterator
from typing import Literal

from pydantic import Field

from backend.ports import Policy, Rng, Verifier
from backend.registry import Params, strategy
from backend.strategies.descent import Vertex, back_up, descend, most_visited, puct, uct
from backend.strategies.rounds import MaxSteps, complete, expand
from backend.types import Backed, Node, Note, Selected, Step


class MctsParams(Params):
    """Parameters of Monte-Carlo tree search."""

    simulations: int = Field(20, ge=1, le=1_000_000, description="walks from the root; 20 in OpenR")
    children: int = Field(4, ge=1, le=1024, description="k: next steps drawn from an expanded leaf; 2 in TreeQuest, 10 in OpenR, 4 is our choice")
    formula: Literal["uct", "puct"] = Field("uct", description="how a walk chooses: UCT (TreeQuest, rStar) or PUCT (OpenR, AlphaZero)")
    exploration: float = Field(math.sqrt(2.0), ge=0.0, description="c of UCT; 1.414 in TreeQuest, 2 in rStar; 0 is greedy")
    puct_base: float = Field(19652.0, gt=0.0, description="of PUCT; 19652 in AlphaZero and OpenR")
    puct_init: float = Field(1.25, ge=0.0, description="of PUCT; 1.25 in AlphaZero and OpenR")
    finish: Literal["greedy", "none"] = Field("greedy", description="where nothing is finished in the end: complete the most visited path greedily")
    max_steps: MaxSteps = 40


@strategy(
    "mcts", MctsParams, title="Monte-Carlo tree search", paper="arXiv 2410.09671", year=2024, views=("visits",),
    departures=(
        "an unvisited child counts as visited once with its own score, instead of being tried first in any case",
        "a leaf's value is the best score among its new children; a dead end or the step limit is worth 0",
        "the prior of PUCT is a child's share of the draws; OpenR takes the language model's probability of the step",
    ),
    phases={
        "expand": "walk down by the formula; draw k next steps from the leaf; score them; back up the best score",
        "revisit": "the walk ends at a finished or dead leaf: back up its own value",
        "finish": "nothing is finished: complete the most visited path greedily",
    },
)
async def mcts(root: Node, policy: Policy, verifier: Verifier, params: MctsParams, rng: Rng) -> AsyncIterator[Step]:
    """Simulations of select, expand, evaluate and back up; the best-scored finished node answers."""
    finished: list[Node] = []
    values: list[float | None] = []
    tree, horizon = Vertex(root), root.depth + params.max_steps
    formula = uct(params.exploration) if params.formula == "uct" else puct(params.puct_base, params.puct_init)
    for _ in range(0 if root.done else params.simulations):
        path, worth = descend(tree, formula)
        leaf, nodes = path[-1], tuple(vertex.node for vertex in path)
        told: tuple[Note, ...] = ()
        fresh = not (leaf.node.done or leaf.expanded or leaf.node.depth >= horizon)
        value = leaf.score if leaf.node.done else 0.0
        if fresh:
            [(children, told)] = await expand(policy, verifier, [leaf.node], params.children, merge=True)
            leaf.adopt(children)
            value = max((child.score for child in leaf.children), default=0.0)
            finished += [child.node for child in children if child.node.done]
            values += [child.value for child in children if child.node.done]
        back_up(path, value)
        notes = (Selected(nodes, params.formula, tuple(worth)), *told, Backed(nodes, value))
        yield Step(finished, values, notes, phase="expand" if fresh else "revisit", stats={"depth": leaf.node.depth - root.depth})
    leaf = descend(tree, most_visited).path[-1]
    if params.finish == "greedy" and not finished and not leaf.expanded and leaf.node.depth < horizon and not root.done:
        children, told = await complete(policy, verifier, leaf.node)
        finished += [child.node for child in children]
        values += [child.value for child in children]
        yield Step(finished, values, told, phase="finish")
