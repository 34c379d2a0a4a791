"""The notes in the log of a run, sorted by the nodes that they name: of every kind of note the last
one on each node, with its numbers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Generic, NamedTuple, TypeVar

from backend.core.events import (
    Allocated,
    Backed,
    Jumped,
    Kept,
    LimitReached,
    Popped,
    Pruned,
    Pushed,
    Referenced,
    Resampled,
    Rolled,
    Selected,
    StepEnded,
    Weighed,
)
from backend.core.records import EventRecord
from backend.core.statistics.weights import softmax

COPY = "same text as"
"""How the reason begins for which a copy of another node is given up: the other one stands for
it.
"""


B = TypeVar("B")


class Noted(NamedTuple, Generic[B]):
    """An event, and its body with the class that it is known to have."""

    event: EventRecord
    body: B

    @property
    def seq(self) -> int:
        return self.event.seq


class SlotDraw(NamedTuple):
    """A resampling that a particle took part in: whether it was drawn, and its `share` of the
    weight in [0, 1]."""

    event: EventRecord
    drawn: bool
    share: float


class Contest(NamedTuple):
    """A choice among siblings that a node lost: the value of the formula for the node, and for the
    winner."""

    event: EventRecord
    formula: str
    worth: float | None
    winning: float | None


class TriedContinuation(NamedTuple):
    """A rollout that tried a node out, or a value that was backed up to it, and what it was
    worth."""

    event: EventRecord
    worth: float | None


class Notes:
    """The notes of a run by the node that they name; `granted` and `kept` by round and track. Later
    notes replace earlier ones. `last_step`, `last_popped`, `jumped` and `limit` are the last events
    of their kinds."""

    def __init__(self, events: Sequence[EventRecord]) -> None:
        self.pruned: dict[int, Noted[Pruned[int]]] = {}
        self.resampled: dict[int, SlotDraw] = {}
        self.pushed: dict[int, Noted[Pushed[int]]] = {}
        self.popped: dict[int, Noted[Popped[int]]] = {}
        self.contested: dict[int, Contest] = {}
        self.means: dict[int, TriedContinuation] = {}
        self.tried: dict[int, TriedContinuation] = {}
        self.rollouts: dict[int, TriedContinuation] = {}
        self.granted: dict[tuple[int, str], dict[int, int]] = {}
        self.kept: dict[tuple[int, str], tuple[float | None, ...]] = {}
        self.shares: dict[int, float] = {}
        self.references: list[Noted[Referenced[int]]] = []
        self.last_step: EventRecord | None = None
        self.last_popped: Noted[Popped[int]] | None = None
        self.jumped: Noted[Jumped[int]] | None = None
        self.limit: Noted[LimitReached] | None = None
        for event in events:
            self._read(event)
        self.end = events[-1].seq + 1 if events else 0

    @property
    def copies(self) -> set[int]:
        """Nodes that were given up because another one says the same."""
        return {node for node, note in self.pruned.items() if note.body.reason.startswith(COPY)}

    def _read(self, event: EventRecord) -> None:
        match event.body:
            case StepEnded():
                self.last_step = event
            case LimitReached() as limit:
                self.limit = Noted(event, limit)
            case Pruned() as pruned:
                self.pruned |= dict.fromkeys(pruned.nodes, Noted(event, pruned))
            case Allocated(nodes=nodes, widths=widths):
                self.granted[place(event)] = dict(zip(nodes, widths, strict=False))
            case Kept(values=values):
                self.kept[place(event)] = values
            case Pushed() as pushed:
                self.pushed[pushed.node] = Noted(event, pushed)
            case Popped() as popped:
                self.popped[popped.node] = self.last_popped = Noted(event, popped)
            case Jumped() as jumped:
                self.jumped = Noted(event, jumped)
            case _:
                self._read_tree(event)
                self._read_particles(event)

    def _read_tree(self, event: EventRecord) -> None:
        match event.body:
            case Selected() as selected:
                self._note_loss(event, selected)
            case Backed(path=path, means=means):
                self.means |= {
                    node: TriedContinuation(event, mean)
                    for node, mean in zip(path, means, strict=False)
                }
            case Rolled(node=node, rollout=rollout, value=value):
                self.tried[node] = self.rollouts[rollout] = TriedContinuation(event, value)

    def _read_particles(self, event: EventRecord) -> None:
        match event.body:
            case Weighed(particles=particles, log_weights=weights):
                self.shares |= shares_of(particles, weights)
            case Resampled(particles=particles, ancestors=ancestors, log_weights=weights):
                drawn = {particles[slot] for slot in ancestors if slot < len(particles)}
                self.resampled |= {
                    node: SlotDraw(event, node in drawn, share)
                    for node, share in shares_of(particles, weights).items()
                }
            case Referenced() as referenced:
                self.references.append(Noted(event, referenced))

    def _note_loss(self, event: EventRecord, selected: Selected[int]) -> None:
        levels = zip(selected.children, selected.scores, selected.path[1:], strict=False)
        for children, scores, chosen in levels:
            found = dict(zip(children, scores, strict=False))
            lost = (child for child in found if child != chosen)
            self.contested |= {
                child: Contest(event, selected.formula, found[child], found.get(chosen))
                for child in lost
            }


def place(event: EventRecord) -> tuple[int, str]:
    """The step of the search that an event belongs to."""
    return event.round, event.track


def shares_of(particles: Sequence[int], log_weights: Sequence[float]) -> dict[int, float]:
    """What share of the weight the particles of a node have together."""
    shares: defaultdict[int, float] = defaultdict(float)
    for node, share in zip(particles, softmax(log_weights).tolist(), strict=False):
        shares[node] += share
    return dict(shares)
