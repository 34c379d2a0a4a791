"""Which colour a tree is shown in at first: one that the run has numbers for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from backend.core.events import ScoreGiven
from backend.core.records import EventRecord
from backend.core.steps import Backed, Weighed
from backend.messages.runs import OVER, Node, Run
from components.frame.look import COLOURS, Look
from components.run.log import RunLog


def first_colour(nodes: Sequence[Node], events: Sequence[EventRecord]) -> str:
    """The first of scores, weights, values and log-probabilities that the run has; else the order
    of creation."""
    return next(_present(nodes, events), "order")


def _present(nodes: Sequence[Node], events: Sequence[EventRecord]) -> Iterator[str]:
    if any(isinstance(each.body, ScoreGiven) and each.body.value is not None for each in events):
        yield "score"
    if any(isinstance(each.body, Weighed) for each in events):
        yield "weight"
    if any(isinstance(each.body, Backed) for each in events):
        yield "value"
    if any(node.mean_logprob is not None for node in nodes):
        yield "logprob"


def with_first_colour(look: Look, run: Run, log: RunLog) -> Look:
    """The look at a run that is over, in a colour that it has where the reader chose none."""
    if look.colour != COLOURS[0] or run.status not in OVER:
        return look
    return replace(look, colour=first_colour(log.nodes, log.events))


__all__ = ["first_colour", "with_first_colour"]
