"""What the log of a run says of its nodes: of every kind of note the last word on each node, with
its numbers."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from backend.core.records import EventRecord
from backend.core.statistics.weights import softmax
from backend.core.types import JSON

COPY = "same text as"
"""How the reason begins for which a copy of another node is given up: the other one stands for
it.
"""


class Draw(NamedTuple):
    """A resampling that a particle took part in: whether it was drawn, and its `share` of the
    weight in [0, 1]."""

    event: EventRecord
    drawn: bool
    share: float


class Contest(NamedTuple):
    """A choice among siblings that a node lost: what the formula made of it, and of the winner."""

    event: EventRecord
    formula: str
    worth: float | None
    winning: float | None


class Tried(NamedTuple):
    """A rollout that tried a node out, and the verifier's score of it."""

    event: EventRecord
    worth: float | None


class Notes:
    """The notes of a run by the node that they name; `granted` and `kept` by round and track. Later
    notes replace earlier ones."""

    def __init__(self, events: Sequence[EventRecord]) -> None:
        self.pruned: dict[int, EventRecord] = {}
        self.resampled: dict[int, Draw] = {}
        self.pushed: dict[int, EventRecord] = {}
        self.popped: dict[int, EventRecord] = {}
        self.contested: dict[int, Contest] = {}
        self.means: dict[int, Tried] = {}
        self.tried: dict[int, Tried] = {}
        self.rollouts: dict[int, EventRecord] = {}
        self.granted: dict[tuple[int, str], dict[int, float | None]] = {}
        self.kept: dict[tuple[int, str], list[float | None]] = {}
        self.shares: dict[int, float] = {}
        self.references: list[EventRecord] = []
        self.last: dict[str, EventRecord] = {}
        readers: Mapping[str, Callable[[EventRecord], None]] = {
            "pruned": self._pruned,
            "resampled": self._resampled,
            "pushed": self._by_node(self.pushed),
            "popped": self._by_node(self.popped),
            "selected": self._selected,
            "backed": self._backed,
            "rolled": self._rolled,
            "allocated": self._allocated,
            "kept": self._kept,
            "weighed": self._weighed,
            "referenced": self.references.append,
        }
        for event in events:
            self.last[event.kind] = event
            if event.kind in readers:
                readers[event.kind](event)
        self.end = events[-1].seq + 1 if events else 0

    @property
    def copies(self) -> set[int]:
        """Nodes that were given up because another one says the same."""
        return {node for node, event in self.pruned.items() if reason(event).startswith(COPY)}

    def _by_node(self, found: dict[int, EventRecord]) -> Callable[[EventRecord], None]:
        def read(event: EventRecord) -> None:
            if event.node_id is not None:
                found[event.node_id] = event

        return read

    def _pruned(self, event: EventRecord) -> None:
        self.pruned |= dict.fromkeys(ids(event, "nodes"), event)

    def _resampled(self, event: EventRecord) -> None:
        particles = ids(event, "particles")
        drawn = {
            particles[ancestor] for ancestor in ids(event, "ancestors") if ancestor < len(particles)
        }
        self.resampled |= {
            node: Draw(event, node in drawn, share) for node, share in shares_of(event).items()
        }

    def _weighed(self, event: EventRecord) -> None:
        self.shares |= shares_of(event)

    def _selected(self, event: EventRecord) -> None:
        data = event.data or {}
        levels, worth, path = data.get("children"), data.get("scores"), ids(event, "path")
        if not isinstance(levels, list) or not isinstance(worth, list):
            return
        for children, values, chosen in zip(levels, worth, path[1:], strict=False):
            found = dict(zip(as_ids(children), as_numbers(values), strict=False))
            lost = (child for child in found if child != chosen)
            self.contested |= {
                child: Contest(event, str(data.get("formula")), found[child], found.get(chosen))
                for child in lost
            }

    def _backed(self, event: EventRecord) -> None:
        means = dict(zip(ids(event, "path"), numbers(event, "means"), strict=False))
        self.means |= {node: Tried(event, mean) for node, mean in means.items()}

    def _rolled(self, event: EventRecord) -> None:
        rollout = (event.data or {}).get("rollout")
        if event.node_id is not None:
            self.tried[event.node_id] = Tried(event, event.value)
        if isinstance(rollout, int):
            self.rollouts[rollout] = event

    def _allocated(self, event: EventRecord) -> None:
        self.granted[place(event)] = dict(
            zip(ids(event, "nodes"), numbers(event, "widths"), strict=False)
        )

    def _kept(self, event: EventRecord) -> None:
        self.kept[place(event)] = numbers(event, "values")


def place(event: EventRecord) -> tuple[int, str]:
    """The step that an event belongs to."""
    return event.round, event.track


def reason(event: EventRecord) -> str:
    return str((event.data or {}).get("reason") or "")


def ids(event: EventRecord, name: str) -> list[int]:
    return as_ids((event.data or {}).get(name))


def numbers(event: EventRecord, name: str) -> list[float | None]:
    return as_numbers((event.data or {}).get(name))


def as_ids(value: JSON) -> list[int]:
    return [one for one in value if isinstance(one, int)] if isinstance(value, list) else []


def as_numbers(value: JSON) -> list[float | None]:
    return [number(one) for one in value] if isinstance(value, list) else []


def number(value: JSON) -> float | None:
    """A number as the log holds it: infinities are words there."""
    return float(value) if isinstance(value, int | float) or value in ("inf", "-inf") else None


def shares_of(event: EventRecord) -> dict[int, float]:
    """What share of the weight the particles of a node have together."""
    log_weights = [
        -math.inf if weight is None else weight for weight in numbers(event, "log_weights")
    ]
    shares: defaultdict[int, float] = defaultdict(float)
    for node, share in zip(ids(event, "particles"), softmax(log_weights).tolist(), strict=False):
        shares[node] += share
    return dict(shares)
