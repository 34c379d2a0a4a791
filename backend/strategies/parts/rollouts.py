"""Trying a step out: some greedy steps below it, and the score of where they end.

A rollout ends early where the model ends it, where it writes nothing more or fails, and at a
greatest depth. Then its last living node is scored, which is the step itself where nothing came of
it. A finished step is scored as it is. If the end has no score, neither has the step.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from backend.core.ports import Policy, Verifier
from backend.core.steps import Note, Rolled
from backend.core.types import Kind, Node
from backend.strategies.parts.rounds import Valuation, Valued, dead, scores


def ahead(k: int, horizon: int) -> Valuation:
    """A node is worth the score of where `k` greedy steps from it end, but never below depth
    `horizon`."""

    async def add_values(policy: Policy, verifier: Verifier, nodes: Sequence[Node]) -> list[Valued]:
        ends, fates = await roll_out(policy, nodes, k, horizon)
        found = await scores(verifier, ends)
        backed = [
            (Rolled(node, end, value),) if end is not node else ()
            for node, end, value in zip(nodes, ends, found, strict=True)
        ]
        return [
            Valued(value, (*rolled, *fate))
            for value, rolled, fate in zip(found, backed, fates, strict=True)
        ]

    return add_values


async def roll_out(
    policy: Policy, nodes: Sequence[Node], k: int, horizon: int
) -> tuple[list[Node], list[tuple[Note, ...]]]:
    """The last living node of each rollout (the node itself, if its first step died), and what
    killed it; all rollouts side by side."""
    greedy = replace(policy.sampling, temperature=0.0)
    ends = list(nodes)
    fates: list[tuple[Note, ...]] = [()] * len(nodes)
    for _ in range(k):
        going = [
            slot
            for slot, end in enumerate(ends)
            if not (end.done or fates[slot] or end.depth >= horizon)
        ]
        groups = (
            await policy.extend([ends[slot] for slot in going], sampling=greedy, kind=Kind.ROLLOUT)
            if going
            else []
        )
        for slot, [child] in zip(going, groups, strict=True):
            fates[slot] = dead([child])
            ends[slot] = ends[slot] if fates[slot] else child
    return ends, fates
