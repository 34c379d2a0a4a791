"""The words every part of the project shares: nodes, scores, steps of a strategy and the notes that
explain them.

Everything is frozen. A `Node` is compared by identity, because two branches that happen to say the
same are still two branches. Nothing here knows budgets, databases, HTTP or screens.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from enum import StrEnum
from typing import NamedTuple, TypeAlias, Union

import msgspec
from msgspec.structs import force_setattr

JSON: TypeAlias = Union[bool, int, float, str, list["JSON"], dict[str, "JSON"], None]


ON_REQUEST = "on request"
"""The role of nodes that a person asked the policy for while a run was paused: no search saw
them.
"""


class Finish(StrEnum):
    """Why a text ended: with a step, by the model's end token, by a length limit, cut by
    the budget, or aborted."""

    STEP = "step"
    END = "end"
    LENGTH = "length"
    BUDGET = "budget"
    ABORTED = "aborted"


class Kind(StrEnum):
    """What a node is: the prompt of a run, a step, a rollout (hidden by default), injected text, or
    a prompt beside the run."""

    PROMPT = "prompt"
    STEP = "step"
    ROLLOUT = "rollout"
    INJECTED = "injected"
    ASIDE = "aside"


class Alternative(NamedTuple):
    """One of the likeliest tokens at a position: its id, its text and its log-probability
    (nats).
    """

    token_id: int
    text: str
    logprob: float


class Node(msgspec.Struct, frozen=True, eq=False, gc=False):
    """A piece of text in a search tree.

    `text` is what this node adds to its parent (for a prompt: the rendered prompt with its special
    tokens). `token_ids` are the ids that were sampled or sent, the end token included; `logprobs`
    has one natural logarithm a token, or is None where nobody sampled the text. `depth` counts
    steps from the root (0). `key` names the call that made the node: it is the same in every rerun
    of the same run. `alternatives` holds, for each token, the likeliest tokens, and is empty unless
    they were asked for.

    The garbage collector leaves nodes alone (`gc=False`): a node holds only what was there before
    it, so nodes are in no cycle, and a search has tens of thousands of them.
    """

    text: str
    token_ids: tuple[int, ...] = ()
    logprobs: tuple[float, ...] | None = None
    parent: Node | None = None
    depth: int = 0
    done: bool = False
    finish: Finish | None = None
    role: str = "policy"
    kind: Kind = Kind.STEP
    key: str = "root"
    alternatives: tuple[tuple[Alternative, ...], ...] = ()

    def path(self) -> list[Node]:
        """The nodes from the root to this one, both included."""
        nodes: list[Node] = []
        node: Node | None = self
        while node is not None:
            nodes.append(node)
            node = node.parent
        nodes.reverse()
        return nodes

    def texts(self) -> list[str]:
        """The text of each node from below the prompt down to this one."""
        return [node.text for node in self.path()[1:]]

    def solution_text(self) -> str:
        """All text from below the prompt down to this node: the solution so far."""
        return "".join(self.texts())

    def context_ids(self) -> tuple[int, ...]:
        """The token ids of prompt and path, exactly as they were sent and sampled; without the end
        token of a text that was reopened."""
        path = self.path()
        reopened = {
            one
            for one, after in itertools.pairwise(path)
            if one.finish is Finish.END and after.kind is Kind.INJECTED
        }
        parts = (node.token_ids[:-1] if node in reopened else node.token_ids for node in path)
        return tuple(itertools.chain.from_iterable(parts))

    @property
    def mean_logprob(self) -> float | None:
        """Mean log-probability a token in nats, or None where nothing was sampled."""
        return sum(self.logprobs) / len(self.logprobs) if self.logprobs else None


class Score(msgspec.Struct, frozen=True, gc=False):
    """A verifier's opinion of the path that ends in a node.

    `value` lies in [0, 1], or is None when scoring failed; then `reason` says why. `steps` are the
    unaggregated scores of all steps of the path, in order. `evidence` are nodes of kind aside that
    argued for the score.
    """

    value: float | None
    steps: tuple[float, ...] = ()
    reason: str | None = None
    evidence: tuple[Node, ...] = ()

    def __post_init__(self) -> None:
        if self.value is not None and not (math.isfinite(self.value) and 0.0 <= self.value <= 1.0):
            given, accepted = self.value, "a number in [0, 1]"
            force_setattr(self, "reason", f"the verifier returned {given!r}, accepted: {accepted}")
            force_setattr(self, "value", None)
        if self.value is None and self.reason is None:
            force_setattr(self, "reason", "the verifier gave no reason")


def ancestors(node: Node) -> Iterator[Node]:
    """The node's parent, its parent's parent and so on up to the root."""
    while (parent := node.parent) is not None:
        yield parent
        node = parent
