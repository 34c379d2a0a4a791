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
from typing import Any, Protocol

from components.run.tree_table import EventLike, NodeLike

Ledger = Mapping[str, Any]
WRITTEN = ("step", "rollout", "aside")


class Timed(EventLike, Protocol):
    """An event with its time since the run started, milliseconds."""

    @property
    def t_ms(self) -> float: ...


@dataclass(frozen=True)
class Axis:
    """An amount that grows while a run goes on: its name in addresses, its title, its unit behind a
    number, and what it counts."""

    name: str
    title: str
    unit: str
    meaning: str


AXES: Sequence[Axis] = (
    Axis(
        "generated",
        "Generated tokens",
        "generated tokens",
        "tokens that the policy wrote, as the budget counts them",
    ),
    Axis(
        "tokens",
        "All tokens",
        "tokens",
        "generated tokens, and those of prompts and verifier that came from no cache",
    ),
    Axis("verifier", "Verifier calls", "verifier calls", "paths that a verifier scored"),
    Axis("seconds", "Seconds", "s", "wall time since the run started, up to the next millisecond"),
    Axis("events", "Events", "events", "the number in the run's own log"),
)
NAMES = tuple(axis.name for axis in AXES)


def axis_of(name: str | None) -> Axis:
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


def clock(nodes: Iterable[NodeLike], events: Sequence[Timed], axis: str) -> Clock:
    """The table of a run's log, `events` in order of seq."""
    seqs = tuple(event.seq for event in events)
    if axis == "events":
        return Clock(axis, seqs, tuple(float(seq) for seq in seqs))
    if axis == "seconds":
        return Clock(axis, seqs, _rising([ceil(event.t_ms) / 1000.0 for event in events]))
    told, step = _TOLD[axis], _STEPS[axis]
    by_id = {node.id: node for node in nodes}
    snapshots = [
        told(data["ledger"]) if (data := event.data or {}).get("ledger") else None
        for event in events
    ]
    steps = [
        step(event, by_id.get(event.node_id) if event.node_id is not None else None)
        for event in events
    ]
    return Clock(axis, seqs, _met(snapshots, steps))


def _met(snapshots: Sequence[float | None], steps: Sequence[float]) -> tuple[float, ...]:
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


def _amount(ledger: Ledger, name: str) -> float:
    value = ledger.get(name)
    return float(value) if isinstance(value, int | float) else 0.0


def _all_tokens(ledger: Ledger) -> float:
    computed = _amount(ledger, "prompt_tokens") - _amount(ledger, "cached_tokens")
    return _amount(ledger, "generated_tokens") + computed + _amount(ledger, "verifier_tokens")


def _generated(event: EventLike, node: NodeLike | None) -> float:
    return (
        float(node.n_tokens)
        if event.kind == "node"
        and node is not None
        and node.kind in WRITTEN
        and node.mean_logprob is not None
        else 0.0
    )


def _computed(event: EventLike, node: NodeLike | None) -> float:
    data = event.data or {}
    if event.kind == "score":
        return _amount(data, "tokens")
    prompt = (
        max(0.0, _amount(data, "prompt_tokens") - _amount(data, "cached_tokens"))
        if event.kind in ("node", "likelihood")
        else 0.0
    )
    return prompt + _generated(event, node)


def _scored(event: EventLike, node: NodeLike | None) -> float:
    return 1.0 if event.kind == "score" else 0.0


_TOLD: Mapping[str, Callable[[Ledger], float]] = {
    "generated": lambda ledger: _amount(ledger, "generated_tokens"),
    "tokens": _all_tokens,
    "verifier": lambda ledger: _amount(ledger, "verifier_calls"),
}
_STEPS: Mapping[str, Callable[[EventLike, NodeLike | None], float]] = {
    "generated": _generated,
    "tokens": _computed,
    "verifier": _scored,
}
