"""Sharing a width of children out among prefixes by the softmax of their scores, as REBASE does.

Wu et al. 2024 (arXiv 2408.00724), as in the published program: one prefix after the other, the best
first, gets its share of what is left, rounded up, so that the shares always add up to the width.
Symbols: R score, T temperature, e = exp(R / T), B_i width that the prefixes before i left, n_i
children of prefix i.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import accumulate, takewhile
from typing import NamedTuple

from backend.core.steps import Allocated, Kept, Note, Pruned
from backend.core.types import Node, ancestors
from backend.strategies.parts.rounds import Scored, ranked

ROUNDING = 1e-9
"""Taken off before rounding up, so that a share such as 4.000000000000001 counts as the 4 that it
stands for."""


class Balanced(NamedTuple):
    """Every prefix as often as it gets a child, and what was decided."""

    parents: list[Node]
    notes: list[Note]


def balanced(level: Sequence[Scored], width: int, temperature: float, ratio: float) -> Balanced:
    """Share `width` out among the best `ratio` of the prefixes that may be selected. Without any
    score all count alike."""
    candidates = ranked(level)
    candidates = candidates[: math.ceil(ratio * len(candidates) - ROUNDING)]
    widths = shares([child.value or 0.0 for child in candidates], width, temperature)
    granted = [child for child, share in zip(candidates, widths, strict=True) if share]
    parents = [
        child.node for child, share in zip(candidates, widths, strict=True) for _ in range(share)
    ]
    told = Allocated(tuple(child.node for child in candidates), tuple(widths))
    kept = Kept(tuple(child.node for child in granted), tuple(child.value for child in granted))
    return Balanced(parents, [told, kept, *cut(level, granted, "got no share of the width")])


def shares(scores: Sequence[float], width: int, temperature: float) -> list[int]:
    """n_i = ceil(B_i e_i / sum_(j >= i) e_j), which add up to `width`. Scores: the best first."""
    raised = [math.exp((score - scores[0]) / temperature) for score in scores]
    rest = list(accumulate(reversed(raised)))[::-1]
    granted: list[int] = []
    for own, total in zip(raised, rest, strict=True):
        granted.append(math.ceil(width * own / total - ROUNDING) if width else 0)
        width -= granted[-1]
    return granted


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
