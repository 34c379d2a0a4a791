"""A sink between a run and its store that remembers what the row of the run will need, however the
run ends."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from backend.core.events import AnswerChanged, LimitReached, ledger_of
from backend.core.limits import Limit
from backend.core.records import EventRecord, NodeRecord, Sink


@dataclass
class Tap:
    """Passes records on and keeps the last ledger, the last answer and the spent budget.

    `seal` makes it drop everything from then on: a run that is cut off by the end of the process
    then looks in the store exactly like one that was cut off by a power failure, and can be taken
    up like it.
    """

    sink: Sink
    ledger: Mapping[str, float] = field(default_factory=dict)
    answer: AnswerChanged | None = None
    limit: Limit | None = None
    sealed: bool = False

    def append(self, nodes: Sequence[NodeRecord], events: Sequence[EventRecord]) -> None:
        if self.sealed:
            return
        self.sink.append(nodes, events)
        for event in events:
            body = event.body
            if isinstance(body, AnswerChanged):
                self.answer = body
            elif isinstance(body, LimitReached):
                self.limit = Limit(body.axis, body.limit)
            self.ledger = ledger_of(body) or self.ledger

    def seal(self) -> None:
        self.sealed = True


__all__ = ["Tap"]
