"""What a leaf of a search tree is worth once it is expanded: the score of its best child, the score
where that child's path ends, or the mean of both.

Each is a function (policy, verifier, leaf, depth limit). The value that it finds also stands in for
the child's own value until the child's first visit."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType
from typing import NamedTuple, TypeAlias

from backend.core.formulas.backups import mixed_value
from backend.core.ports import END, Policy, Verifier
from backend.core.steps import Note, Remarked, Rolled
from backend.core.types import Kind
from backend.strategies.parts.rounds import dead
from backend.strategies.parts.tree.vertex import Vertex


class Worth(NamedTuple):
    """A value in [0, 1], None where nothing in the round has a score, and what was done to find
    it."""

    value: float | None
    notes: tuple[Note, ...] = ()


LeafValue: TypeAlias = Callable[[Policy, Verifier, Vertex, int], Awaitable[Worth]]

DEAD_END = Worth(0.0)


async def prm(policy: Policy, verifier: Verifier, leaf: Vertex, horizon: int) -> Worth:
    """The verifier's score of the best child; 0 where no child lives."""
    return Worth(leaf.children[0].known_score) if leaf.children else DEAD_END


async def rollout(policy: Policy, verifier: Verifier, leaf: Vertex, horizon: int) -> Worth:
    """The score of the best child's continuation to the end; its own score where it is finished, as
    deep as may be, or nothing came of it."""
    if not leaf.children:
        return DEAD_END
    child = leaf.children[0]
    if child.node.done or child.node.depth >= horizon:
        return Worth(child.known_score)
    found = await roll_out_leaf(policy, verifier, child)
    stand_in(child, found.value)
    return found


def stand_in(child: Vertex, value: float | None) -> None:
    """Let a value stand for the child until its first visit, if there is one."""
    if value is not None:
        child.score, child.scored = value, True


async def mix(policy: Policy, verifier: Verifier, leaf: Vertex, horizon: int) -> Worth:
    """The mean of both; the one that is known, where the other is not."""
    if not leaf.children:
        return DEAD_END
    child = leaf.children[0]
    score = child.known_score
    found = await rollout(policy, verifier, leaf, horizon)
    if score is None or found.value is None:  # the one that is known, if one is
        return found
    value = mixed_value(score, found.value)
    stand_in(child, value)
    return found._replace(value=value)


async def roll_out_leaf(policy: Policy, verifier: Verifier, vertex: Vertex) -> Worth:
    """One continuation to the end with the run's own sampling, and its score; the vertex's own
    score where it has none."""
    [[end]] = await policy.extend([vertex.node], until=END, kind=Kind.ROLLOUT)
    if not end.done or dead([end]):
        return Worth(vertex.known_score, (Rolled(vertex.node, end, None), *dead([end])))
    [score] = await verifier.score([end])
    rolled: tuple[Note, ...] = (Rolled(vertex.node, end, score.value),)
    if score.value is None:
        stands = (
            "the score of its first step stands in" if vertex.scored else "nothing is backed up"
        )
        return Worth(
            vertex.known_score,
            (*rolled, Remarked(f"the rollout could not be scored: {stands}", (end,))),
        )
    return Worth(score.value, rolled)


LEAF_VALUES: Mapping[str, LeafValue] = MappingProxyType(
    {"prm": prm, "rollout": rollout, "mixed": mix}
)
