"""A fork and its origins as one tree: what an origin has and the fork does not is context beside
the fork's own nodes.

A fork begins with copies of its origin's nodes, from the prompt down to where it was forked. There
the two are one; everything else of the origin hangs from those shared nodes, and what its own
origin has hangs from the nodes that it shares with that one in turn.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from backend.core.tree import TreeRow

MOST = 2_000
"""Context nodes that are shown at most, the nearest origin's first: the tree is the fork's."""

SEARCHED = ("step", "injected")
"""Kinds of nodes that a tree shows by default."""


@dataclass(frozen=True)
class ContextNode:
    """A node of another run in the tree of a fork. `id` is negative and unique; `parent` is a node
    of the fork or an earlier context node. It is `node` of run `run`."""

    id: int
    parent: int
    text: str
    score: float | None
    done: bool
    chosen: bool
    run: int
    node: int


@dataclass(frozen=True)
class Ancestor:
    """An origin: `shared[i]` is the node of which node i of the run that came from it is a copy."""

    run: int
    shared: tuple[int, ...]
    rows: Sequence[TreeRow]


def context_of(ancestors: Sequence[Ancestor], most: int = MOST) -> tuple[ContextNode, ...]:
    """The nodes of the origins of a fork, nearest origin first, that it does not share; parents
    before children."""
    found: list[ContextNode] = []
    # where the nodes of the run below stand; None: it is the fork itself
    shown: Mapping[int, int] | None = None
    for ancestor in ancestors:
        places: dict[int, int] = {}
        for copy, node in enumerate(ancestor.shared):
            if shown is None or copy in shown:
                places[node] = copy if shown is None else shown[copy]
        for row in ancestor.rows:
            if (
                len(found) < most
                and row.id not in places
                and row.parent in places
                and row.kind in SEARCHED
            ):
                places[row.id] = -1 - len(found)
                found.append(
                    ContextNode(
                        places[row.id],
                        places[row.parent],
                        row.text,
                        row.score,
                        row.done,
                        row.chosen,
                        ancestor.run,
                        row.id,
                    )
                )
        shown = places
    return tuple(found)
