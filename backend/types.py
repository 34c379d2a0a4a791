"""The words every part of the project shares: nodes, scores, steps of a strategy and the notes that explain them.

Everything is frozen. A `Node` is compared by identity, because two branches that happen to say the same are still two branches.
Nothing here knows budgets, databases, HTTP or screens.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple, TypeAlias, Union

JSON: TypeAlias = Union[bool, int, float, str, list["JSON"], dict[str, "JSON"], None]


class Finish(StrEnum):
    """Why a text ended: at a step delimiter, by the model's end token, by a length limit, cut by the budget, or aborted."""

    STEP = "step"
    END = "end"
    LENGTH = "length"
    BUDGET = "budget"
    ABORTED = "aborted"


class Kind(StrEnum):
    """What a node is: the prompt of a run, a step, a rollout (hidden by default), injected text, or a prompt beside the run."""

    PROMPT = "prompt"
    STEP = "step"
    ROLLOUT = "rollout"
    INJECTED = "injected"
    ASIDE = "aside"


class Alternative(NamedTuple):
    """One of the likeliest tokens at a position: its id, its text and its log-probability (nats)."""

    token_id: int
    text: str
    logprob: float


@dataclass(frozen=True, eq=False, slots=True, weakref_slot=True)
class Node:
    """A piece of text in a search tree.

    `text` is what this node adds to its parent (for a prompt: the rendered prompt with its special tokens). `token_ids` are the ids that
    were sampled or sent, the end token included; `logprobs` has one natural logarithm a token, or is None where nobody sampled the text.
    `depth` counts steps from the root (0). `key` names the call that made the node: it is the same in every rerun of the same run.
    `alternatives` holds, for each token, the likeliest tokens, and is empty unless they were asked for.
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

    def written(self) -> str:
        """All text from below the prompt down to this node: the solution so far."""
        return "".join(node.text for node in self.path()[1:])

    def context_ids(self) -> tuple[int, ...]:
        """The token ids of prompt and path, exactly as they were sent and sampled."""
        return tuple(token for node in self.path() for token in node.token_ids)

    @property
    def mean_logprob(self) -> float | None:
        """Mean log-probability a token in nats, or None where nothing was sampled."""
        return sum(self.logprobs) / len(self.logprobs) if self.logprobs else None


@dataclass(frozen=True, slots=True)
class Score:
    """A verifier's opinion of the path that ends in a node.

    `value` lies in [0, 1], or is None when scoring failed; then `reason` says why. `steps` are the unaggregated scores of all steps of the
    path, in order. `evidence` are nodes of kind aside that argued for the score.
    """

    value: float | None
    steps: tuple[float, ...] = ()
    reason: str | None = None
    evidence: tuple[Node, ...] = ()

    def __post_init__(self) -> None:
        if self.value is not None and not (math.isfinite(self.value) and 0.0 <= self.value <= 1.0):
            object.__setattr__(self, "reason", f"the verifier returned {self.value!r}, accepted: a number in [0, 1]")
            object.__setattr__(self, "value", None)
        if self.value is None and self.reason is None:
            object.__setattr__(self, "reason", "the verifier gave no reason")


@dataclass(frozen=True, slots=True)
class Note:
    """Root of the typed notes: what happened in a round. Views, replay and what-if are computed from notes alone."""


@dataclass(frozen=True, slots=True)
class Weighed(Note):
    """Particles got new log weights; `increments` are what this round added (natural logarithms, one each)."""

    particles: tuple[Node, ...]
    log_weights: tuple[float, ...]
    increments: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Resampled(Note):
    """Slot i now continues `particles[ancestors[i]]`. `uniforms` are the draws used; `ess` is measured before resampling, in [1, N]."""

    scheme: str
    particles: tuple[Node, ...]
    ancestors: tuple[int, ...]
    uniforms: tuple[float, ...]
    log_weights: tuple[float, ...]
    ess: float


@dataclass(frozen=True, slots=True)
class Selected(Note):
    """A descent through the tree chose `path`, root first. `formula` names the rule; `values` holds the winning score a level."""

    path: tuple[Node, ...]
    formula: str
    values: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Backed(Note):
    """`value` was backed up along `path`, root first: every node on it gains one visit and `value`."""

    path: tuple[Node, ...]
    value: float


@dataclass(frozen=True, slots=True)
class Pushed(Note):
    """A node entered the frontier with cost so far `g` and heuristic `h`; f = g + h."""

    node: Node
    g: float
    h: float


@dataclass(frozen=True, slots=True)
class Popped(Note):
    """A node left the frontier to be expanded or, if finished, accepted as a goal."""

    node: Node
    g: float
    h: float


@dataclass(frozen=True, slots=True)
class Kept(Note):
    """The survivors of a selection, best first, with the values they were ranked by."""

    nodes: tuple[Node, ...]
    values: tuple[float | None, ...]


@dataclass(frozen=True, slots=True)
class Pruned(Note):
    """Nodes that will not be extended again. `cut` is the value they would have needed, where there is one."""

    nodes: tuple[Node, ...]
    reason: str
    cut: float | None = None


@dataclass(frozen=True, slots=True)
class Allocated(Note):
    """How many children each node was granted in this round."""

    nodes: tuple[Node, ...]
    widths: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Remarked(Note):
    """A sentence for the reader about something unusual in this round, such as an unscored particle given the mean weight."""

    text: str
    nodes: tuple[Node, ...] = ()


@dataclass(frozen=True, slots=True)
class Step:
    """What a strategy yields after a round: where it stands, and a legal place to stop.

    `nodes` are the candidates for the answer (not the frontier) and `values` ranks them, one each, None where unknown, never NaN. A strategy
    that only ever adds candidates appends to the same two lists and passes them again; it never copies them. `phase` names the line of
    pseudo-code, `track` the part of a composed strategy ("chain 2"), `stats` holds scalars such as `ess` or `frontier`.
    """

    nodes: Sequence[Node]
    values: Sequence[float | None]
    notes: tuple[Note, ...] = ()
    phase: str = "step"
    track: str = ""
    stats: Mapping[str, float] = field(default_factory=dict)


def ancestors(node: Node) -> Iterator[Node]:
    """The node's parent, its parent's parent and so on up to the root."""
    while (parent := node.parent) is not None:
        yield parent
        node = parent
