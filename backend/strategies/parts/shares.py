"""Sharing a width of children out among prefixes by the softmax of their scores, as REBASE does.

Wu et al. 2024 (arXiv 2408.00724), as in the published program; the shares themselves are a formula
(`backend.core.formulas.shares`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import takewhile
from typing import NamedTuple

from backend.core.formulas.shares import ROUNDING, shares
from backend.core.steps import Allocated, Kept, Note, Pruned
from backend.core.types import Node, ancestors
from backend.strategies.parts.rounds import Scored, rank


class Balanced(NamedTuple):
    """Every prefix as often as it gets a child, and what was decided."""

    parents: list[Node]
    notes: list[Note]


def balance(level: Sequence[Scored], width: int, temperature: float, ratio: float) -> Balanced:
    """Share `width` out among the best `ratio` of the prefixes that may be selected. Without any
    score all count alike."""
    candidates = rank(level)
    candidates = candidates[: math.ceil(ratio * len(candidates) - ROUNDING)]
    widths = shares([child.value or 0.0 for child in candidates], width, temperature)
    granted = [child for child, share in zip(candidates, widths, strict=True) if share]
    parents = [
        child.node for child, share in zip(candidates, widths, strict=True) for _ in range(share)
    ]
    allocated = Allocated(tuple(child.node for child in candidates), tuple(widths))
    kept = Kept(tuple(child.node for child in granted), tuple(child.value for child in granted))
    return Balanced(parents, [allocated, kept, *cut(level, granted, "got no share of the width")])


def cut(children: Sequence[Scored], kept: Sequence[Scored], reason: str) -> list[Note]:
    """A note about the children that are not among the kept, if there are any."""
    left = {child.node for child in kept}
    gone = tuple(child.node for child in children if child.node not in left)
    return [Pruned(gone, reason)] if gone else []


def tokens_below(root: Node, node: Node) -> int:
    """The tokens from below `root` down to `node`."""
    return sum(
        len(part.token_ids)
        for part in takewhile(lambda part: part is not root, (node, *ancestors(node)))
    )
