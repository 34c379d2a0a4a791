"""The global frontier of DeepSearch (arXiv 2509.25454): how promising an open node is, and a
priority queue of open nodes whose priorities change while they wait.

Symbols: Q mean of the values backed up through a node, H mean surprise of the tokens of its step in
nats, d its depth below the root, d_T the greatest depth, lambda_1 to lambda_4 the weights."""

from __future__ import annotations

import heapq
import math
from collections.abc import Sequence
from typing import Literal

from pydantic import Field

from backend.core.formulas.promise import DEPTHS, Promise, promise_parts, signed_score
from backend.core.registry import Params
from backend.core.steps import Jumped, Note, Pruned
from backend.core.types import Node
from backend.strategies.parts.tree.vertex import Vertex

FORMULAS = (
    "outlook",
    "depth_sqrt",
    "depth_linear",
    "depth_log",
    "signed_score",
    "signed",
    "signed_part",
)
"""What a global frontier values nodes by."""


class OutlookParams(Params):
    """How large a search is, and the weights of F(s) = lambda_1 tanh(Q(parent)) + lambda_2 H(s) +
    lambda_3 D(d) + lambda_4 tanh(Q(s))."""

    expansions: int = Field(
        32,
        ge=1,
        le=1_000_000,
        description="nodes to expand; our choice, about 190 in the paper's training",
    )
    width: int = Field(
        8, ge=1, le=1024, description="next steps drawn from an expanded node; 8 in DeepSearch"
    )
    parent_weight: float = Field(
        0.4, ge=0.0, description="lambda_1, of the parent's Q; 0.4 in DeepSearch"
    )
    entropy_weight: float = Field(
        0.4, ge=0.0, description="lambda_2, of the surprise of the step; 0.4 in DeepSearch"
    )
    depth_weight: float = Field(
        0.01, ge=0.0, description="lambda_3, of the depth; 0.01 in DeepSearch"
    )
    own_weight: float = Field(
        0.0, ge=0.0, description="lambda_4, of the node's own Q; 0 in DeepSearch"
    )
    depth_bonus: Literal["sqrt", "linear", "log"] = Field(
        "sqrt", description="D: sqrt(d / d_T) as in DeepSearch, or d, or ln(d + 1)"
    )
    max_steps: int = Field(
        64,
        ge=1,
        le=1000,
        description=(
            "d_T: a path never grows more than this many steps below the root; 64 in DeepSearch"
        ),
    )

    def terms(
        self, parent_mean: float, entropy: float, depth: int, own_mean: float = 0.0
    ) -> Promise:
        """The four parts of F: Q in [-1, 1], H in nats, d from 0."""
        return promise_parts(
            self.parent_weight,
            parent_mean,
            self.entropy_weight,
            entropy,
            self.depth_weight,
            DEPTHS[self.depth_bonus](depth, self.max_steps),
            self.own_weight,
            own_mean,
        )

    def outlook(self, vertex: Vertex) -> Promise:
        """The four parts for a vertex below the root of a tree."""
        assert vertex.parent is not None, "the root is never in the frontier"
        depth = vertex.node.depth - vertex.path()[0].node.depth
        return self.terms(vertex.parent.mean, surprise([vertex.node]) or 0.0, depth, vertex.mean)


def surprise(nodes: Sequence[Node]) -> float | None:
    """H: the mean of -log p over the sampled tokens of the nodes, in nats; None where nothing was
    sampled."""
    sampled = [node.logprobs for node in nodes if node.logprobs]
    return -math.fsum(map(math.fsum, sampled)) / sum(map(len, sampled)) if sampled else None


def terminal(vertex: Vertex, horizon: int) -> bool:
    """Whether nothing can come below: finished, or as deep as may be."""
    return vertex.node.done or vertex.node.depth >= horizon


def judge(children: Sequence[Vertex], horizon: int) -> tuple[Note, ...]:
    """Turn scores r in [0, 1] into Q in [-1, 1]: 2 r - 1, and -1 for what is cut off at the step
    limit, which the notes name. What nobody scored stays at 0, between right and wrong."""
    late = tuple(
        child.node for child in children if terminal(child, horizon) and not child.node.done
    )
    for child in children:
        if child.scored or child.node in late:
            child.score = signed_score(child.score, child.node in late)
    return (Pruned(late, "step limit"),) if late else ()


def most_confident(leaves: Sequence[Vertex]) -> Vertex:
    """The leaf that is backed up: one judged right before one judged wrong before one cut off, and
    among those the one with the least surprise a token along its trajectory. Ties: the first."""

    def rank(leaf: Vertex) -> tuple[int, float]:
        surprisal = surprise([vertex.node for vertex in leaf.path()[1:]])
        return (
            0 if leaf.score > 0 else 1
        ) if leaf.node.done else 2, math.inf if surprisal is None else surprisal

    return min(leaves, key=rank)


class GlobalFrontier:
    """Open vertices by F, the greatest first; ties: the shallower, then the earlier."""

    def __init__(self, params: OutlookParams, horizon: int) -> None:
        self._params, self._horizon = params, horizon
        self._scores: dict[Vertex, float] = {}
        self._ages: dict[Vertex, int] = {}
        self._heap: list[tuple[float, int, int, Vertex]] = []

    def __len__(self) -> int:
        return len(self._scores)

    def renew(self, parents: Sequence[Vertex]) -> None:
        """Compute the scores of the open children of some vertices again; those that are no longer
        open leave the queue. Entries with an older score stay in the heap and are skipped when they
        come up."""
        for parent in parents:
            self._scores.pop(parent, None)
            for child in parent.children:
                if not child.expanded and not terminal(child, self._horizon):
                    self._put(child, self._params.outlook(child).total)

    def _put(self, vertex: Vertex, score: float) -> None:
        if self._scores.get(vertex) != score:
            self._scores[vertex] = score
            heapq.heappush(
                self._heap,
                (-score, vertex.node.depth, self._ages.setdefault(vertex, len(self._ages)), vertex),
            )

    def best(self) -> Vertex | None:
        """The vertex with the greatest score, which stays in the queue; None if there is none."""
        while self._heap:
            loss, _, _, vertex = self._heap[0]
            if self._scores.get(vertex) == -loss:
                return vertex
            heapq.heappop(self._heap)
        return None

    def explain_jump(self, vertex: Vertex) -> Jumped:
        """Return the note that says by which score and which parts of it the search goes on at
        `vertex`."""
        return Jumped(vertex.node, self._scores[vertex], self._params.outlook(vertex)._asdict())
