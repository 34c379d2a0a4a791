"""Where two runs of the same spec first differ: the first token that the policy wrote otherwise.

Nodes are matched by their keys. A key is made of the calls that led to a node and of nothing that
was written, so in a rerun the same call has the same key whatever came out of it. Nodes are looked
through in the first run's order of creation: what follows from a difference comes after it.

A text that was given up while it was written, or cut by the budget, may be cut elsewhere the next
time; where one is the beginning of the other that is counted, and is no difference.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from backend.review.stored_run import StoredNode

CUT = ("aborted", "budget")


class DifferenceKind(StrEnum):
    IDENTICAL = "identical"
    PROMPT = "prompt"
    TOKEN = "token"
    END = "end"
    TEXT = "text"
    COURSE = "course"


class TokenPlace(NamedTuple):
    """A token of a node; `logprob` in nats, None where nobody sampled it."""

    node: int
    position: int
    token_id: int
    logprob: float | None


class Gap(NamedTuple):
    """The largest distance of two log-probabilities (nats) or scores of the same thing, and where
    it is in the first run. `position` is None for a score."""

    value: float
    node: int
    position: int | None


@dataclass(frozen=True)
class Divergence:
    """What is found. `how`: nothing differs; another prompt; another token; a text that ends where
    the other goes on (one place is None); another text without token ids; or a node that only one
    run has though all before it is equal. `one_node` and `other_node` name the node in each run
    (None where there is none). `nodes` and `tokens` are equal ones before it, `gap` and `score_gap`
    the largest distances among those, `cut` texts that were cut at another place, `only_one` and
    `only_other` nodes that only one run has."""

    how: DifferenceKind
    one_node: int | None = None
    other_node: int | None = None
    position: int | None = None
    one: TokenPlace | None = None
    other: TokenPlace | None = None
    nodes: int = 0
    tokens: int = 0
    gap: Gap | None = None
    score_gap: Gap | None = None
    cut: int = 0
    only_one: int = 0
    only_other: int = 0


Scores = Mapping[int, float]


def divergence(
    one: Sequence[StoredNode], other: Sequence[StoredNode], one_scores: Scores, other_scores: Scores
) -> Divergence:
    """Compare two runs. `nodes` are in order of creation, `scores` the last value of each node by
    its id."""
    theirs = {node.key: node for node in other}
    only_one = sum(node.key not in theirs for node in one)
    only_other = len(theirs.keys() - {node.key for node in one})
    nodes = tokens = cut = 0
    gap = score_gap = None
    found = Divergence(DifferenceKind.IDENTICAL)
    for node in one:
        twin = theirs.get(node.key)
        if twin is None:
            found = Divergence(DifferenceKind.COURSE, node.id)
            break
        at = _parting(node, twin)
        gap = _wider(gap, _token_gap(node, twin, at))
        if at is not None and _only_cut(node, twin):
            cut += 1
        elif at is not None or node.text != twin.text:
            found = _differing(node, twin, at)
            tokens += at or 0
            break
        score_gap = _wider(
            score_gap, _score_gap(node.id, one_scores.get(node.id), other_scores.get(twin.id))
        )
        nodes, tokens = nodes + 1, tokens + (len(node.token_ids) if at is None else at)
    if found.how is DifferenceKind.IDENTICAL and only_other:
        keys = {node.key for node in one}
        found = Divergence(
            DifferenceKind.COURSE, None, next(node.id for node in other if node.key not in keys)
        )
    return Divergence(
        found.how,
        found.one_node,
        found.other_node,
        found.position,
        found.one,
        found.other,
        nodes,
        tokens,
        gap,
        score_gap,
        cut,
        only_one,
        only_other,
    )


def _parting(node: StoredNode, twin: StoredNode) -> int | None:
    """The first position at which the tokens are not the same, None if all are."""
    pairs = enumerate(zip(node.token_ids, twin.token_ids, strict=False))
    short = min(len(node.token_ids), len(twin.token_ids))
    at = next((at for at, (mine, its) in pairs if mine != its), short)
    return None if at == len(node.token_ids) == len(twin.token_ids) else at


def _only_cut(node: StoredNode, twin: StoredNode) -> bool:
    """Whether the shorter text is the beginning of the longer one and did not end by itself."""
    shorter, longer = sorted((node, twin), key=lambda each: len(each.token_ids))
    return shorter.finish in CUT and longer.token_ids[: len(shorter.token_ids)] == shorter.token_ids


def _differing(node: StoredNode, twin: StoredNode, at: int | None) -> Divergence:
    if at is None:
        return Divergence(DifferenceKind.TEXT, node.id, twin.id)
    one, other = _place(node, at), _place(twin, at)
    how = (
        DifferenceKind.PROMPT
        if node.kind == "prompt"
        else DifferenceKind.END
        if one is None or other is None
        else DifferenceKind.TOKEN
    )
    return Divergence(how, node.id, twin.id, at, one, other)


def _place(node: StoredNode, at: int) -> TokenPlace | None:
    if at >= len(node.token_ids):
        return None
    return TokenPlace(
        node.id,
        at,
        node.token_ids[at],
        None if node.logprobs is None or at >= len(node.logprobs) else node.logprobs[at],
    )


def _token_gap(node: StoredNode, twin: StoredNode, at: int | None) -> Gap | None:
    """Over the tokens that both have, those before position `at`."""
    if not node.logprobs or not twin.logprobs:
        return None
    pairs = list(zip(node.logprobs, twin.logprobs, strict=False))[:at]
    return max(
        (Gap(abs(mine - its), node.id, where) for where, (mine, its) in enumerate(pairs)),
        key=lambda one: one.value,
        default=None,
    )


def _score_gap(node: int, mine: float | None, its: float | None) -> Gap | None:
    return None if mine is None or its is None else Gap(abs(mine - its), node, None)


def _wider(known: Gap | None, found: Gap | None) -> Gap | None:
    if known is None or found is None:
        return found if known is None else known
    return found if found.value > known.value else known


__all__ = ["DifferenceKind", "Divergence", "Gap", "TokenPlace", "divergence"]
