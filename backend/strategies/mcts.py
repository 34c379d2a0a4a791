"""Monte-Carlo tree search over steps: walk down by a formula, expand a leaf by k next steps, score
them, back up what the leaf is worth (Kocsis and Szepesvari 2006, and public programs after it).
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Literal

from pydantic import Field

from backend.core.ports import Policy, Rng, Verifier
from backend.core.registry import strategy
from backend.core.steps import Note, Step
from backend.core.types import Node
from backend.strategies.parts.rounds import MaxSteps, complete, expand
from backend.strategies.parts.tree.backups import BACKUPS
from backend.strategies.parts.tree.choices import FORMULAS, WalkParams
from backend.strategies.parts.tree.leaf_values import LEAF_VALUES
from backend.strategies.parts.tree.vertex import Vertex, by_visits, descend, earliest, note_walk


@strategy("mcts", formulas={**FORMULAS, **dict.fromkeys(("mean", "children", "mixed_value"))})
async def mcts(
    root: Node, policy: Policy, verifier: Verifier, params: MctsParams, rng: Rng
) -> AsyncGenerator[Step]:
    """Simulations of select, expand, evaluate and back up; the best-scored finished node
    answers.
    """
    finished, values = list[Node](), list[float | None]()
    tree, horizon, choose = Vertex(root), root.depth + params.max_steps, params.rule.choice(rng)
    for turn in range(0 if root.done else params.simulations):
        walk = descend(tree, params.formula_at(turn), choose)
        leaf, notes = walk.path[-1], list[Note]([note_walk(walk, params.formula)])
        fresh = not (leaf.node.done or leaf.expanded or leaf.node.depth >= horizon)
        value: float | None = leaf.score if leaf.node.done else 0.0
        if fresh:
            [(children, fresh_notes)] = await expand(
                policy, verifier, [leaf.node], params.children, merge=True
            )
            finished += [child.node for child in children if child.node.done]
            values += [child.value for child in children if child.node.done]
            leaf.adopt(children, params.rule.prior)
            value, tried = await LEAF_VALUES[params.value](policy, verifier, leaf, horizon)
            notes += (*fresh_notes, *tried)
        if value is not None:  # else nothing in this round has a score
            notes.append(BACKUPS[params.backup](walk.path, value))
        phase, stats = "expand" if fresh else "revisit", {"depth": leaf.node.depth - root.depth}
        yield Step(finished, values, tuple(notes), phase=phase, stats=stats, rounds=int(fresh))
    leaf = descend(tree, by_visits, earliest(rng)).path[-1]
    if (
        params.finish == "greedy"
        and not finished
        and not leaf.expanded
        and leaf.node.depth < horizon
        and not root.done
    ):
        children, fresh_notes = await complete(policy, verifier, leaf.node)
        finished += [child.node for child in children]
        values += [child.value for child in children]
        yield Step(finished, values, fresh_notes, phase="finish")


class MctsParams(WalkParams):
    """Parameters of Monte-Carlo tree search."""

    children: int = Field(
        4,
        ge=1,
        le=1024,
        description=(
            "k: next steps drawn from an expanded leaf; 2 in TreeQuest, 10 in OpenR, 4 is "
            "our choice"
        ),
    )
    value: Literal["prm", "rollout", "mixed"] = Field(
        "prm",
        description="what a leaf is worth: its best child's score, rollout, or the mean of both",
    )
    backup: Literal["mean", "children"] = Field(
        "mean",
        description="Q: mean of what came by, or visit-weighted mean of the children (ReST-MCTS*)",
    )
    finish: Literal["greedy", "none"] = Field(
        "greedy",
        description="where nothing is finished in the end: complete the most visited path greedily",
    )
    max_steps: MaxSteps = 40
