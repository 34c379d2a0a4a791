"""What a strategy yields after a round: a step, and the typed notes that say what happened in
it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from backend.core.types import Node


@dataclass(frozen=True, slots=True)
class Note:
    """Root of the typed notes: what happened in a round. Views, replay and what-if are computed
    from notes alone."""


@dataclass(frozen=True, slots=True)
class Weighed(Note):
    """Particles got new log weights; `increments` are what this round added (natural logarithms,
    one each)."""

    particles: tuple[Node, ...]
    log_weights: tuple[float, ...]
    increments: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Resampled(Note):
    """Slot i now continues `particles[ancestors[i]]`. `uniforms` are the draws used; `ess` is
    measured before resampling, in [1, N]."""

    scheme: str
    particles: tuple[Node, ...]
    ancestors: tuple[int, ...]
    uniforms: tuple[float, ...]
    log_weights: tuple[float, ...]
    ess: float


@dataclass(frozen=True, slots=True)
class Referenced(Note):
    """The trajectory that ends in `node` is held as the reference from now on: slot `slot` of those
    with `log_weights`, drawn by weight with `uniform`."""

    node: Node
    slot: int
    uniform: float
    log_weights: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Swapped(Note):
    """Two chains were to swap their references, which end in `nodes`. The swap was accepted if
    `uniform` lay below `probability`, in [0, 1].

    `temperatures` are those of the chains, `energies` the log potentials of the two trajectories at
    temperature 1, in nats.
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
    """A descent through the tree chose `path`, from the top down. `formula` names the rule;
    `values` holds the winning score a level.

    The other fields show the choice with its numbers, one entry a level: the `children` that were
    considered, their `visits` N and `means` Q as they stood then, and what the formula made of
    them, `scores` (infinite for a child that has to be tried first); and where the rule knows them,
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
    """`value` was backed up along `path`, root first: every node on it gains one visit and, where
    the rule is the plain mean, `value`. `means` holds their Q afterwards, whatever the rule."""

    path: tuple[Node, ...]
    value: float
    means: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Rolled(Note):
    """`node` was tried out: `rollout` is its continuation, to the end or as far as the search
    looked, and `value` the verifier's score of that (None: it has none)."""

    node: Node
    rollout: Node
    value: float | None


@dataclass(frozen=True, slots=True)
class Jumped(Note):
    """The search left the place where it was for `node`, the best of all open nodes: `score` is the
    sum of `terms`, its parts by name."""

    node: Node
    score: float
    terms: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Drawn(Note):
    """Thompson draws at `node`: one for a new child (`gen`), one for going on below those it has
    (`cont`), and where that was the greater, one for each of the `children`, in `draws`; the
    greatest wins. `beliefs` are the posteriors that were drawn from, in the same order, by the
    names of their parameters: m, kappa, nu, tau2 (normal-inverse-gamma) or a, b (beta)."""

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
    """Nodes that will not be extended again. `cut` is the value they would have needed, where there
    is one."""

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
    """A part of a trace gave way to another one from the same node on: `old` and `new` hold the
    steps after it, in order, with what each was worth there, in [0, 1]."""

    old: tuple[Node, ...]
    new: tuple[Node, ...]
    old_value: float
    new_value: float


@dataclass(frozen=True, slots=True)
class Remarked(Note):
    """A sentence for the reader about something unusual in this round, such as an unscored particle
    given the mean weight."""

    text: str
    nodes: tuple[Node, ...] = ()


@dataclass(frozen=True, slots=True)
class Step:
    """What a strategy yields after a round: where it stands, and a legal place to stop.

    `nodes` are the candidates for the answer (not the frontier) and `values` ranks them, one each,
    None where unknown, never NaN. A strategy that only ever adds candidates appends to the same two
    lists and passes them again; it never copies them. `phase` names the line of pseudo-code,
    `track` the part of a composed strategy ("chain 2"), `stats` holds scalars such as `ess` or
    `frontier`. `rounds` is the number of sequential rounds that the step ends: 0 where it only
    tells something, or where a search beside it has already told of the same round.
    """

    nodes: Sequence[Node]
    values: Sequence[float | None]
    notes: tuple[Note, ...] = ()
    phase: str = "step"
    track: str = ""
    stats: Mapping[str, float] = field(default_factory=dict)
    rounds: int = 1
