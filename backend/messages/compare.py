"""What travels over HTTP when two stored runs are compared."""

from __future__ import annotations

from typing import Literal

from pydantic import JsonValue

from backend.messages.runs import Answer

How = Literal["identical", "prompt", "token", "end", "text", "course"]


class TokenAt(Answer):
    """A token of a node: `text` is empty where the model is not at hand, `logprob` (nats) is None
    where nobody sampled it."""

    token_id: int
    text: str
    logprob: float | None


class Gap(Answer):
    """The largest distance of two log-probabilities (nats) or two scores, with its place in the
    first run."""

    value: float
    node: int
    position: int | None


class DifferingSetting(Answer):
    """A setting whose values differ; a run that has none of that name shows null, and its `has` is
    false."""

    name: str
    one: JsonValue
    other: JsonValue
    one_has: bool
    other_has: bool


class Divergence(Answer):
    """Where the second run first differs from the first.

    `how`: `identical`; another `prompt`; another `token`; a text that comes to an `end` where the
    other goes on (that token is null); another `text` of nodes without token ids; another `course`
    (a node that only one run has, all before it being equal). `position` counts tokens of the node
    from
    0. `nodes` and `tokens` are equal ones before the place, `gap` and `score_gap` the largest
       distances of log-probabilities and scores among them.
    `cut` texts were given up or out of budget at another place, which counts as no difference.
    `settings` and `manifest` list what differs in the specs and in models, versions and hashes.
    """

    run_id: int
    other_id: int
    how: How
    sentence: str
    one_node: int | None
    other_node: int | None
    position: int | None
    one: TokenAt | None
    other: TokenAt | None
    nodes: int
    tokens: int
    gap: Gap | None
    score_gap: Gap | None
    cut: int
    only_one: int
    only_other: int
    settings: list[DifferingSetting]
    manifest: list[DifferingSetting]


__all__ = ["DifferingSetting", "Divergence", "Gap", "How", "TokenAt"]
