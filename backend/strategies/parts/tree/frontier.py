"""The frontier of A*: a priority queue of unexpanded nodes.

Every node has a cost so far g and a heuristic h, and f = g + h; the smallest f leaves first, among
equals the deeper node, then the older. A node without a score has f = inf and leaves after all
others. How g grows and what h is says a `Cost` (`backend.core.formulas.costs`).
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from itertools import count
from typing import NamedTuple

from backend.core.formulas.costs import START_SCORE, Cost, price
from backend.core.steps import Note, Pruned, Pushed
from backend.core.types import Node
from backend.strategies.parts.rounds import Scored

UNSCORED = float("inf")


class Open(NamedTuple):
    """A node in the frontier. The first three fields order it; `r` is its score, or its nearest
    scored ancestor's."""

    f: float
    shallowness: int
    age: int
    node: Node
    g: float
    h: float
    r: float
    value: float | None


class Frontier:
    """At most `limit` open nodes: above that the worst quarter is given up, which costs little a
    node but ends every guarantee."""

    def __init__(self, limit: int, cost: Cost) -> None:
        self._heap: list[Open] = []
        self._limit, self._cost = limit, cost
        self._ages = count()

    def __len__(self) -> int:
        return len(self._heap)

    def start(self, node: Node) -> list[Note]:
        """Put the root in."""
        h = self._cost.heuristic(START_SCORE)
        return [self._push(Open(h, -node.depth, next(self._ages), node, 0.0, h, START_SCORE, None))]

    def push(self, parent: Open, children: Sequence[Scored], horizon: int) -> list[Note]:
        """Put the children of `parent` in, except unfinished ones at depth `horizon`. A child
        without a score has h = inf, and its step costs nothing."""
        late = tuple(
            child.node for child in children if not child.node.done and child.node.depth >= horizon
        )
        notes: list[Note] = [Pruned(late, "step limit")] if late else []
        for node, value, _ in children:
            if not node.done and node.depth >= horizon:
                continue
            r = parent.r if value is None else value
            g = parent.g if value is None else self._cost.step(parent.g, parent.r, r)
            h = UNSCORED if value is None else self._cost.heuristic(r)
            f = price(g, h)
            notes.append(self._push(Open(f, -node.depth, next(self._ages), node, g, h, r, value)))
        if len(self._heap) > self._limit:
            notes += self._trim()
        return notes

    def _push(self, entry: Open) -> Pushed:
        heapq.heappush(self._heap, entry)
        return Pushed(entry.node, entry.g, entry.h)

    def pop(self) -> Open:
        """Take out the node with the smallest f."""
        return heapq.heappop(self._heap)

    def _trim(self) -> list[Note]:
        self._heap.sort()
        keep = self._limit - self._limit // 4
        dropped = self._heap[keep:]
        del self._heap[keep:]
        return [
            Pruned(
                tuple(entry.node for entry in dropped),
                "the frontier is full: memory-bounded from here on",
                self._heap[-1].f,
            )
        ]

    def clear(self) -> list[Note]:
        """Empty the frontier, for a search that looks at the newest children only; returns the note
        about what was dropped."""
        dropped, self._heap = [entry.node for entry in self._heap], []
        return [Pruned(tuple(dropped), "not among the newest children")] if dropped else []

    def list_finished(self) -> list[Open]:
        """The finished nodes still in the frontier, smallest f first."""
        return sorted(entry for entry in self._heap if entry.node.done)
