"""What final rules measure on the path to a candidate. Injected text was written by nobody: it has
no probability and no length."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from backend.core.types import Finish, Kind, Node


class Size(NamedTuple):
    """The length of a solution: tokens (0 where the engine gives no ids), characters, and whether
    the model ended it itself."""

    tokens: int
    characters: int
    whole: bool


def list_generated(node: Node) -> list[Node]:
    """The nodes from below the prompt down to this one that a model wrote."""
    return [part for part in node.path()[1:] if part.kind is not Kind.INJECTED]


def probability(node: Node) -> float | None:
    """exp of the mean log-probability of all tokens sampled on the path, in (0, 1]; None where
    there is none."""
    logprobs = [part.logprobs for part in list_generated(node) if part.logprobs]
    count = sum(map(len, logprobs))
    return math.exp(min(0.0, math.fsum(map(math.fsum, logprobs)) / count)) if count else None


def size(node: Node) -> Size:
    parts = list_generated(node)
    whole = node.finish not in (Finish.LENGTH, Finish.BUDGET, Finish.ABORTED)
    return Size(
        sum(len(part.token_ids) for part in parts), sum(len(part.text) for part in parts), whole
    )


def lengths(sizes: Sequence[Size]) -> list[int]:
    """All lengths in one unit: tokens, or characters where the engine gives no ids for one of
    them.
    """
    return (
        [one.tokens for one in sizes]
        if all(one.tokens for one in sizes)
        else [one.characters for one in sizes]
    )


def comparable(sizes: Sequence[Size]) -> list[bool]:
    """Whose length is its own: not those that were cut off, unless all were."""
    whole = [one.whole for one in sizes]
    return whole if any(whole) else [True] * len(whole)
