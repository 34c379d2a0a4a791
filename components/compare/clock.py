"""One clock for several runs: what a run had spent at each of its events, and which event an amount
belongs to.

Searches of different kinds have no common step, so they are put side by side by what they cost. A
clock is a table from event number to an amount that never falls. Snapshots of the ledger in the log
are exact; between two of them single nodes and scores are added up, never beyond the next snapshot,
so that the table meets the ledger wherever the ledger speaks.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil

from backend.core.events import EventBody, LikelihoodGiven, NodeAdded, ScoreGiven, ledger_of
from backend.core.records import EventRecord
from backend.messages.runs import Node

Ledger = Mapping[str, float]
WRITTEN = ("step", "rollout", "aside")


@dataclass(frozen=True)
class ClockAxis:
    """An amount that grows while a run goes on: its name in addresses, its title, its unit behind a
    number, and what it counts."""

    name: str
    title: str
    unit: str
    meaning: str


AXES: Sequence[ClockAxis] = (
    ClockAxis(
        "generated",
        "Generated tokens",
        "generated tokens",
        "tokens that the policy wrote, as the budget counts them",
    ),
    ClockAxis(
        "tokens",
        "All tokens",
        "tokens",
        "generated tokens, and those of prompts and verifier that came from no cache",
    ),
    ClockAxis("verifier", "Verifier calls", "verifier calls", "paths that a verifier scored"),
    ClockAxis(
        "seconds", "Seconds", "s", "wall time since the run started, up to the next millisecond"
    ),
    ClockAxis("events", "Events", "events", "the number in the run's own log"),
)
NAMES = tuple(axis.name for axis in AXES)


def axis_of(name: str | None) -> ClockAxis:
    """The axis of that name; the first one where there is none."""
    return next((axis for axis in AXES if axis.name == name), AXES[0])


@dataclass(frozen=True)
class Clock:
    """`values[i]` is the amount after the i-th event, `seqs[i]` that event's number; neither ever
    falls."""

    axis: str
    seqs: tuple[int, ...]
    values: tuple[float, ...]

    @property
    def end(self) -> float:
        """The amount at the last event; 0 for an empty log."""
        return self.values[-1] if self.values else 0.0

    def value_at(self, seq: int | None) -> float:
        """The amount after event `seq`, or after all (None); 0 before the first."""
        at = len(self.seqs) if seq is None else bisect_right(self.seqs, seq)
        return self.values[at - 1] if at else 0.0

    def event_at(self, value: float | None) -> int | None:
        """The last event by which no more than `value` was spent; the first one where even that had
        spent more. None stands for the whole log: `value` is None, or the run never spent more."""
        if value is None or not self.seqs or value >= self.end:
            return None
        return self.seqs[max(0, bisect_right(self.values, value) - 1)]

    def after(self, value: float) -> float | None:
        """The next amount above `value`, None at the end."""
        at = bisect_right(self.values, value)
        return self.values[at] if at < len(self.values) else None

    def before(self, value: float) -> float | None:
        """The last amount below `value`, None at the start."""
        return next(
            (
                one
                for one in reversed(self.values[: bisect_right(self.values, value)])
                if one < value
            ),
            None,
        )


def clock(nodes: Iterable[Node], events: Sequence[EventRecord], axis: str) -> Clock:
    """The table of a run's log, `events` in order of seq."""
    seqs = tuple(event.seq for event in events)
    if axis == "events":
        return Clock(axis, seqs, tuple(float(seq) for seq in seqs))
    if axis == "seconds":
        return Clock(axis, seqs, _rising([ceil(event.t_ms) / 1000.0 for event in events]))
    amount_in, step = _AMOUNTS[axis], _STEPS[axis]
    by_id = {node.id: node for node in nodes}
    snapshots = [
        amount_in(ledger) if (ledger := ledger_of(event.body)) else None for event in events
    ]
    steps = [step(event.body, by_id) for event in events]
    return Clock(axis, seqs, _meet_snapshots(snapshots, steps))


def _meet_snapshots(snapshots: Sequence[float | None], steps: Sequence[float]) -> tuple[float, ...]:
    """Amounts that grow by `steps`, meet every snapshot, and never pass the next one."""
    caps, cap = [0.0] * len(steps), float("inf")
    for at in range(len(steps) - 1, -1, -1):
        snapshot = snapshots[at]
        if snapshot is not None:
            cap = min(cap, snapshot)
        caps[at] = cap
    values, value = [], 0.0
    for at, step in enumerate(steps):
        snapshot = snapshots[at]
        value = max(value, min(snapshot if snapshot is not None else value + step, caps[at]))
        values.append(value)
    return tuple(values)


def _rising(values: Sequence[float]) -> tuple[float, ...]:
    rising, top = [], 0.0
    for value in values:
        top = max(top, value)
        rising.append(top)
    return tuple(rising)


def _all_tokens(ledger: Ledger) -> float:
    computed = ledger.get("prompt_tokens", 0.0) - ledger.get("cached_tokens", 0.0)
    return ledger.get("generated_tokens", 0.0) + computed + ledger.get("verifier_tokens", 0.0)


def _count_generated(body: EventBody, nodes: Mapping[int, Node]) -> float:
    node = nodes.get(body.node) if isinstance(body, NodeAdded) else None
    written = node is not None and node.kind in WRITTEN and node.mean_logprob is not None
    return float(node.n_tokens) if written and node is not None else 0.0


def _count_computed(body: EventBody, nodes: Mapping[int, Node]) -> float:
    match body:
        case ScoreGiven(tokens=tokens):
            return float(tokens)
        case (
            NodeAdded(prompt_tokens=prompt, cached_tokens=cached)
            | LikelihoodGiven(prompt_tokens=prompt, cached_tokens=cached)
        ):
            return max(0.0, (prompt or 0) - (cached or 0)) + _count_generated(body, nodes)
        case _:
            return 0.0


def _count_scored(body: EventBody, nodes: Mapping[int, Node]) -> float:
    return 1.0 if isinstance(body, ScoreGiven) else 0.0


_AMOUNTS: Mapping[str, Callable[[Ledger], float]] = {
    "generated": lambda ledger: ledger.get("generated_tokens", 0.0),
    "tokens": _all_tokens,
    "verifier": lambda ledger: ledger.get("verifier_calls", 0.0),
}
_STEPS: Mapping[str, Callable[[EventBody, Mapping[int, Node]], float]] = {
    "generated": _count_generated,
    "tokens": _count_computed,
    "verifier": _count_scored,
}
