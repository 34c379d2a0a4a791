"""Two stored runs token by token: for the route."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from backend.core.descriptions import ABSENT, flatten, lines
from backend.core.errors import Conflict
from backend.core.types import JSON
from backend.messages import runs as schemas
from backend.messages.compare import DifferingSetting, Divergence, Gap, TokenAt
from backend.review.divergence import DifferenceKind, TokenPlace, divergence
from backend.review.divergence import Divergence as Found
from backend.service.assembly import Services
from backend.service.tokens import token_texts
from storage import NodeFull, RunRow

ASIDE = ("spec", "imported")
"""Parts of a manifest that say nothing of how a run was computed, or say it a second time."""


async def find_divergence(services: Services, run_id: int, other_id: int) -> Divergence:
    """Where run `other_id` first differs from run `run_id`. Raises `NotFound`, or `Conflict` while
    one goes on."""
    (one, ours), (other, theirs) = [
        await asyncio.to_thread(_read, services, each) for each in (run_id, other_id)
    ]
    scores = [await asyncio.to_thread(_scores, services, each) for each in (run_id, other_id)]
    found = await asyncio.to_thread(divergence, ours, theirs, *scores)
    # Side by side, because a model that has to be loaded first may take its time.
    tokens = await asyncio.gather(
        _token(services, one, ours, found.one), _token(services, other, theirs, found.other)
    )
    return Divergence.model_validate(
        {
            "run_id": run_id,
            "other_id": other_id,
            "how": str(found.how),
            "sentence": sentence(found, *tokens),
            "one_node": found.one_node,
            "other_node": found.other_node,
            "position": found.position,
            "one": tokens[0],
            "other": tokens[1],
            "nodes": found.nodes,
            "tokens": found.tokens,
            "gap": None if found.gap is None else Gap(**found.gap._asdict()),
            "score_gap": None if found.score_gap is None else Gap(**found.score_gap._asdict()),
            "cut": found.cut,
            "only_one": found.only_one,
            "only_other": found.only_other,
            "settings": list_differences(one.spec, other.spec),
            "manifest": list_differences(_makers_of(one), _makers_of(other)),
        }
    )


def _read(services: Services, run_id: int) -> tuple[RunRow, list[NodeFull]]:
    row = services.store.run(run_id)
    if row.status not in schemas.OVER:
        raise Conflict(f"run {run_id} is not over: wait for its end, then compare its tokens")
    return row, services.store.read_paid_nodes(run_id)


def _scores(services: Services, run_id: int) -> dict[int, float]:
    return {
        score.node_id: score.value
        for score in services.store.scores(run_id)
        if score.value is not None
    }


def _makers_of(row: RunRow) -> dict[str, JSON]:
    return {name: value for name, value in row.manifest.items() if name not in ASIDE}


def list_differences(one: Mapping[str, JSON], other: Mapping[str, JSON]) -> list[DifferingSetting]:
    """The settings in which two descriptions differ."""
    return [
        DifferingSetting(
            name=line.name,
            one=None if line.values[0] is ABSENT else line.values[0],
            other=None if line.values[1] is ABSENT else line.values[1],
            one_has=line.values[0] is not ABSENT,
            other_has=line.values[1] is not ABSENT,
        )
        for line in lines([flatten(one), flatten(other)])
        if not line.equal
    ]


async def _token(
    services: Services, row: RunRow, nodes: Sequence[NodeFull], place: TokenPlace | None
) -> TokenAt | None:
    if place is None:
        return None
    texts = await token_texts(
        services.models, row, next(node for node in nodes if node.id == place.node)
    )
    text = texts[place.position] if place.position < len(texts) else ""
    return TokenAt(token_id=place.token_id, text=text, logprob=place.logprob)


def sentence(found: Found, one: TokenAt | None, other: TokenAt | None) -> str:
    """What was found, for a reader."""
    before = (
        f"{found.nodes} node{'' if found.nodes == 1 else 's'} and {found.tokens} "
        f"token{'' if found.tokens == 1 else 's'} before it are the same"
    )
    where = f"node {found.one_node}" + (
        "" if found.other_node == found.one_node else f" (node {found.other_node} of the other run)"
    )
    match found.how:
        case DifferenceKind.IDENTICAL:
            return f"All {found.nodes} nodes and {found.tokens} tokens are the same."
        case DifferenceKind.COURSE:
            whose = "first" if found.other_node is None else "second"
            node = found.one_node if found.other_node is None else found.other_node
            return (
                f"No token differs, but the searches part: only the {whose} run has its node "
                f"{node}. {before.capitalize()}."
            )
        case DifferenceKind.PROMPT:
            return (
                f"The prompts differ from token {found.position} on: the two runs were not "
                "asked the same."
            )
        case DifferenceKind.TEXT:
            return f"The text of {where} differs; it has no token ids. {before.capitalize()}."
        case DifferenceKind.END:
            return (
                f"One text of {where} ends at token {found.position}, the other goes on with "
                f"{_name_token(one or other)}. {before.capitalize()}."
            )
        case DifferenceKind.TOKEN:
            return (
                f"The first difference is token {found.position} of {where}: {_name_token(one)} "
                f"against {_name_token(other)}. {before.capitalize()}."
            )


def _name_token(token: TokenAt | None) -> str:
    assert token is not None
    text = repr(token.text) if token.text else f"id {token.token_id}"
    return text if token.logprob is None else f"{text} (log p {token.logprob:.4f})"


__all__ = ["find_divergence", "list_differences", "sentence"]
