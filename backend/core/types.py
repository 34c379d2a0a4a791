"""The words every part of the project shares: nodes, scores, steps of a strategy and the notes that explain them.

Everything is frozen. A `Node` is compared by identity, because two branches that happen to say the same are still two branches.
Nothing here knows budgets, databases, HTTP or screens.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple, TypeAlias, Union

JSON: TypeAlias = Union[bool, int, float, str, list["JSON"], dict[str, "JSON"], None]


ON_REQUEST = "on request"
"""The role of nodes that a person asked the policy for while a run was paused: no search saw them."""


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
        """The token ids of prompt and path, exactly as they were sent and sampled; without the end token of a text that was reopened."""
        path = self.path()
        reopened = {one for one, after in itertools.pairwise(path) if one.finish is Finish.END and after.kind is Kind.INJECTED}
        return tuple(token for node in path for token in (node.token_ids[:-1] if node in reopened else node.token_ids))

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
class Referenced(Note):
    """The trajectory that ends in `node` is held as the reference from now on: slot `slot` of those with `log_weights`, drawn by weight with
    `uniform`."""

    node: Node
    slot: int
    uniform: float
    log_weights: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Swapped(Note):
    """Two chains were to swap their references, which end in `nodes`. The swap was accepted if `uniform` lay below `probability`, in [0, 1].

    `temperatures` are those of the chains, `energies` the log potentials of the two trajectories at temperature 1, in nats.
    """

    chains: tuple[str, str]
    nodes: tuple[Node, Node]
    temperatures: tuple[float, float]
    energies: tuple[float, float]
    probability: float
    uniform: float
    accepted: bool


@dataclass(frozen=True, slots=True)
class Selected(Note):
    """A descent through the tree chose `path`, from the top down. `formula` names the rule; `values` holds the winning score a level.

    The other fields show the choice with its numbers, one entry a level: the `children` that were considered, their `visits` N and `means` Q as
    they stood then, and what the formula made of them, `scores` (infinite for a child that has to be tried first); and where the rule knows them,
    the `priors` P of the children, or how many equal `draws` each of them stands for.
    """

    path: tuple[Node, ...]
    formula: str
    values: tuple[float, ...]
    children: tuple[tuple[Node, ...], ...] = ()
    visits: tuple[tuple[int, ...], ...] = ()
    means: tuple[tuple[float, ...], ...] = ()
    scores: tuple[tuple[float, ...], ...] = ()
    priors: tuple[tuple[float, ...], ...] = ()
    draws: tuple[tuple[int, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class Backed(Note):
    """`value` was backed up along `path`, root first: every node on it gains one visit and, where the rule is the plain mean, `value`. `means`
    holds their Q afterwards, whatever the rule."""

    path: tuple[Node, ...]
    value: float
    means: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Rolled(Note):
    """`node` was tried out: `rollout` is its continuation, to the end or as far as the search looked, and `value` the verifier's score of that
    (None: it has none)."""

    node: Node
    rollout: Node
    value: float | None


@dataclass(frozen=True, slots=True)
class Jumped(Note):
    """The search left the place where it was for `node`, the best of all open nodes: `score` is the sum of `terms`, its parts by name."""

    node: Node
    score: float
    terms: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Drawn(Note):
    """Thompson draws at `node`: one for a new child (`gen`), one for going on below those it has (`cont`), and where that was the greater, one
    for each of the `children`, in `draws`; the greatest wins. `beliefs` are the posteriors that were drawn from, in the same order, by the names of
    their parameters: m, kappa, nu, tau2 (normal-inverse-gamma) or a, b (beta)."""

    node: Node
    gen: float
    cont: float
    children: tuple[Node, ...]
    draws: tuple[float, ...]
    beliefs: tuple[Mapping[str, float], ...] = ()


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
class Replaced(Note):
    """A part of a trace gave way to another one from the same node on: `old` and `new` hold the steps after it, in order, with what each was
    worth there, in [0, 1]."""

    old: tuple[Node, ...]
    new: tuple[Node, ...]
    old_value: float
    new_value: float


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
    pseudo-code, `track` the part of a composed strategy ("chain 2"), `stats` holds scalars such as `ess` or `frontier`. `rounds` is the number of
    sequential rounds that the step ends: 0 where it only tells something, or where a search beside it has already told of the same round.
    """

    nodes: Sequence[Node]
    values: Sequence[float | None]
    notes: tuple[Note, ...] = ()
    phase: str = "step"
    track: str = ""
    stats: Mapping[str, float] = field(default_factory=dict)
    rounds: int = 1


def ancestors(node: Node) -> Iterator[Node]:
    """The node's parent, its parent's parent and so on up to the root."""
    while (parent := node.parent) is not None:
        yield parent
        node = parent
