"""A sink between a run and its store that remembers what the row of the run will need, however the
run ends."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from backend.core.records import EventRecord, NodeRecord, Sink
from backend.core.types import JSON


@dataclass
class Tap:
    """Passes records on and keeps the last ledger and the last answer.

    `seal` makes it drop everything from then on: a run that is cut off by the end of the process
    then looks in the store exactly like one that was cut off by a power failure, and can be taken
    up like it.
    """

    sink: Sink
    ledger: dict[str, float] = field(default_factory=dict)
    answer: dict[str, JSON] = field(default_factory=dict)
    chosen: int | None = None
    sealed: bool = False

    def append(self, nodes: Sequence[NodeRecord], events: Sequence[EventRecord]) -> None:
        if self.sealed:
            return
        self.sink.append(nodes, events)
        for event in events:
            if event.data is None or event.kind not in ("answer", "call", "status"):
                continue
            ledger = event.data.get("ledger")
            if isinstance(ledger, dict):
                self.ledger = {
                    name: value for name, value in ledger.items() if isinstance(value, int | float)
                }
            if event.kind == "answer":
                self.answer, self.chosen = event.data, event.node_id

    def seal(self) -> None:
        self.sealed = True


__all__ = ["Tap"]
